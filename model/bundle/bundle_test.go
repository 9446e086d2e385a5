package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/clipside/clipside/model"
	"github.com/klauspost/compress/zstd"
	"github.com/x448/float16"
)

// smallConfig is a model whose towers have a few chunks, tensors that span them, and rows that need padding.
func smallConfig() model.Config {
	return model.Config{
		EmbedDim: 6, LogitScale: 100,
		Image:      model.ImageConfig{Kind: model.ResNet, Size: 32, Width: 6, Heads: 2, Activation: model.ReLU, Eps: 1e-5, Blocks: []int{1, 2, 1, 1}},
		Text:       model.TextConfig{Context: 8, Vocab: 41_003, Width: 62, Layers: 2, Heads: 2, MLP: 11, Activation: model.GELU, Eps: 1e-5},
		Preprocess: model.Preprocess{Mean: model.DefaultMean, Std: model.DefaultStd},
	}
}

// values are n finite fp16 values, made quickly.
func values(rng *rand.Rand, n int) []uint16 {
	v := make([]uint16, n)
	for i := range v {
		r := rng.Uint32()
		v[i] = uint16(r&0x83ff | 0x2000 + r>>16&0x0c00)
	}
	return v
}

// weights are n fp16 values spread like a trained layer's.
func weights(rng *rand.Rand, n int) []uint16 {
	v := make([]uint16, n)
	for i := range v {
		v[i] = float16.Fromfloat32(float32(rng.NormFloat64() * 0.02)).Bits()
	}
	return v
}

func unit(n int) []float32 {
	v := make([]float32, n)
	v[n/2] = 1
	return v
}

// writeBundle packs random values and returns the manifest and every tensor's values.
func writeBundle(t testing.TB, dir string, c model.Config, seed uint64) (*Manifest, map[string][]uint16) {
	t.Helper()
	w, m, all := finishBundle(t, dir, c, seed)
	if err := w.Commit(m); err != nil {
		t.Fatal(err)
	}
	return m, all
}

// finishBundle is writeBundle without its end: the manifest is still to be committed.
func finishBundle(t testing.TB, dir string, c model.Config, seed uint64) (*Writer, *Manifest, map[string][]uint16) {
	t.Helper()
	w, err := NewWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	all := make(map[string][]uint16)
	for _, tower := range []string{Image, Text} {
		layout := Layout(&c, tower)
		if err := w.Tower(tower, layout); err != nil {
			t.Fatal(err)
		}
		for _, x := range layout {
			n := 1
			for _, d := range x.Shape {
				n *= d
			}
			v := values(rng, n)
			all[x.Name] = v
			for len(v) > 0 { // in uneven pieces
				k := min(len(v), 1+rng.IntN(100_000))
				if err := w.Write(v[:k]); err != nil {
					t.Fatal(err)
				}
				v = v[k:]
			}
		}
	}
	m := &Manifest{Name: "small", Config: c}
	if err := w.Finish(m, []byte(`{"a tokenizer": true}`)); err != nil {
		t.Fatal(err)
	}
	m.SelfTest = SelfTest{Text: "a cat", TextEmbedding: unit(c.EmbedDim), ImageEmbedding: unit(c.EmbedDim)}
	return w, m, all
}

func TestABundleIsWholeThoughAnOldChunkCannotBeRemoved(t *testing.T) {
	dir, c := t.TempDir(), smallConfig()
	writeBundle(t, dir, c, 1)
	if err := os.MkdirAll(filepath.Join(dir, strings.Repeat("0", 64)+".zst", "held"), 0o755); err != nil {
		t.Fatal(err)
	}
	w, m, _ := finishBundle(t, dir, c, 2)
	if err := w.Commit(m); err == nil {
		t.Error("Commit says nothing of what is left")
	}
	w.Abort()
	if err := Verify(t.Context(), FS(os.DirFS(dir)), m, nil); err != nil {
		t.Error(err)
	}
}

// device keeps what it is filled with. After failAt bytes of a parameter named fail it fails.
type device struct {
	model.Device
	fail   string
	failed error
	got    map[string][]byte
}

func (d *device) NewParam(name string, shape ...int) (*model.Param, error) {
	if d.fail == "new "+name {
		return nil, d.failed
	}
	return model.NewParam(name, shape...), nil
}

func (d *device) Fill(p *model.Param, at int64, f16 []byte) error {
	if d.fail == p.Name {
		return d.failed
	}
	if int64(len(d.got[p.Name])) != at || at%8 != 0 || len(f16)%8 != 0 {
		return errors.New("a gap or an unaligned piece")
	}
	d.got[p.Name] = append(d.got[p.Name], f16...)
	if int64(len(d.got[p.Name])) == paddedBytes(p.Shape) {
		p.Arrived(nil)
	}
	return nil
}

func TestLoadReturnsWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	want, values := writeBundle(t, dir, smallConfig(), 1)
	src := FS(os.DirFS(dir))
	m, err := ReadManifest(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := want.Encode(); true {
		if b, _ := m.Encode(); !bytes.Equal(a, b) {
			t.Fatalf("the manifest changed:\n%s\n%s", a, b)
		}
	}
	if n := len(m.Towers[Text].Chunks); n < 2 {
		t.Fatalf("%d chunk: the test needs tensors that span chunks", n)
	}
	d := &device{got: make(map[string][]byte)}
	r, err := Reserve(m, d)
	if err != nil {
		t.Fatal(err)
	}
	if r.Image == nil || r.Text == nil {
		t.Fatal("a tower is missing")
	}
	if err := Load(t.Context(), src, m, r); err != nil {
		t.Fatal(err)
	}
	for _, tower := range m.Towers {
		for _, x := range tower.Tensors {
			checkTensor(t, x, d.got[x.Name], values[x.Name])
		}
	}
	for _, tower := range []string{Image, Text} {
		for _, p := range r.Filler(tower).params {
			if !p.Ready() {
				t.Errorf("%s is not ready", p.Name)
			}
		}
		if f, more := r.Filler(tower).Next(); more {
			t.Errorf("%s still expects %v", tower, f)
		}
	}
	tok, err := ReadTokenizer(t.Context(), src, m)
	if err != nil || string(tok) != `{"a tokenizer": true}` {
		t.Errorf("tokenizer %q, %v", tok, err)
	}
	if err := Verify(t.Context(), src, m, nil); err != nil {
		t.Error(err)
	}
}

// checkTensor compares padded bytes with unpadded values.
func checkTensor(t *testing.T, x Tensor, got []byte, want []uint16) {
	t.Helper()
	if int64(len(got)) != x.Bytes {
		t.Fatalf("%s: %d bytes, want %d", x.Name, len(got), x.Bytes)
	}
	inner := x.Shape[len(x.Shape)-1]
	padded := (inner + 3) / 4 * 4
	for i := range len(got) / 2 {
		var w uint16
		if i%padded < inner {
			w = want[i/padded*inner+i%padded]
		}
		if g := binary.LittleEndian.Uint16(got[2*i:]); g != w {
			t.Fatalf("%s: value %d is %#x, want %#x", x.Name, i, g, w)
		}
	}
}

func TestOneTowerLoadsWithoutTheOther(t *testing.T) {
	dir := t.TempDir()
	m, _ := writeBundle(t, dir, smallConfig(), 1)
	for _, c := range m.Towers[Text].Chunks {
		if err := os.Remove(filepath.Join(dir, c.File)); err != nil {
			t.Fatal(err)
		}
	}
	d := &device{got: make(map[string][]byte)}
	r, err := Reserve(m, d, Image)
	if err != nil {
		t.Fatal(err)
	}
	if err := Load(t.Context(), FS(os.DirFS(dir)), m, r); err != nil {
		t.Fatal(err)
	}
	if r.Text != nil || r.Filler(Text) != nil {
		t.Error("a text tower that nobody asked for")
	}
}

func TestPackingIsDeterministic(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	writeBundle(t, a, smallConfig(), 1)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	writeBundle(t, b, smallConfig(), 1)
	if x, y := contents(t, a), contents(t, b); len(x) != len(y) {
		t.Fatalf("%d files and %d", len(x), len(y))
	} else {
		for name := range x {
			if x[name] != y[name] {
				t.Errorf("%s differs", name)
			}
		}
	}
}

func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

func TestPackingReplacesAnOlderBundle(t *testing.T) {
	dir := t.TempDir()
	old, _ := writeBundle(t, dir, smallConfig(), 1)
	stray := filepath.Join(dir, old.Tokenizer.File+".123.part") // of an interrupted writer
	note := filepath.Join(dir, "README.md")                     // not ours
	for _, path := range []string{stray, note} {
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, _ := writeBundle(t, dir, smallConfig(), 2)
	files := contents(t, dir)
	if want := len(m.Towers[Image].Chunks) + len(m.Towers[Text].Chunks) + 3; len(files) != want {
		t.Errorf("%d files, want %d", len(files), want)
	}
	if _, ok := files["README.md"]; !ok {
		t.Error("a file that is not the bundle's was removed")
	}
	if err := Verify(t.Context(), FS(os.DirFS(dir)), m, nil); err != nil {
		t.Error(err)
	}
}

func TestAbortLeavesTheOlderBundle(t *testing.T) {
	dir := t.TempDir()
	c := smallConfig()
	m, _ := writeBundle(t, dir, c, 1)
	before := contents(t, dir)
	begin(t, dir, c).Abort()
	after := contents(t, dir)
	if len(after) != len(before) {
		t.Errorf("%d files, before %d", len(after), len(before))
	}
	if err := Verify(t.Context(), FS(os.DirFS(dir)), m, nil); err != nil {
		t.Error(err)
	}
}

// begin gives a Writer a part of a bundle to write.
func begin(t testing.TB, dir string, c model.Config) *Writer {
	t.Helper()
	w, err := NewWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	layout := Layout(&c, Text)
	if err := w.Tower(Text, layout); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(values(rand.New(rand.NewPCG(9, 9)), layout[0].Shape[0]*layout[0].Shape[1])); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWritersOfOneDirectoryDoNotDisturbEachOther(t *testing.T) {
	dir, c := t.TempDir(), smallConfig()
	first, m, _ := finishBundle(t, dir, c, 1)
	same, _, _ := finishBundle(t, dir, c, 1) // the same chunks
	if !Unfinished(dir) {
		t.Error("nobody is at work")
	}
	same.Abort()
	other := begin(t, dir, c)
	if err := first.Commit(m); err != nil {
		t.Fatal(err)
	}
	if err := Verify(t.Context(), FS(os.DirFS(dir)), m, nil); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(other.Files()); err != nil {
		t.Errorf("a Writer at work lost its files: %v", err)
	}
	other.Abort()
	if Unfinished(dir) {
		t.Error("somebody is still at work")
	}
}

func TestWhatAWriterLeftThatWasKilledIsRemovedInTheEnd(t *testing.T) {
	dir, c := t.TempDir(), smallConfig()
	killed := begin(t, dir, c)
	killed.wg.Wait()
	long := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(killed.Files(), long, long); err != nil {
		t.Fatal(err)
	}
	if Unfinished(dir) {
		t.Error("somebody is at work")
	}
	writeBundle(t, dir, c, 1)
	if _, err := os.Stat(killed.Files()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its files are still there: %v", err)
	}
}

func TestWriterRefusesWhatDoesNotFitTheLayout(t *testing.T) {
	c := smallConfig()
	layout := Layout(&c, Text)
	w, err := NewWriter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]uint16{1}); err == nil {
		t.Error("values before a tower were taken")
	}
	if err := w.Tower(Text, layout); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(make([]uint16, layout[0].Shape[0]*layout[0].Shape[1]+1)); err == nil || !strings.Contains(err.Error(), layout[0].Name) {
		t.Errorf("values beyond a tensor: %v", err)
	}
	if err := w.Finish(new(Manifest), nil); err == nil || !strings.Contains(err.Error(), "not complete") {
		t.Errorf("an unfinished tower: %v", err)
	}
}

func TestADeviceErrorReachesEveryParameter(t *testing.T) {
	dir := t.TempDir()
	m, _ := writeBundle(t, dir, smallConfig(), 1)
	lost := errors.New("device lost")
	d := &device{fail: "text.blocks.1.mlp.fc1.weight", failed: lost, got: make(map[string][]byte)}
	r, err := Reserve(m, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := Load(t.Context(), FS(os.DirFS(dir)), m, r); !errors.Is(err, lost) {
		t.Fatalf("Load: %v", err)
	}
	for _, p := range r.Filler(Image).params {
		if err := p.Wait(t.Context()); err != nil {
			t.Fatalf("%s of the complete tower: %v", p.Name, err)
		}
	}
	failing := false
	for _, p := range r.Filler(Text).params {
		failing = failing || p.Name == d.fail
		if err := p.Wait(t.Context()); failing != (err != nil) || failing && !errors.Is(err, lost) {
			t.Fatalf("%s: %v", p.Name, err)
		}
	}

	d = &device{fail: "new image.layer2.0.conv2.bias", failed: lost}
	if _, err := Reserve(m, d); !errors.Is(err, lost) || !strings.Contains(err.Error(), "image.layer2.0.conv2.bias") {
		t.Errorf("Reserve: %v", err)
	}
}

func TestCancelledLoadEndsEveryWait(t *testing.T) {
	dir := t.TempDir()
	m, _ := writeBundle(t, dir, smallConfig(), 1)
	r, err := Reserve(m, &device{got: make(map[string][]byte)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Load(ctx, FS(os.DirFS(dir)), m, r); !errors.Is(err, context.Canceled) {
		t.Fatalf("Load: %v", err)
	}
	for _, p := range r.Filler(Text).params {
		if err := p.Wait(t.Context()); !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: %v", p.Name, err)
		}
	}
}

func TestDamagedChunksAreNamed(t *testing.T) {
	dir := t.TempDir()
	m, _ := writeBundle(t, dir, smallConfig(), 1)
	c := m.Towers[Text].Chunks[0]
	whole, err := os.ReadFile(filepath.Join(dir, c.File))
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	tests := []struct {
		name, problem string
		data          []byte
	}{
		{"flipped bit", "sha256 mismatch", flipped},
		{"truncated", "the manifest says", whole[:len(whole)-1]},
		{"too long", "the manifest says", append(bytes.Clone(whole), 0)},
		{"empty", "0 bytes long", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, c.File), test.data, 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := Reserve(m, &device{got: make(map[string][]byte)})
			if err != nil {
				t.Fatal(err)
			}
			for what, err := range map[string]error{
				"Load":   Load(t.Context(), FS(os.DirFS(dir)), m, r),
				"Verify": Verify(t.Context(), FS(os.DirFS(dir)), m, nil),
			} {
				var broken *IntegrityError
				if !errors.As(err, &broken) || broken.Chunk != c.File || !strings.Contains(err.Error(), test.problem) || !strings.Contains(err.Error(), c.File[:8]) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
	if err := os.Remove(filepath.Join(dir, c.File)); err != nil {
		t.Fatal(err)
	}
	if err := Verify(t.Context(), FS(os.DirFS(dir)), m, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing chunk: %v", err)
	}
}

// A chunk with the right hash may still hold anything, if the manifest's author wants it to.
func TestHostileChunksAreRefused(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	stored := func(data []byte, raw int) (File, []byte) {
		f := hashed(data, raw, ".zst")
		return f, data
	}
	bomb := enc.EncodeAll(make([]byte, 64<<20), nil)
	tests := []struct {
		name, problem string
		data          []byte
		raw           int
	}{
		{"no zstd", "zstd", []byte("plain text, long enough to be looked at"), 64},
		{"a bomb", "zstd", bomb, 4096},
		{"too short", "the manifest says", enc.EncodeAll(make([]byte, 56), nil), 64},
		{"raw not of whole words", "cannot be", enc.EncodeAll(make([]byte, 63), nil), 63},
		{"raw beyond a chunk", "cannot be", enc.EncodeAll(make([]byte, 64), nil), ChunkSize + 8},
		{"negative raw", "cannot be", enc.EncodeAll(make([]byte, 64), nil), -8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, data := stored(test.data, test.raw)
			var broken *IntegrityError
			if _, err := DecodeChunk(f, data, nil); !errors.As(err, &broken) || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A chunk whose values take the place of what was stored is decoded as any other.
func TestChunkIsDecodedInItsOwnStorage(t *testing.T) {
	enc, err := newEncoder(chunkLevel)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, spread := range []int{1, 16, 1 << 16} { // stored in a fraction of the values' room, and in a little more
		raw := make([]byte, 64<<10)
		for i := range raw {
			raw[i] = byte(rng.IntN(spread))
		}
		packed := enc.EncodeAll(splitPlanes(nil, raw), nil)
		storage := append(make([]byte, 0, len(packed)+len(raw)), packed...)
		for _, decode := range []func(File, []byte, []byte) ([]byte, error){DecodeChunk, DecodeVerified} {
			storage = append(storage[:0], packed...)
			got, err := decode(hashed(packed, len(raw), ".zst"), storage, storage)
			if err != nil || !bytes.Equal(got, raw) || &got[0] != &storage[0] {
				t.Errorf("%d bytes stored: %v", len(packed), err)
			}
		}
	}
}

func hexSum(data []byte) string { sum := sha256.Sum256(data); return hex.EncodeToString(sum[:]) }

func hashed(data []byte, raw int, suffix string) File {
	f := File{SHA256: hexSum(data), Stored: len(data), Raw: raw}
	f.File = f.SHA256 + suffix
	return f
}

func TestIntegrityErrorReadsWell(t *testing.T) {
	err := &IntegrityError{Chunk: "3f2a" + strings.Repeat("0", 60) + ".zst", Problem: "sha256 mismatch", Stored: 812 << 10}
	if got, want := err.Error(), "bundle: chunk 3f2a0000….zst: sha256 mismatch (stored 812 KiB)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestPlanes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{0, 8, 16, 24, 4096, 4104} {
		raw := make([]byte, n)
		for i := range raw {
			raw[i] = byte(rng.Uint32())
		}
		split := splitPlanes(nil, raw)
		for i := range n / 2 {
			if split[i] != raw[2*i] || split[n/2+i] != raw[2*i+1] {
				t.Fatalf("%d bytes: wrong plane at %d", n, i)
			}
		}
		back := make([]byte, n)
		joinPlanes(back, split)
		if !bytes.Equal(back, raw) {
			t.Fatalf("%d bytes: joined planes differ", n)
		}
	}
}

func TestManifestsThatCannotBeAreRefused(t *testing.T) {
	m, _ := writeBundle(t, t.TempDir(), smallConfig(), 1)
	good, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(m *Manifest)
		want   string
	}{
		{"other format", func(m *Manifest) { m.Format = "zip" }, `format: "zip"`},
		{"newer version", func(m *Manifest) { m.Version = 2 }, "version: 2 is not supported"},
		{"impossible configuration", func(m *Manifest) { m.Config.Text.Heads = 5 }, "config: model config: text.heads"},
		{"negative width", func(m *Manifest) { m.Config.Image.Width = -6 }, "image.width"},
		{"unknown tower", func(m *Manifest) { m.Towers["audio"] = &Tower{} }, `"audio" is no tower`},
		{"missing tower", func(m *Manifest) { delete(m.Towers, Text) }, "towers.text: is missing"},
		{"null tower", func(m *Manifest) { m.Towers[Image] = nil }, "towers.image: is missing"},
		{"missing tensor", func(m *Manifest) { t := m.Towers[Text]; t.Tensors = t.Tensors[1:] }, "towers.text.tensors: "},
		{"renamed tensor", func(m *Manifest) { m.Towers[Text].Tensors[2].Name = "x" }, `towers.text.tensors[2]: is "x"`},
		{"swapped tensors", func(m *Manifest) {
			t := m.Towers[Image].Tensors
			t[0], t[1] = t[1], t[0]
		}, "towers.image.tensors[0]"},
		{"other shape", func(m *Manifest) { m.Towers[Text].Tensors[0].Shape[0]++ }, "text.token_embedding has shape"},
		{"other dtype", func(m *Manifest) { m.Towers[Text].Tensors[0].DType = "f32" }, `dtype "f32"`},
		{"overlapping tensors", func(m *Manifest) { m.Towers[Text].Tensors[1].Offset -= 8 }, "lies at"},
		{"a terabyte tensor", func(m *Manifest) { m.Towers[Text].Tensors[0].Bytes = 1 << 40 }, "lies at"},
		{"a terabyte tower", func(m *Manifest) { m.Towers[Text].Raw = 1 << 40 }, "towers.text.raw: 1099511627776 bytes"},
		{"a terabyte model", func(m *Manifest) {
			m.Config.Text.Width, m.Config.Text.MLP, m.Config.Text.Layers = 1<<15, 1<<16, 256
			m.Towers[Text].Raw = 0
			for _, x := range Layout(&m.Config, Text) {
				m.Towers[Text].Raw += x.Bytes
			}
		}, "at most 17179869184 are read"},
		{"negative size", func(m *Manifest) { m.Towers[Text].Chunks[0].Stored = -1 }, "towers.text.chunks[0].stored: -1 bytes"},
		{"a terabyte chunk", func(m *Manifest) { m.Towers[Text].Chunks[0].Stored = 1 << 40 }, "towers.text.chunks[0].stored"},
		{"negative raw", func(m *Manifest) { m.Towers[Text].Chunks[0].Raw = -1 }, "towers.text.chunks[0]: -1 raw bytes"},
		{"short inner chunk", func(m *Manifest) { m.Towers[Text].Chunks[0].Raw -= 8; m.Towers[Text].Chunks[1].Raw += 8 }, "towers.text.chunks[0]"},
		{"one chunk too many", func(m *Manifest) { t := m.Towers[Text]; t.Chunks = append(t.Chunks, t.Chunks[0]) }, "towers.text.chunks: "},
		{"path traversal", func(m *Manifest) { m.Towers[Text].Chunks[0].File = "../../etc/passwd" }, `"../../etc/passwd"`},
		{"name of another hash", func(m *Manifest) { m.Towers[Text].Chunks[0].File = strings.Repeat("0", 64) + ".zst" }, "must be its hash"},
		{"upper-case hash", func(m *Manifest) {
			c := &m.Towers[Text].Chunks[0]
			c.SHA256 = strings.Repeat("A", 64)
			c.File = c.SHA256 + ".zst"
		}, "no SHA-256"},
		{"tokenizer as a chunk", func(m *Manifest) { m.Tokenizer.File = m.Tokenizer.SHA256 + ".zst" }, "tokenizer.file"},
		{"huge tokenizer", func(m *Manifest) { m.Tokenizer.Raw = 1 << 30 }, "tokenizer.raw"},
		{"no self-test", func(m *Manifest) { m.SelfTest = SelfTest{} }, "self_test.text"},
		{"short embedding", func(m *Manifest) { m.SelfTest.TextEmbedding = unit(5) }, "self_test.text_embedding: 5 values"},
		{"embedding not normalised", func(m *Manifest) { m.SelfTest.ImageEmbedding[0] = 1 }, "self_test.image_embedding: has norm"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := Parse(good)
			if err != nil {
				t.Fatal(err)
			}
			test.change(m)
			data, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			var bad *ManifestError
			if _, err := Parse(data); !errors.As(err, &bad) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
	for name, data := range map[string][]byte{
		"empty":          nil,
		"no object":      []byte("[]"),
		"cut off":        good[:len(good)-10],
		"followed":       append(bytes.Clone(good), "{}"...),
		"too long":       append(bytes.Clone(good), bytes.Repeat([]byte(" "), MaxManifest)...),
		"1 TB in digits": bytes.Replace(good, []byte(`"version": 1`), []byte(`"version": 1e400`), 1),
	} {
		var bad *ManifestError
		if _, err := Parse(data); !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	config := &model.ConfigError{}
	m.Config.EmbedDim = 0
	if err := m.Validate(); !errors.As(err, &config) || config.Field != "embed_dim" {
		t.Errorf("the configuration's error is not reachable: %v", err)
	}
}

func TestManifestGivesATensorALine(t *testing.T) {
	m, _ := writeBundle(t, t.TempDir(), smallConfig(), 1)
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`				{"name": "text.token_embedding", "shape": [41003, 62], "dtype": "f16", "offset": 0, "bytes": 5248384},`,
		`			"blocks": [1, 2, 1, 1]`,
		`		"text_embedding": [0, 0, 0, 1, 0, 0],`,
	} {
		if !strings.Contains(string(data), "\n"+line+"\n") {
			t.Errorf("no line %s in\n%.3000s", line, data)
		}
	}
	m.Name = `quotes " \" and [brackets], {braces}: "` // must come through the layout
	m.Notes = []string{"a, b", `c\`}
	data, err = m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(data)
	if err != nil || back.Name != m.Name || back.Notes[0] != m.Notes[0] || back.Notes[1] != m.Notes[1] {
		t.Errorf("%v %+v", err, back)
	}
}

func TestSizes(t *testing.T) {
	m, values := writeBundle(t, t.TempDir(), smallConfig(), 1)
	var total int64
	for _, v := range values {
		total += int64(len(v))
	}
	sizes := m.Sizes()
	if len(sizes) != 2 || sizes[0].Tower != Image || sizes[0].Values+sizes[1].Values != total {
		t.Errorf("%+v, %d values", sizes, total)
	}
	for _, s := range sizes {
		if r := s.Ratio(); !(r > 0.5 && r < 1) || math.IsNaN(r) {
			t.Errorf("%s: ratio %g", s.Tower, r)
		}
	}
}

func TestFSReadsNoMoreThanItIsAllowed(t *testing.T) {
	src := FS(fstest.MapFS{"f": {Data: make([]byte, 1000)}})
	for _, test := range []struct{ max, want int }{{10, 11}, {999, 1000}, {1000, 1000}, {5000, 1000}} {
		data, err := src(t.Context(), "f", test.max)
		if err != nil || len(data) != test.want {
			t.Errorf("max %d: %d bytes, %v", test.max, len(data), err)
		}
	}
}

func BenchmarkDecodeChunk(b *testing.B) {
	raw := make([]byte, 0, ChunkSize)
	for _, v := range weights(rand.New(rand.NewPCG(1, 1)), ChunkSize/2) {
		raw = binary.LittleEndian.AppendUint16(raw, v)
	}
	enc, err := newEncoder(chunkLevel)
	if err != nil {
		b.Fatal(err)
	}
	stored := enc.EncodeAll(splitPlanes(nil, raw), nil)
	f := hashed(stored, len(raw), ".zst")
	dst := make([]byte, ChunkSize)
	for name, decode := range map[string]func(File, []byte, []byte) ([]byte, error){"hash": DecodeChunk, "verified": DecodeVerified} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(ChunkSize)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decode(f, stored, dst); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(stored))*float64(b.N)/b.Elapsed().Seconds()/1e6, "stored-MB/s")
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	stored := make([]byte, ChunkSize)
	f := hashed(stored, ChunkSize, ".zst")
	b.SetBytes(ChunkSize)
	for b.Loop() {
		if err := verify(f, stored); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJoinPlanes(b *testing.B) {
	dst, raw := make([]byte, ChunkSize), make([]byte, ChunkSize)
	b.SetBytes(ChunkSize)
	for b.Loop() {
		joinPlanes(dst, raw)
	}
}

func BenchmarkSplitPlanes(b *testing.B) {
	dst, raw := make([]byte, 0, ChunkSize), make([]byte, ChunkSize)
	b.SetBytes(ChunkSize)
	for b.Loop() {
		splitPlanes(dst, raw)
	}
}

func BenchmarkLevels(b *testing.B) {
	raw := make([]byte, 0, ChunkSize)
	for _, v := range weights(rand.New(rand.NewPCG(1, 1)), ChunkSize/2) {
		raw = binary.LittleEndian.AppendUint16(raw, v)
	}
	split := splitPlanes(nil, raw)
	for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression, zstd.SpeedBestCompression} {
		b.Run(level.String(), func(b *testing.B) {
			enc, err := newEncoder(level)
			if err != nil {
				b.Fatal(err)
			}
			var out []byte
			b.SetBytes(ChunkSize)
			for b.Loop() {
				out = enc.EncodeAll(split, out[:0])
			}
			b.ReportMetric(float64(len(out))/ChunkSize, "ratio")
		})
	}
}
