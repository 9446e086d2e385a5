//go:build js || cgo

package gpu

import "github.com/clipside/clipside/model"

var normalize = kernel{"normalize", "rwu"}

// Normalize implements model.Ops.
func (r *recorder) Normalize(x model.Tensor) model.Tensor {
	y := r.tensor(x.Rows, x.Cols)
	grid := r.flat(x.Rows, 1)
	r.dispatch(normalize, nil, []operand{r.in(x), r.out(y)}, []uint32{uint32(x.Rows), uint32(padded(x.Cols) / 4)}, grid)
	return y
}
