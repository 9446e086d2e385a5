package convert

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"io"
	"slices"
)

// maxHeader is the longest header that a safetensors file may have, as its format says.
const maxHeader = 100_000_000

// readSafetensors lists the tensors of a safetensors file: 8 bytes of little-endian header length, a JSON header,
// and the values, which the tensors divide among themselves without a gap or an overlap.
func readSafetensors(file string, r io.ReaderAt, size int64) (map[string]*tensor, error) {
	var head [8]byte
	if size < 8 {
		return nil, bad(file, "", "%d bytes are too few for a safetensors file", size)
	}
	if n, err := r.ReadAt(head[:], 0); n < 8 {
		return nil, &CheckpointError{File: file, Problem: "reading the header: " + err.Error(), Err: err}
	}
	n := binary.LittleEndian.Uint64(head[:])
	if n > maxHeader || int64(n) > size-8 {
		return nil, bad(file, "", "a header of %d bytes does not fit (the file has %d, at most %d are read)", n, size, maxHeader)
	}
	text := make([]byte, n)
	if k, err := r.ReadAt(text, 8); k < len(text) {
		return nil, &CheckpointError{File: file, Problem: "reading the header: " + err.Error(), Err: err}
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(text, &header); err != nil {
		return nil, &CheckpointError{File: file, Problem: "the header is no JSON object: " + err.Error(), Err: err}
	}
	delete(header, "__metadata__")

	type span struct {
		*tensor
		from, to int64
	}
	data := 8 + int64(n)
	spans := make([]span, 0, len(header))
	tensors := make(map[string]*tensor, len(header))
	for name, raw := range header {
		var h struct {
			DType   dtype   `json:"dtype"`
			Shape   []int   `json:"shape"`
			Offsets []int64 `json:"data_offsets"`
		}
		what := "tensor " + clip(name)
		if err := json.Unmarshal(raw, &h); err != nil {
			return nil, &CheckpointError{File: file, What: what, Problem: err.Error(), Err: err}
		}
		width, ok := dtypeSize[h.DType]
		if !ok {
			return nil, bad(file, what, "dtype %.20q is not supported", h.DType)
		}
		values, ok := count(h.Shape)
		if !ok || len(h.Shape) > 8 {
			return nil, bad(file, what, "shape %.80v is impossible", h.Shape)
		}
		if len(h.Offsets) != 2 {
			return nil, bad(file, what, "data_offsets must be two numbers")
		}
		from, to := h.Offsets[0], h.Offsets[1]
		if from < 0 || to < from || to > size-data {
			return nil, bad(file, what, "lies at %d to %d of %d bytes", from, to, size-data)
		}
		if to-from != values*width {
			return nil, bad(file, what, "%d bytes for shape %v of %s, which takes %d", to-from, h.Shape, h.DType, values*width)
		}
		t := &tensor{name: name, file: file, dtype: h.DType, shape: h.Shape, r: r, at: data + from}
		tensors[name] = t
		spans = append(spans, span{t, from, to})
	}
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.name, b.name))
	})
	var end int64
	for _, s := range spans {
		if s.from < end {
			return nil, bad(file, "tensor "+clip(s.name), "overlaps the one before it")
		}
		if s.from > end {
			return nil, bad(file, "tensor "+clip(s.name), "%d unused bytes before it", s.from-end)
		}
		end = s.to
	}
	if end != size-data {
		return nil, bad(file, "", "%d unused bytes at the end", size-data-end)
	}
	return tensors, nil
}

// clip shortens a name from an untrusted file for an error message.
func clip(name string) string {
	if len(name) > 120 {
		return name[:120] + "…"
	}
	return name
}
