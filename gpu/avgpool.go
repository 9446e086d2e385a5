//go:build js || cgo

package gpu

import "github.com/clipside/clipside/model"

var avgPool = kernel{"avgpool", "rwu"}

// AvgPool implements model.Ops.
func (r *recorder) AvgPool(x model.Tensor, side, k int) model.Tensor {
	batch := model.CheckAvgPool(x, side, k)
	outSide := side / k
	y := r.tensor(batch*outSide*outSide, x.Cols)
	c4 := padded(x.Cols) / 4
	count := y.Rows * c4
	grid := r.flat(count, 64)
	r.dispatch(avgPool, nil, []operand{r.in(x), r.out(y)},
		[]uint32{uint32(count), uint32(side), uint32(outSide), uint32(c4), uint32(k)}, grid)
	return y
}
