package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clipside/clipside/internal/golden"
	"github.com/clipside/clipside/model"
)

func TestEmbedGivesTheReferenceAsJSON(t *testing.T) {
	set := golden.Read(t, root, "models/starter")
	args := []string{"embed", "-model", starter, "-device", "cpu", "-json"}
	for _, image := range set.Images {
		args = append(args, "-image", filepath.Join(photos, image.File))
	}
	for _, text := range set.Texts {
		args = append(args, "-text", text.Text)
	}
	stdout := succeed(t, args...)

	var shape map[string][]map[string]any
	if err := json.Unmarshal([]byte(stdout), &shape); err != nil {
		t.Fatal(err)
	}
	if len(shape) != 2 || len(shape["images"]) != len(set.Images) || len(shape["texts"]) != len(set.Texts) {
		t.Fatalf("%d images and %d texts among %d lists", len(shape["images"]), len(shape["texts"]), len(shape))
	}
	for list, fields := range map[string][]string{"images": {"file", "embedding"}, "texts": {"text", "ids", "embedding"}} {
		for _, entry := range shape[list] {
			for _, f := range fields {
				if _, ok := entry[f]; !ok || len(entry) != len(fields) {
					t.Fatalf("an entry of %s has not just the fields %v", list, fields)
				}
			}
		}
	}

	var got embedded
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	for i, want := range set.Images {
		if got.Images[i].File != filepath.Join(photos, want.File) {
			t.Errorf("image %d is %s", i, got.Images[i].File)
		}
		checkEmbedding(t, want.File, got.Images[i].Embedding, want.Embedding, 0.9999) // from the file: JPEG decoders differ
	}
	for i, want := range set.Texts {
		if got.Texts[i].Text != want.Text || !slices.Equal(got.Texts[i].IDs, want.IDs) {
			t.Errorf("text %d is %q, ids %v; want %q, %v", i, got.Texts[i].Text, got.Texts[i].IDs, want.Text, want.IDs)
		}
		checkEmbedding(t, want.Text, got.Texts[i].Embedding, want.Embedding, golden.MinCosine)
	}
}

func checkEmbedding(t *testing.T, what string, got, want []float32, cosine float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d numbers, want %d", what, len(got), len(want))
	}
	var norm float64
	for _, v := range want {
		norm += float64(v) * float64(v)
	}
	if c := float64(model.Cosine(got, want)) / math.Sqrt(norm); c < cosine {
		t.Errorf("%s: cosine %.6f to the reference, want %.5f", what, c, cosine)
	}
	if n := model.Cosine(got, got); math.Abs(float64(n)-1) > 1e-5 {
		t.Errorf("%s: the embedding's length squared is %v, want 1", what, n)
	}
}

func TestEmbedGivesEmptyListsForWhatWasNotAsked(t *testing.T) {
	if got := succeed(t, "embed", "-model", starter, "-device", "cpu", "-json", "-text", "a cat"); !strings.HasPrefix(got, `{"images":[],"texts":[{"text":"a cat","ids":[`) {
		t.Errorf("got %.60s…", got)
	}
	if got := succeed(t, "embed", "-model", starter, "-device", "cpu", "-json", "-image", filepath.Join(photos, "rocket.jpg")); !strings.HasSuffix(got, `"texts":[]}`+"\n") {
		t.Errorf("got …%s", got[max(0, len(got)-60):])
	}
}

func TestEmbedPrintsNothingUnlessAllIsThere(t *testing.T) {
	code, stdout, stderr := clipside(t, "embed", "-model", starter, "-device", "cpu", "-json", "-text", "a cat", "-image", filepath.Join(photos, "truncated.jpg"))
	if code != 1 || stdout != "" || !strings.Contains(stderr, "cut short") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}
