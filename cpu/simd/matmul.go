package simd

import (
	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
)

// chunkBytes is how much of the left matrix is to stay in the second cache while all panels pass.
const chunkBytes = 256 << 10

// MatMul implements model.Ops.
func (r *recorder) MatMul(x model.Tensor, l model.Linear, act model.Activation, residual *model.Tensor) model.Tensor {
	model.CheckMatMul(x, l, residual)
	y := r.tensor(x.Rows, l.Weight.Shape[0])
	in := x.Data.(*slot)
	pitch := uint32(4 * padded(x.Cols))
	in.last = len(r.commands) // read by way of the table
	add := number(0)
	if residual != nil {
		add = r.address(*residual)
	}
	r.product(x.Rows, 1, padded(x.Cols), func(row, _ int) uint32 { return in.at + uint32(row)*pitch }, l.Weight, l.Bias, add, y, act)
	return y
}

// Conv implements model.Ops: a product whose rows are the pixels under the kernel's taps, where it is not made by
// Winograd's filtering. Taps outside of the picture read a pixel of zeros.
func (r *recorder) Conv(x model.Tensor, side int, c model.Conv, act model.Activation) model.Tensor {
	outSide := model.CheckConv(x, side, c)
	if c.Weight.Data.(*storage).form == winograd {
		y, side := r.winograd(x, side, c, act)
		if c.Stride > 1 {
			y = r.every(c.Stride, y, side)
		}
		return y
	}
	k, width := c.Weight.Shape[1], padded(x.Cols)
	batch := x.Rows / (side * side)
	y := r.tensor(batch*outSide*outSide, c.Weight.Shape[0])
	in := x.Data.(*slot)
	in.last = len(r.commands)
	zeros := r.constant(make([]uint32, width)...)
	r.product(y.Rows, k*k, width, func(row, tap int) uint32 {
		b, oy, ox := row/(outSide*outSide), row/outSide%outSide, row%outSide
		iy, ix := oy*c.Stride+tap/k-c.Pad, ox*c.Stride+tap%k-c.Pad
		if iy < 0 || iy >= side || ix < 0 || ix >= side {
			return zeros
		}
		return in.at + uint32(((b*side+iy)*side+ix)*width*4)
	}, c.Weight, c.Bias, number(0), y, act)
	return y
}

// product emits the matrix kernel: m rows, each of segments pieces of width values at the addresses that rows gives.
func (r *recorder) product(m, segments, width int, rows func(row, segment int) uint32, weight, bias *model.Param, residual argument, y model.Tensor, act model.Activation) {
	blocks := (m + 3) / 4
	t := table{at: r.fixed(uint64(blocks*segments) * 16), rows: rows, n: m, segs: segments}
	r.tables = append(r.tables, t)
	needs := []*model.Param{weight}
	b := number(0)
	if bias != nil {
		needs, b = append(needs, bias), param(bias, wide)
	}
	panelCount := (y.Cols + 7) / 8
	kept, resident := panels, chunkBytes
	scratch, bytes := number(0), 0
	if weight.Data.(*storage).form == halfPanels {
		bytes = 32 * segments * width // a panel as float32
		kept, scratch = halfPanels, r.scratch(bytes)
		resident *= 3 // every chunk widens all panels again
	}
	chunk := max(resident/(16*segments*width), 1)
	// Threads share out the longer side. All panels pass for every piece of the blocks, as they do for every chunk.
	byBlocks, most := 0, min(mostPieces, panelCount)
	if blocks > panelCount {
		byBlocks, most = 1, min(mostPieces, max(blocks/chunk, 8))
	}
	r.emit(opGEMM, needs,
		number(t.at), number(segments), number(width), param(weight, kept), number(panelCount), number(blocks), number(chunk),
		number(m), b, residual, r.address(y), number(4*padded(y.Cols)), number(recording.Activation(act)), number(byBlocks), scratch, number(bytes))
	r.commands[len(r.commands)-1].most = most
}
