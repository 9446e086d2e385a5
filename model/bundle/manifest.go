// Package bundle reads and writes clipside's streamed weight format: a directory of static files.
//
//	manifest.json            what the model is and where its bytes lie (type Manifest)
//	<sha256>.zst             a chunk: at most 4 MiB of a tower's stream, in byte planes, zstd
//	<sha256>.json.zst        the tokenizer, zstd
//
// A tower's stream is its tensors' values in fp16, little-endian, one tensor after the other in the order of first
// use. The innermost dimension of every tensor is padded with zeros to a multiple of 4 values, so that a reader can
// load four at a time and every tensor starts on 8 bytes. The stream is cut every 4 MiB, wherever that falls. A
// chunk's raw bytes are stored as two planes, all low bytes and then all high bytes, which compresses better.
//
// Reading: Parse (or ReadManifest) checks a manifest, Reserve makes the towers' parameters on a device, and Load
// fills them while their chunks arrive. A caller with a transport of its own feeds each tower's Filler with what
// DecodeChunk returns. A reader trusts nothing: every size is bounded before it is allocated, and every stored
// file is checked against its hash before it is decompressed. Writing: Writer.
package bundle

import "github.com/clipside/clipside/model"

const (
	// Format and Version identify the manifest; a reader refuses any other.
	Format  = "clipside-bundle"
	Version = 1

	// ChunkSize is how many raw bytes a chunk holds; only a tower's last chunk holds fewer.
	ChunkSize = 4 << 20

	// ManifestName is the manifest's file name.
	ManifestName = "manifest.json"

	// F16 is the only type of values in a stream: IEEE 754 binary16, little-endian.
	F16 = "f16"
)

// Tower names.
const (
	Image = "image"
	Text  = "text"
)

// Manifest describes a bundle.
type Manifest struct {
	Format    string            `json:"format"`
	Version   int               `json:"version"`
	Name      string            `json:"name"`
	Source    string            `json:"source,omitempty"`  // where the checkpoint came from: a repository name or a directory's base name
	License   string            `json:"license,omitempty"` // SPDX identifier or a sentence
	Config    model.Config      `json:"config"`
	Tokenizer File              `json:"tokenizer"`
	Towers    map[string]*Tower `json:"towers"`
	Folded    []string          `json:"folded,omitempty"`  // what packing folded together, a line each ("image.stem.conv1: batch norm")
	Ignored   []string          `json:"ignored,omitempty"` // the checkpoint's tensors that no encoder asked for, by its own names
	Notes     []string          `json:"notes,omitempty"`   // what else a user of the converted model should know, a line each
	SelfTest  SelfTest          `json:"self_test"`
}

// File is a stored file: zstd, named by its hash.
type File struct {
	File   string `json:"file"`   // base name, no directories
	SHA256 string `json:"sha256"` // of the stored bytes, hex
	Stored int    `json:"stored"` // bytes as stored
	Raw    int    `json:"raw"`    // bytes after decompression
}

// Tower is one encoder's weights.
type Tower struct {
	Raw     int64    `json:"raw"` // bytes of the stream: the sum of its chunks'
	Tensors []Tensor `json:"tensors"`
	Chunks  []File   `json:"chunks"`
}

// Tensor says where a tensor lies in its tower's stream.
type Tensor struct {
	Name   string `json:"name"`
	Shape  []int  `json:"shape"`  // without the padding
	DType  string `json:"dtype"`  // F16
	Offset int64  `json:"offset"` // bytes from the start of the stream
	Bytes  int64  `json:"bytes"`  // padding included
}

// SelfTest holds known embeddings, L2-normalised, computed with the CPU reference when packing, that a device must
// reproduce before its first result is shown.
type SelfTest struct {
	Text          string    `json:"text"`
	TextEmbedding []float32 `json:"text_embedding"`
	// The picture is made by model.TestPicture at the encoder's own size.
	ImageEmbedding []float32 `json:"image_embedding"`
}

// Layout lists a tower's tensors as they lie in its stream: what the encoder declares, in its order. The
// configuration must be valid.
func Layout(c *model.Config, tower string) []Tensor {
	var list []Tensor
	var end int64
	declare(c, tower, func(name string, shape ...int) *model.Param {
		n := paddedBytes(shape)
		list = append(list, Tensor{Name: name, Shape: shape, DType: F16, Offset: end, Bytes: n})
		end += n
		return model.NewParam(name, shape...)
	})
	return list
}

// declare runs a tower's declarations and returns the tower, as whichever of the two it is.
func declare(c *model.Config, tower string, d model.Declare) (*model.ImageTower, *model.TextTower) {
	if tower == Image {
		return model.NewImageTower(c, d), nil
	}
	return nil, model.NewTextTower(c, d)
}

// paddedBytes is a tensor's length in the stream, its innermost dimension padded to a multiple of 4 values.
func paddedBytes(shape []int) int64 {
	n := int64(2)
	for i, d := range shape {
		if i == len(shape)-1 {
			d = (d + 3) &^ 3
		}
		n *= int64(d)
	}
	return n
}

// Size is what one tower weighs.
type Size struct {
	Tower           string
	Tensors, Chunks int
	Values          int64 // parameters, padding not counted
	Raw, Stored     int64 // bytes
}

// Ratio is stored bytes over raw bytes.
func (s Size) Ratio() float64 { return float64(s.Stored) / float64(s.Raw) }

// Sizes weighs the towers, image first.
func (m *Manifest) Sizes() []Size {
	var sizes []Size
	for _, name := range []string{Image, Text} {
		t := m.Towers[name]
		if t == nil {
			continue
		}
		s := Size{Tower: name, Tensors: len(t.Tensors), Chunks: len(t.Chunks), Raw: t.Raw}
		for _, x := range t.Tensors {
			n := int64(1)
			for _, d := range x.Shape {
				n *= int64(d)
			}
			s.Values += n
		}
		s.Stored = t.Stored()
		sizes = append(sizes, s)
	}
	return sizes
}

// Stored is how many bytes the tower's chunks take as stored: what a download of it moves.
func (t *Tower) Stored() int64 {
	var n int64
	for _, c := range t.Chunks {
		n += int64(c.Stored)
	}
	return n
}
