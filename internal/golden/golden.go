// Package golden holds models against what the original implementation computes from them: the reference outputs in
// testdata/golden and models/starter.
package golden

import (
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
	"github.com/clipside/clipside/model/convert"
	"github.com/clipside/clipside/preprocess"
	"github.com/clipside/clipside/preprocess/decode"
)

// What the goldens' README asks for.
const (
	MinCosine      = 0.99999
	MaxProbability = 1e-3 // |Δ|
)

// Set is a checkpoint with its reference outputs.
type Set struct {
	Dir    string // of the checkpoint, relative to the repository
	Photos string // of the pictures; pre_NAME.png in Dir goes before them

	Texts []struct {
		Text      string
		IDs       []uint32
		Embedding []float32
	}
	Images []struct {
		File      string
		Embedding []float32
		Probs     []float32
	}
	ProbsPerImage [][]float32 `json:"probs_per_image"`
}

// Dirs are the checkpoints that have reference outputs, relative to the repository.
var Dirs = []string{"testdata/golden/vit-hf", "testdata/golden/rn-openclip", "models/starter"}

// Read reads a set; root is the repository as the test sees it.
func Read(t testing.TB, root, dir string) *Set {
	t.Helper()
	s := &Set{Dir: filepath.Join(root, dir), Photos: filepath.Join(root, "testdata/photos")}
	data, err := os.ReadFile(filepath.Join(s.Dir, "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.ProbsPerImage == nil { // the starter's file has them with the images
		for _, i := range s.Images {
			s.ProbsPerImage = append(s.ProbsPerImage, i.Probs)
		}
	}
	if len(s.Texts) == 0 || len(s.Images) == 0 || len(s.ProbsPerImage) != len(s.Images) {
		t.Fatalf("%s/golden.json has %d texts, %d images, %d rows of probabilities", dir, len(s.Texts), len(s.Images), len(s.ProbsPerImage))
	}
	return s
}

// Pack makes a bundle of the set's checkpoint in a folder of the test's.
func (s *Set) Pack(t testing.TB) string {
	t.Helper()
	out := t.TempDir()
	_, err := convert.Pack(t.Context(), os.DirFS(s.Dir), out, convert.Options{SelfTest: func(ctx context.Context, dir string, m *bundle.Manifest) (bundle.SelfTest, error) {
		return bundle.NewSelfTest(ctx, bundle.FS(os.DirFS(dir)), m, cpu.New())
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Load loads the set's model onto a device, by way of a bundle.
func (s *Set) Load(t testing.TB, d model.Device) *model.Clip {
	t.Helper()
	src := bundle.FS(os.DirFS(s.Pack(t)))
	m, err := bundle.ReadManifest(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	clip, err := bundle.Open(t.Context(), src, m, d)
	if err != nil {
		t.Fatal(err)
	}
	return clip
}

// Picture is an image of the set as the encoder takes it: the reference's own pixels where the set has them, which
// keeps JPEG decoders out of the comparison; else ours.
func (s *Set) Picture(t testing.TB, file string, size int) model.Picture {
	t.Helper()
	pre := filepath.Join(s.Dir, "pre_"+file[:len(file)-len(filepath.Ext(file))]+".png")
	if f, err := os.Open(pre); err == nil {
		defer f.Close()
		img, err := png.Decode(f)
		if err != nil || img.Bounds().Dx() != size || img.Bounds().Dy() != size {
			t.Fatalf("%s: %v, or not of %d px", pre, err, size)
		}
		p := model.Picture{Size: size}
		for y := range size {
			for x := range size {
				r, g, b, _ := img.At(x, y).RGBA()
				p.RGBA = append(p.RGBA, byte(r>>8), byte(g>>8), byte(b>>8), 255)
			}
		}
		return p
	}
	data, err := os.ReadFile(filepath.Join(s.Photos, file))
	if err != nil {
		t.Fatal(err)
	}
	img, err := decode.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	rgba, err := preprocess.Square(img, size)
	if err != nil {
		t.Fatal(err)
	}
	return model.Picture{Size: size, RGBA: rgba}
}

// Check holds every embedding and every probability of all sets against a device.
func Check(t *testing.T, root string, device func(t *testing.T) model.Device) {
	for _, dir := range Dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			s := Read(t, root, dir)
			clip := s.Load(t, device(t))
			var texts []string
			for _, g := range s.Texts {
				texts = append(texts, g.Text)
				if ids, _ := clip.Tokenizer.Encode(g.Text, clip.Config.Text.Context); !slices.Equal(ids, g.IDs) {
					t.Errorf("ids of %q are %v, want %v", g.Text, ids, g.IDs)
				}
			}
			te, err := clip.EmbedTexts(t.Context(), texts, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, g := range s.Texts {
				Near(t, fmt.Sprintf("%q", g.Text), te.Embeddings[i], g.Embedding)
			}
			var px []model.Picture
			for _, g := range s.Images {
				px = append(px, s.Picture(t, g.File, clip.Config.Image.Size))
			}
			ie, err := clip.EmbedImages(t.Context(), px, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, g := range s.Images {
				Near(t, g.File, ie[i], g.Embedding)
			}
			for i, logits := range model.Logits(ie, te.Embeddings, clip.Config.LogitScale) {
				Probabilities(t, s.Images[i].File, model.Softmax(logits), s.ProbsPerImage[i])
			}
		})
	}
}

// Near compares an embedding, which must be normalised, with a reference, which need not be.
func Near(t testing.TB, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: embedding of %d values, want %d", what, len(got), len(want))
		return
	}
	c := float64(model.Cosine(got, want)) / math.Sqrt(float64(model.Cosine(want, want)))
	if !(c >= MinCosine) {
		t.Errorf("%s: cosine %.7f to the reference", what, c)
	}
	if n := model.Cosine(got, got); math.Abs(float64(n)-1) > 1e-5 {
		t.Errorf("%s: squared norm %v", what, n)
	}
}

// Probabilities compares a row of probabilities: close, and in the same order.
func Probabilities(t testing.TB, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d probabilities, want %d", what, len(got), len(want))
		return
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i] - w)); !(d <= MaxProbability) {
			t.Errorf("%s: probability %d is %v, want %v", what, i, got[i], w)
		}
	}
	if g, w := order(got), order(want); !slices.Equal(g, w) {
		t.Errorf("%s: ranking %v, want %v", what, g, w)
	}
}

// order are the indices of p, highest first.
func order(p []float32) []int {
	o := make([]int, len(p))
	for i := range o {
		o[i] = i
	}
	slices.SortStableFunc(o, func(a, b int) int {
		if p[a] > p[b] {
			return -1
		}
		if p[a] < p[b] {
			return 1
		}
		return 0
	})
	return o
}
