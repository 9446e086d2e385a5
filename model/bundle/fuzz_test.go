package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"runtime/debug"
	"runtime/metrics"
	"testing"

	"github.com/clipside/clipside/model"
	"github.com/klauspost/compress/zstd"
)

// tinyManifest is a valid manifest of a few lines.
func tinyManifest(f *testing.F) []byte {
	f.Helper()
	c := model.Config{
		EmbedDim: 4, LogitScale: 100,
		Image:      model.ImageConfig{Kind: model.ViT, Size: 4, Width: 4, Heads: 1, Activation: model.GELU, Eps: 1e-5, Patch: 2, Layers: 1, MLP: 4},
		Text:       model.TextConfig{Context: 2, Vocab: 8, Width: 4, Layers: 1, Heads: 1, MLP: 4, Activation: model.GELU, Eps: 1e-5},
		Preprocess: model.Preprocess{Mean: model.DefaultMean, Std: model.DefaultStd},
	}
	m, _ := writeBundle(f, f.TempDir(), c, 1)
	data, err := json.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	return data
}

// allocated is how many bytes f allocates, what is free again included. Small objects are counted by the page.
func allocated(f func()) uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	f()
	metrics.Read(sample)
	return sample[0].Value.Uint64() - before
}

// FuzzManifest: what Parse accepts is consistent, bounded, and comes through Encode unchanged; what it refuses is a
// *ManifestError. Whatever it claims, it takes memory for its own length alone.
func FuzzManifest(f *testing.F) {
	debug.SetMemoryLimit(512 << 20)
	good := tinyManifest(f)
	f.Add(good)
	for _, change := range [][2]string{
		{`"offset":0`, `"offset":-8`}, {`"version":1`, `"version":2`}, {`"stored":`, `"stored":1099511627776`},
		{`"vocab":8`, `"vocab":1099511627776`}, {`.zst"`, `/../../etc/passwd"`}, {`"text":{`, `"audio":{`},
	} {
		f.Add(bytes.Replace(good, []byte(change[0]), []byte(change[1]), 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m *Manifest
		var err error
		if n := allocated(func() { m, err = Parse(data) }); n > 1<<20+100*uint64(len(data)) {
			t.Fatalf("%d bytes were allocated for a manifest of %d", n, len(data))
		}
		if err != nil {
			var bad *ManifestError
			if !errors.As(err, &bad) {
				t.Fatalf("%v is no ManifestError", err)
			}
			return
		}
		for _, s := range m.Sizes() {
			var end int64
			for _, x := range m.Towers[s.Tower].Tensors {
				if x.Offset != end || x.Bytes <= 0 || x.Bytes%8 != 0 {
					t.Fatalf("%s lies at %d+%d, after %d", x.Name, x.Offset, x.Bytes, end)
				}
				end += x.Bytes
			}
			if end != s.Raw || s.Raw > maxTower {
				t.Fatalf("%s: tensors end at %d of %d", s.Tower, end, s.Raw)
			}
			for _, c := range m.Towers[s.Tower].Chunks {
				if c.Raw <= 0 || c.Raw > ChunkSize || c.Stored <= 0 || c.Stored > maxStored(ChunkSize) || c.File != c.SHA256+".zst" {
					t.Fatalf("%s: chunk %+v", s.Tower, c)
				}
				end -= int64(c.Raw)
			}
			if end != 0 {
				t.Fatalf("%s: chunks leave %d bytes", s.Tower, end)
			}
		}
		text, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > MaxManifest {
			return
		}
		back, err := Parse(text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if again, err := back.Encode(); err != nil || !bytes.Equal(text, again) {
			t.Fatalf("%s became %s (%v)", text, again, err)
		}
	})
}

// FuzzChunk: a chunk with the right length and hash but any content gives exactly its raw size or an
// *IntegrityError, and takes no more memory than a chunk does, whatever it claims.
func FuzzChunk(f *testing.F) {
	debug.SetMemoryLimit(512 << 20)
	enc, err := newEncoder(chunkLevel)
	if err != nil {
		f.Fatal(err)
	}
	raw := make([]byte, 0, 4096)
	for _, v := range values(rand.New(rand.NewPCG(1, 1)), 2048) {
		raw = append(raw, byte(v), byte(v>>8))
	}
	f.Add(enc.EncodeAll(splitPlanes(nil, raw), nil), len(raw))
	f.Add(enc.EncodeAll(make([]byte, 64<<20), nil), 64)
	f.Add([]byte("\x28\xb5\x2f\xfd\xa4\xff\xff\xff\xff\x01\x00\x00"), ChunkSize) // claims 4 GiB
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, stored []byte, size int) {
		file := hashed(stored, size, ".zst")
		dst := make([]byte, 16)
		var got []byte
		var err error
		// The destination, the planes, and the decoder's window and tables.
		if n := allocated(func() { got, err = DecodeChunk(file, stored, dst) }); n > 6*ChunkSize {
			t.Fatalf("%d bytes were allocated for a chunk of %d", n, size)
		}
		if err != nil {
			var broken *IntegrityError
			if !errors.As(err, &broken) {
				t.Fatalf("%v is no IntegrityError", err)
			}
			return
		}
		if len(got) != size || size > ChunkSize {
			t.Fatalf("%d bytes, the manifest says %d", len(got), size)
		}
		// The planes come back apart as they were: the decoder lost nothing.
		back := enc.EncodeAll(splitPlanes(nil, got), nil)
		again, err := DecodeChunk(hashed(back, size, ".zst"), back, nil)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("packed again it differs (%v)", err)
		}
	})
}

// A decoded chunk of the largest size needs the destination, one buffer of planes and the decoder's tables.
func TestDecodingDoesNotAllocatePerChunk(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	stored := enc.EncodeAll(make([]byte, ChunkSize), nil)
	f, dst := hashed(stored, ChunkSize, ".zst"), make([]byte, ChunkSize)
	decode := func() {
		if _, err := DecodeChunk(f, stored, dst); err != nil {
			t.Fatal(err)
		}
	}
	decode()
	if n := testing.AllocsPerRun(20, decode); n > 5 {
		t.Errorf("%v allocations a chunk", n)
	}
}
