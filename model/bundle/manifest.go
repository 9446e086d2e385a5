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
// A reader trusts nothing: see Manifest.Validate, and Reader for the chunks.
package bundle

import "github.com/clipside/clipside/model"

const (
	// Format and Version identify the manifest; a reader refuses any other.
	Format  = "clipside-bundle"
	Version = 1

	// ChunkSize is how many raw bytes a chunk holds; only a tower's last chunk holds fewer.
	ChunkSize = 4 << 20
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
	Folded    []string          `json:"folded,omitempty"` // what packing folded together, a line each ("image.stem.conv1: batch norm")
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
	DType  string `json:"dtype"`  // "f16"
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
