package bundle

import (
	"fmt"
	"math"
	"slices"

	"github.com/clipside/clipside/internal/smalljson"
)

// Bounds on what a manifest may claim. The largest published CLIP (ViT-bigG/14, 2.5 G parameters) needs a manifest of
// half a megabyte and towers of 3.7 and 1.4 GB.
const (
	// MaxManifest is the most bytes a manifest may have.
	MaxManifest = 2 << 20

	maxTower     = 16 << 30 // raw bytes of a tower
	maxTokenizer = 64 << 20 // raw bytes of a tokenizer
)

// ManifestError says where a manifest is wrong. Where is a path into its JSON ("towers.image.chunks[3]"), or empty
// when it is the manifest as a whole.
type ManifestError struct {
	Where, Problem string
	Err            error // the cause, or nil
}

func (e *ManifestError) Error() string {
	if e.Where == "" {
		return "bundle: " + ManifestName + ": " + e.Problem
	}
	return "bundle: " + ManifestName + ": " + e.Where + ": " + e.Problem
}

func (e *ManifestError) Unwrap() error { return e.Err }

func wrong(where, format string, args ...any) error {
	return &ManifestError{Where: where, Problem: fmt.Sprintf(format, args...)}
}

// Parse reads a manifest and validates it. Errors are *ManifestError.
func Parse(data []byte) (*Manifest, error) {
	if len(data) > MaxManifest {
		return nil, wrong("", "%d bytes long, at most %d are read", len(data), MaxManifest)
	}
	// The version comes first: another one's fields may have other types.
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := smalljson.Unmarshal(data, &head); err != nil {
		return nil, &ManifestError{Problem: "not a manifest: " + err.Error(), Err: err}
	}
	if err := identify(head.Format, head.Version); err != nil {
		return nil, err
	}
	m := new(Manifest)
	if err := smalljson.Unmarshal(data, m); err != nil {
		return nil, &ManifestError{Problem: "not a manifest: " + err.Error(), Err: err}
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}

func identify(format string, version int) error {
	if format != Format {
		return wrong("format", "%q, not %q", format, Format)
	}
	if version != Version {
		return wrong("version", "%d is not supported, only %d is", version, Version)
	}
	return nil
}

// Validate reports the first thing in the manifest that cannot be, as a *ManifestError. After it, names, sizes and
// offsets can be relied on: the tensors are those that the encoders declare, the chunks make up exactly their bytes,
// and every file has a bounded size and a plain name that is its own hash.
func (m *Manifest) Validate() error {
	if err := m.validateWeights(); err != nil {
		return err
	}
	if m.SelfTest.Text == "" {
		return wrong("self_test.text", "is missing")
	}
	if err := checkEmbedding("self_test.text_embedding", m.SelfTest.TextEmbedding, m.Config.EmbedDim); err != nil {
		return err
	}
	return checkEmbedding("self_test.image_embedding", m.SelfTest.ImageEmbedding, m.Config.EmbedDim)
}

// validateWeights is Validate without the self-test, which is computed from the rest.
func (m *Manifest) validateWeights() error {
	if err := identify(m.Format, m.Version); err != nil {
		return err
	}
	if err := m.Config.Validate(); err != nil {
		return &ManifestError{Where: "config", Problem: err.Error(), Err: err}
	}
	if err := checkFile("tokenizer", m.Tokenizer, ".json.zst", maxTokenizer); err != nil {
		return err
	}
	for name := range m.Towers {
		if name != Image && name != Text {
			return wrong("towers", "%q is no tower", name)
		}
	}
	for _, name := range []string{Image, Text} {
		t := m.Towers[name]
		if t == nil {
			return wrong("towers."+name, "is missing")
		}
		if err := t.validate("towers."+name, Layout(&m.Config, name)); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tower) validate(where string, want []Tensor) error {
	raw := want[len(want)-1].Offset + want[len(want)-1].Bytes
	if t.Raw != raw {
		return wrong(where+".raw", "%d bytes, the configuration makes %d", t.Raw, raw)
	}
	if raw > maxTower {
		return wrong(where+".raw", "%d bytes, at most %d are read", raw, int64(maxTower))
	}
	if len(t.Tensors) != len(want) {
		return wrong(where+".tensors", "%d, the configuration makes %d", len(t.Tensors), len(want))
	}
	for i, w := range want {
		x, at := t.Tensors[i], fmt.Sprintf("%s.tensors[%d]", where, i)
		switch {
		case x.Name != w.Name:
			return wrong(at, "is %q, the encoder asks for %q there", x.Name, w.Name)
		case !slices.Equal(x.Shape, w.Shape):
			return wrong(at, "%s has shape %v, must be %v", w.Name, x.Shape, w.Shape)
		case x.DType != F16:
			return wrong(at, "%s has dtype %q, only %q is supported", w.Name, x.DType, F16)
		case x.Offset != w.Offset || x.Bytes != w.Bytes:
			return wrong(at, "%s lies at %d+%d, must be at %d+%d", w.Name, x.Offset, x.Bytes, w.Offset, w.Bytes)
		}
	}
	if n := int((raw + ChunkSize - 1) / ChunkSize); len(t.Chunks) != n {
		return wrong(where+".chunks", "%d, %d bytes make %d", len(t.Chunks), raw, n)
	}
	left := raw
	for i, c := range t.Chunks {
		at := fmt.Sprintf("%s.chunks[%d]", where, i)
		if n := min(left, ChunkSize); int64(c.Raw) != n {
			return wrong(at, "%d raw bytes, must be %d", c.Raw, n)
		}
		if err := checkFile(at, c, ".zst", ChunkSize); err != nil {
			return err
		}
		left -= int64(c.Raw)
	}
	return nil
}

// checkFile makes sure that a file has the one name that its hash allows, so that no name can leave the bundle's
// directory, and that its sizes are bounded: zstd never needs more than 1/256 over the raw size and a few bytes.
func checkFile(where string, f File, suffix string, maxRaw int) error {
	if len(f.SHA256) != 64 || !isLowerHex(f.SHA256) {
		return wrong(where+".sha256", "%.80q is no SHA-256 in lower-case hex", f.SHA256)
	}
	if f.File != f.SHA256+suffix {
		return wrong(where+".file", "%.80q, must be its hash and %q", f.File, suffix)
	}
	if f.Raw < 1 || f.Raw > maxRaw {
		return wrong(where+".raw", "%d bytes, must be 1 to %d", f.Raw, maxRaw)
	}
	if most := maxStored(f.Raw); f.Stored < 1 || f.Stored > most {
		return wrong(where+".stored", "%d bytes, must be 1 to %d", f.Stored, most)
	}
	return nil
}

func maxStored(raw int) int { return raw + raw/256 + 64 }

func isLowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func checkEmbedding(where string, v []float32, dim int) error {
	if len(v) != dim {
		return wrong(where, "%d values, must be %d", len(v), dim)
	}
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if n := math.Sqrt(sum); !(math.Abs(n-1) < 1e-3) {
		return wrong(where, "has norm %g, must be 1", n)
	}
	return nil
}
