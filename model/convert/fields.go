package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/clipside/clipside/model"
)

// fields takes the fields of a JSON object one by one and keeps the first error, which names file and field. A field
// that is null counts as absent.
type fields struct {
	file, where string // where is a path and a dot, or empty
	m           map[string]json.RawMessage
	err         *error
}

// readFields parses a JSON file of the checkpoint. Errors go to err, as all of fields's do.
func readFields(fsys fs.FS, file string, err *error) fields {
	f := fields{file: file, err: err}
	data, e := readFile(fsys, file, maxConfig)
	if e != nil {
		*err = e
		return f
	}
	f.m, e = object(data)
	if e != nil {
		*err = &CheckpointError{File: file, Problem: "no JSON object: " + e.Error(), Err: e}
	}
	return f
}

func object(data []byte) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	for k, v := range m {
		if string(v) == "null" {
			delete(m, k)
		}
	}
	return m, nil
}

func (f fields) fail(key, format string, args ...any) {
	if *f.err == nil {
		*f.err = bad(f.file, f.where+key, format, args...)
	}
}

func (f fields) has(key string) bool { return f.m[key] != nil }

// take decodes a field into v and removes it; absent, it leaves v alone.
func (f fields) take(key string, v any) {
	raw, ok := f.m[key]
	if !ok {
		return
	}
	delete(f.m, key)
	if err := json.Unmarshal(raw, v); err != nil && *f.err == nil {
		*f.err = &CheckpointError{File: f.file, What: f.where + key, Problem: fmt.Sprintf("%.80s: %v", raw, err), Err: err}
	}
}

func (f fields) int(key string, missing int) int {
	f.take(key, &missing)
	return missing
}

func (f fields) float(key string, missing float64) float64 {
	f.take(key, &missing)
	return missing
}

func (f fields) string(key, missing string) string {
	f.take(key, &missing)
	return missing
}

// sub takes a nested object; absent, it is empty.
func (f fields) sub(key string) fields {
	s := fields{file: f.file, where: f.where + key + ".", err: f.err}
	if raw, ok := f.m[key]; ok {
		delete(f.m, key)
		m, err := object(raw)
		if err != nil {
			f.fail(key, "no JSON object: %v", err)
		}
		s.m = m
	}
	return s
}

// side takes the side of a square: a number, or two equal ones in a list.
func (f fields) side(key string, missing int) int {
	raw, ok := f.m[key]
	if !ok || bytes.TrimSpace(raw)[0] != '[' {
		return f.int(key, missing)
	}
	var pair []int
	f.take(key, &pair)
	if len(pair) != 2 || pair[0] != pair[1] {
		f.fail(key, "%v is no square", pair)
		return missing
	}
	return pair[0]
}

// only refuses any value of a field but those given, as JSON: what the encoders do not implement, by its name.
func (f fields) only(key string, values ...string) {
	raw, ok := f.m[key]
	if !ok {
		return
	}
	delete(f.m, key)
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil || !slices.Contains(values, compact.String()) {
		f.fail(key, "%.80s is not supported", raw)
	}
}

// skip drops fields that do not change what a trained model computes.
func (f fields) skip(keys ...string) {
	for _, k := range keys {
		delete(f.m, k)
	}
}

// done refuses fields that nobody took.
func (f fields) done() {
	for _, k := range slices.Sorted(maps.Keys(f.m)) {
		f.fail(clip(k), "is not known, and may change the architecture")
	}
}

// statistics takes channel means or deviations.
func (f fields) statistics(key string, missing [3]float32) [3]float32 {
	if !f.has(key) {
		return missing
	}
	var v []float64
	f.take(key, &v)
	if len(v) != 3 {
		f.fail(key, "%v, must be three numbers", v)
		return missing
	}
	return [3]float32{float32(v[0]), float32(v[1]), float32(v[2])}
}

// scaled is width·ratio as PyTorch's int() gives it.
func (f fields) scaled(key string, width int, missing float64) int {
	r := f.float(key, missing)
	if !(r > 0 && r < 1<<20) {
		f.fail(key, "%v is impossible", r)
		return 1
	}
	return int(math.Trunc(float64(width) * r))
}

// activations are the names that configurations use.
var activations = map[string]model.Activation{"quick_gelu": model.QuickGELU, "gelu": model.GELU}

func (f fields) activation(key string) model.Activation {
	name := f.string(key, "quick_gelu")
	a, ok := activations[name]
	if !ok {
		f.fail(key, "activation %q is not supported (%s are)", clip(name), strings.Join(slices.Sorted(maps.Keys(activations)), " and "))
	}
	return a
}
