package onnx

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/internal/golden"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
)

const root = "../.."

// runtime is where ./build.sh bench installs onnxruntime-web.
const runtime = "../peers/node_modules/onnxruntime-web"

// TestOnnxruntimeComputesOurEmbeddings runs both encoders of every kind of image encoder, and both in one model, on
// onnxruntime-web under Node.
func TestOnnxruntimeComputesOurEmbeddings(t *testing.T) {
	if _, err := os.Stat(runtime); err != nil {
		t.Skip("onnxruntime-web is not installed; ./build.sh bench installs it")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no Node to run onnxruntime-web with")
	}
	type request struct {
		Model    string
		Pixels   []float32 `json:",omitempty"`
		Pictures int       `json:",omitempty"`
		Size     int       `json:",omitempty"`
		IDs      []uint32  `json:",omitempty"`
		Texts    int       `json:",omitempty"`
	}
	type want struct {
		name       string
		output     string
		embeddings [][]float32
	}
	dir := t.TempDir()
	var requests []request
	var wants []want
	for _, set := range golden.Dirs {
		s := golden.Read(t, root, set)
		clip := s.Load(t, cpu.New())
		w := weights(t, s)
		c := &clip.Config
		name := filepath.Base(set)
		file := func(kind string, write func(io.Writer, *model.Config, Weights, bool) error) string {
			var b bytes.Buffer
			if err := write(&b, c, w, false); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, name+"-"+kind+".onnx")
			if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}

		var pictures []model.Picture
		var pixels []float32
		for _, g := range s.Images[:2] {
			p := s.Picture(t, g.File, c.Image.Size)
			pictures = append(pictures, p)
			pixels = append(pixels, normalized(p, c.Preprocess)...)
		}
		images, err := clip.EmbedImages(t.Context(), pictures, nil)
		if err != nil {
			t.Fatal(err)
		}
		// Texts of different lengths in one batch, the shorter ones padded.
		var texts []string
		var ids [][]uint32
		longest := 0
		for _, g := range s.Texts[:3] {
			texts, ids = append(texts, g.Text), append(ids, g.IDs)
			longest = max(longest, len(g.IDs))
		}
		var padded []uint32
		for _, t := range ids {
			padded = append(padded, t...)
			for range longest - len(t) {
				padded = append(padded, t[len(t)-1])
			}
		}
		embedded, err := clip.EmbedTexts(t.Context(), texts, nil)
		if err != nil {
			t.Fatal(err)
		}

		image := request{Model: file("image", WriteImage), Pixels: pixels, Pictures: len(pictures), Size: c.Image.Size}
		text := request{Model: file("text", WriteText), IDs: padded, Texts: len(texts)}
		both := image
		both.Model, both.IDs, both.Texts = file("clip", WriteClip), text.IDs, text.Texts
		requests = append(requests, image, text, both)
		wants = append(wants, want{name + " image", "image_embeds", images}, want{name + " text", "text_embeds", embedded.Embeddings}, want{name + " both", "image_embeds", images})
	}

	in, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(dir, "results.json")
	cmd := exec.Command(node, "testdata/run.mjs", runtime, results)
	cmd.Stdin = bytes.NewReader(in)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	out, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string][]float32
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(wants) {
		t.Fatalf("%d results, want %d", len(got), len(wants))
	}
	for i, w := range wants {
		values := got[i][w.output]
		for j, e := range w.embeddings {
			if len(values) != len(w.embeddings)*len(e) {
				t.Fatalf("%s: %d values, want %d×%d", w.name, len(values), len(w.embeddings), len(e))
			}
			g := values[j*len(e) : (j+1)*len(e)]
			if c := float64(model.Cosine(g, e)) / math.Sqrt(float64(model.Cosine(g, g))); !(c >= 0.99999) {
				t.Errorf("%s %d: cosine %.7f", w.name, j, c)
			}
		}
	}
}

// weights are those of the set's bundle.
func weights(t *testing.T, s *golden.Set) Weights {
	t.Helper()
	src := bundle.FS(os.DirFS(s.Pack(t)))
	m, err := bundle.ReadManifest(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	w, err := ReadWeights(t.Context(), src, m)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// normalized is a picture as the exported models take it: [3, size, size].
func normalized(p model.Picture, pre model.Preprocess) []float32 {
	area := p.Size * p.Size
	out := make([]float32, 3*area)
	for c := range 3 {
		for i := range area {
			out[c*area+i] = (float32(p.RGBA[4*i+c])/255 - pre.Mean[c]) / pre.Std[c]
		}
	}
	return out
}

func TestAModelWithoutItsWeightsIsRefused(t *testing.T) {
	s := golden.Read(t, root, golden.Dirs[0])
	clip := s.Load(t, cpu.New())
	w := weights(t, s)
	delete(w, "image.blocks.0.attn.out.weight")
	if err := WriteImage(io.Discard, &clip.Config, w, false); err == nil {
		t.Error("an image encoder without a weight was written")
	}
	if err := WriteText(io.Discard, &clip.Config, w, false); err != nil {
		t.Errorf("the text encoder misses nothing: %v", err)
	}
}

func TestHalfModelsTakeHalfTheBytes(t *testing.T) {
	s := golden.Read(t, root, golden.Dirs[0])
	clip := s.Load(t, cpu.New())
	w := weights(t, s)
	size := func(half bool) int {
		var b bytes.Buffer
		if err := WriteClip(&b, &clip.Config, w, half); err != nil {
			t.Fatal(err)
		}
		return b.Len()
	}
	if half, whole := size(true), size(false); half > whole*55/100 {
		t.Errorf("the fp16 model takes %d bytes, the fp32 one %d", half, whole)
	}
}
