//go:build js || cgo

package gpu

import "github.com/clipside/clipside/model"

var rows = kernel{"rows", "rrwu"}

// Rows implements model.Ops. The row numbers must be inside of x.
func (r *recorder) Rows(x model.Tensor, which model.Indices) model.Tensor {
	y := r.tensor(which.N, x.Cols)
	c4 := padded(x.Cols) / 4
	count := y.Rows * c4
	grid := r.flat(count, 64)
	r.dispatch(rows, nil, []operand{r.in(x), r.read(which.Data), r.out(y)}, []uint32{uint32(count), uint32(c4)}, grid)
	return y
}
