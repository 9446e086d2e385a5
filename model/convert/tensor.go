package convert

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/x448/float16"
)

// CheckpointError says what in a checkpoint cannot be used. Errors of the file system are not CheckpointErrors.
type CheckpointError struct {
	File    string // in the checkpoint
	What    string // the tensor, field or entry of it, or empty
	Problem string
	Err     error // the cause, or nil
}

func (e *CheckpointError) Error() string {
	s := "checkpoint: " + e.File + ": "
	if e.What != "" {
		s += e.What + ": "
	}
	return s + e.Problem
}

func (e *CheckpointError) Unwrap() error { return e.Err }

func bad(file, what, format string, args ...any) error {
	return &CheckpointError{File: file, What: what, Problem: fmt.Sprintf(format, args...)}
}

// dtype is how a tensor's values are stored, by the name that safetensors gives it.
type dtype string

const (
	f64  dtype = "F64"
	f32  dtype = "F32"
	f16  dtype = "F16"
	bf16 dtype = "BF16"
)

// dtypeSize is the bytes of a value. Types that are no floating point can be present (position ids, counters) but not
// be asked for.
var dtypeSize = map[dtype]int64{
	f64: 8, f32: 4, f16: 2, bf16: 2,
	"I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
	"F8_E4M3": 1, "F8_E5M2": 1,
}

// tensor is a tensor that lies in a file, not yet read.
type tensor struct {
	name  string
	file  string
	dtype dtype
	shape []int

	r       io.ReaderAt
	at      int64 // bytes from r's start to the first value
	strides []int // of each dimension, in values; nil: row-major without gaps
}

// count is the number of values; false when it is beyond what an int64 of bytes can say.
func count(shape []int) (int64, bool) {
	n := int64(1)
	for _, d := range shape {
		if d < 0 {
			return 0, false
		}
		if d > 0 && n > math.MaxInt64/16/int64(d) {
			return 0, false
		}
		n *= int64(d)
	}
	return n, true
}

func (t *tensor) len() int64 {
	n, _ := count(t.shape)
	return n
}

// read fills dst with the values from index from on, in row-major order. Tensors with strides are read whole.
func (t *tensor) read(dst []float32, from int64) error {
	size := dtypeSize[t.dtype]
	if t.strides != nil {
		return t.gather(dst)
	}
	buf := make([]byte, min(int64(len(dst))*size, 1<<18))
	at := t.at + from*size
	for len(dst) > 0 {
		b := buf[:min(int64(len(buf)), int64(len(dst))*size)]
		if err := t.bytes(b, at); err != nil {
			return err
		}
		n := decode(dst, b, t.dtype)
		dst, at = dst[n:], at+int64(len(b))
	}
	return nil
}

func (t *tensor) bytes(b []byte, at int64) error {
	if n, err := t.r.ReadAt(b, at); n < len(b) {
		return fmt.Errorf("checkpoint: %s: tensor %s: reading: %w", t.file, t.name, err)
	}
	return nil
}

// gather reads the span of a strided tensor and picks its values out. The span is no larger than the file and the
// values no more than it has, as the pickle reader made sure.
func (t *tensor) gather(dst []float32) error {
	if len(dst) == 0 {
		return nil
	}
	span := int64(1)
	for i, d := range t.shape {
		span += int64(d-1) * int64(t.strides[i])
	}
	flat := tensor{name: t.name, file: t.file, dtype: t.dtype, r: t.r, at: t.at}
	src := make([]float32, span)
	if err := flat.read(src, 0); err != nil {
		return err
	}
	index := make([]int, len(t.shape))
	for i, from := 0, 0; i < len(dst); i++ {
		dst[i] = src[from]
		for k := len(index) - 1; k >= 0; k-- {
			index[k]++
			from += t.strides[k]
			if index[k] < t.shape[k] {
				break
			}
			from -= index[k] * t.strides[k]
			index[k] = 0
		}
	}
	return nil
}

// decode turns little-endian values into float32, which holds all but F64 exactly, and returns how many there were.
func decode(dst []float32, b []byte, t dtype) int {
	switch t {
	case f32:
		n := len(b) / 4
		for i := range dst[:n] {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return n
	case f16:
		n := len(b) / 2
		for i := range dst[:n] {
			dst[i] = float16.Frombits(binary.LittleEndian.Uint16(b[2*i:])).Float32()
		}
		return n
	case bf16:
		n := len(b) / 2
		for i := range dst[:n] {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
		}
		return n
	case f64:
		n := len(b) / 8
		for i := range dst[:n] {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
		}
		return n
	}
	panic("no floating point: " + string(t)) // find refuses them
}

// isFloat reports whether decode can read the type.
func (t dtype) isFloat() bool { return t == f32 || t == f16 || t == bf16 || t == f64 }

// encode rounds values to fp16, to nearest, ties to even, appending to dst. It returns the index of the first value
// that fp16 cannot hold, or -1.
func encode(dst []uint16, src []float32) ([]uint16, int) {
	for i, v := range src {
		h := float16.Fromfloat32(v).Bits()
		if h&0x7c00 == 0x7c00 { // infinite or not a number
			return dst, i
		}
		dst = append(dst, h)
	}
	return dst, -1
}
