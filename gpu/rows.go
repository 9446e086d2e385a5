//go:build js || cgo

package gpu

import "github.com/clipside/clipside/model"

var rows = kernel{"rows", "rrwu"}

// Rows implements model.Ops. The row numbers must be inside of x.
func (r *recorder) Rows(x model.Tensor, which model.Indices) model.Tensor {
	y := r.tensor(which.N, x.Cols)
	r.quads(rows, y, []operand{r.in(x), r.read(which.Data)}, uint32(padded(x.Cols)/4))
	return y
}
