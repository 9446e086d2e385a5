package convert

import (
	"bufio"
	"encoding/binary"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/clipside/clipside/model/bundle"
)

// BenchmarkPackViTB32 packs a checkpoint of ViT-B/32's size with random values: 151 M parameters, 605 MB of F32. It
// must take less than a minute on two cores within 1 GiB.
func BenchmarkPackViTB32(b *testing.B) {
	dir := b.TempDir()
	writeViTB32(b, dir)
	var m *bundle.Manifest
	for b.Loop() {
		var err error
		m, err = Pack(b.Context(), os.DirFS(dir), filepath.Join(dir, "bundle"), Options{Name: "random", SelfTest: noEngine})
		if err != nil {
			b.Fatal(err)
		}
	}
	var raw, stored int64
	for _, s := range m.Sizes() {
		raw, stored = raw+s.Raw, stored+s.Stored
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	b.SetBytes(raw)
	b.ReportMetric(float64(stored)/float64(raw), "ratio")
	b.ReportMetric(float64(mem.Sys)/(1<<20), "MiB-from-OS")
}

// writeViTB32 writes a checkpoint in Hugging Face's layout, every field at its default but the vocabulary's file,
// which is the starter's.
func writeViTB32(b *testing.B, dir string) {
	b.Helper()
	for _, name := range []string{"vocab.json", "merges.txt"} {
		data, err := os.ReadFile(filepath.Join(starterDir, name))
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"model_type": "clip"}`), 0o644); err != nil {
		b.Fatal(err)
	}
	c, _, _, err := readHuggingFace(os.DirFS(dir))
	if err != nil {
		b.Fatal(err)
	}
	shapes := map[string][]int{"logit_scale": {}}
	for _, r := range huggingFaceRecipes(&c) {
		for _, p := range r.parts {
			shapes[p.name] = p.shape
		}
	}
	header := make(map[string]any)
	var end int64
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		n, _ := count(shapes[name])
		header[name] = map[string]any{"dtype": "F32", "shape": shapes[name], "data_offsets": []int64{end, end + 4*n}}
		end += 4 * n
	}
	f, err := os.Create(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	w.Write(withHeader(mustJSON(header), nil))
	rng := rand.New(rand.NewPCG(1, 2))
	var value [4]byte
	for range end / 4 {
		binary.LittleEndian.PutUint32(value[:], math.Float32bits(float32(rng.NormFloat64()*0.02)))
		w.Write(value[:])
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
}
