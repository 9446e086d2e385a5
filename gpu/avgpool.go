//go:build js || cgo

package gpu

import "github.com/clipside/clipside/model"

var avgPool = kernel{"avgpool", "rwu"}

// AvgPool implements model.Ops.
func (r *recorder) AvgPool(x model.Tensor, side, k int) model.Tensor {
	batch := model.CheckAvgPool(x, side, k)
	outSide := side / k
	y := r.tensor(batch*outSide*outSide, x.Cols)
	r.quads(avgPool, y, []operand{r.in(x)}, uint32(side), uint32(outSide), uint32(padded(x.Cols)/4), uint32(k))
	return y
}
