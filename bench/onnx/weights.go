package onnx

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/clipside/clipside/model/bundle"
)

// Weights are a bundle's tensors by name.
type Weights map[string]Tensor

// Tensor is what a bundle stores of a tensor: fp16 bit patterns, row-major, without the stream's padding.
type Tensor struct {
	Shape []int
	Half  []uint16
}

// ReadWeights reads the towers that a manifest has.
func ReadWeights(ctx context.Context, src bundle.Source, m *bundle.Manifest) (Weights, error) {
	w := Weights{}
	for name, tower := range m.Towers {
		stream := make([]byte, 0, tower.Raw)
		for _, f := range tower.Chunks {
			stored, err := src(ctx, f.File, f.Stored)
			if err != nil {
				return nil, fmt.Errorf("onnx: the %s tower's weights: %w", name, err)
			}
			raw, err := bundle.DecodeChunk(f, stored, nil)
			if err != nil {
				return nil, fmt.Errorf("onnx: the %s tower's weights: %w", name, err)
			}
			stream = append(stream, raw...)
		}
		for _, t := range tower.Tensors {
			w[t.Name] = unpad(t, stream[t.Offset:t.Offset+t.Bytes])
		}
	}
	return w, nil
}

// unpad drops what pads the innermost dimension to a multiple of 4 values.
func unpad(t bundle.Tensor, stored []byte) Tensor {
	inner := t.Shape[len(t.Shape)-1]
	padded := (inner + 3) &^ 3
	half := make([]uint16, 0, len(stored)/2/padded*inner)
	for row := 0; row < len(stored); row += 2 * padded {
		for i := range inner {
			half = append(half, binary.LittleEndian.Uint16(stored[row+2*i:]))
		}
	}
	return Tensor{t.Shape, half}
}

// rows are rows from up to to of a tensor, along its first dimension.
func (t Tensor) rows(from, to int) Tensor {
	n := len(t.Half) / t.Shape[0]
	return Tensor{append([]int{to - from}, t.Shape[1:]...), t.Half[from*n : to*n]}
}

// transposed turns [rows, cols] into [cols, rows].
func (t Tensor) transposed() Tensor {
	rows, cols := t.Shape[0], t.Shape[1]
	half := make([]uint16, len(t.Half))
	for i := range rows {
		for j := range cols {
			half[j*rows+i] = t.Half[i*cols+j]
		}
	}
	return Tensor{[]int{cols, rows}, half}
}

// channelsFirst turns a convolution's [out, k·k·in], values ordered row, column, channel, into [out, in, k, k].
func (t Tensor) channelsFirst(k int) Tensor {
	out := t.Shape[0]
	in := len(t.Half) / (out * k * k)
	half := make([]uint16, len(t.Half))
	for o := range out {
		for a := range k * k {
			for i := range in {
				half[(o*in+i)*k*k+a] = t.Half[(o*k*k+a)*in+i]
			}
		}
	}
	return Tensor{[]int{out, in, k, k}, half}
}
