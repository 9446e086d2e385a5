//go:build js || cgo

package gpu

import (
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
)

var conv = kernel{"conv", "rrrwu"}

// convPixels is how many pixels of a line an invocation of conv.wgsl makes.
const convPixels = 4

// Conv implements model.Ops.
func (r *recorder) Conv(x model.Tensor, side int, c model.Conv, act model.Activation) model.Tensor {
	outSide := model.CheckConv(x, side, c)
	n, k := c.Weight.Shape[0], c.Weight.Shape[1]
	lines := x.Rows / (side * side) * outSide
	y := r.tensor(lines*outSide, n)
	uniform := []uint32{
		uint32(lines), uint32(side), uint32(outSide), uint32(padded(x.Cols) / 4),
		uint32(n), uint32(padded(n) / 4), uint32(c.Stride), uint32(c.Pad),
	}
	r.dispatch(conv, []shaders.Const{activation(act), {Name: "PIXELS", Value: convPixels}, {Name: "KERNEL", Value: k}},
		[]operand{r.in(x), param(c.Weight), param(c.Bias), r.out(y)}, uniform,
		ceil(padded(n)/4, 32), ceil(outSide, convPixels), lines)
	return y
}
