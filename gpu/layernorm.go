//go:build js || cgo

package gpu

import "github.com/clipside/clipside/model"

var (
	layerNorm       = kernel{"layernorm", "rrrwu"}
	layerNormSerial = kernel{"layernorm_serial", "rrrwu"}
)

// LayerNorm implements model.Ops.
func (r *recorder) LayerNorm(x model.Tensor, n model.Norm) model.Tensor {
	model.CheckNorm(x, n)
	y := r.tensor(x.Rows, x.Cols)
	operands := []operand{r.in(x), param(n.Gain), param(n.Bias), r.out(y)}
	uniform := []uint32{uint32(x.Rows), uint32(x.Cols), uint32(padded(x.Cols) / 4), bits(n.Eps)}
	if r.d.info.Software {
		gx, gy, gz := r.flat(x.Rows, 8)
		r.dispatch(layerNormSerial, nil, operands, uniform, gx, gy, gz)
	} else {
		gx, gy, gz := r.flat(x.Rows, 1)
		r.dispatch(layerNorm, nil, operands, uniform, gx, gy, gz)
	}
	return y
}
