//go:build js || cgo

package gpu

import "github.com/clipside/clipside/model"

var (
	layerNorm       = kernel{"layernorm", "rrrwu"}
	layerNormSerial = kernel{"layernorm_serial", "rrrwu"}
)

// normed is a layer norm that is a command of its own, and may yet become part of others: see fuse.
type normed struct {
	model.Norm
	x, y *slot
	cols int
}

// LayerNorm implements model.Ops.
func (r *recorder) LayerNorm(x model.Tensor, n model.Norm) model.Tensor {
	model.CheckNorm(x, n)
	y := r.tensor(x.Rows, x.Cols)
	operands := []operand{r.in(x), param(n.Gain), param(n.Bias), r.out(y)}
	uniform := []uint32{uint32(x.Rows), uint32(x.Cols), uint32(padded(x.Cols) / 4), bits(n.Eps)}
	if r.d.info.Software {
		r.dispatch(layerNormSerial, nil, operands, uniform, r.flat(x.Rows, 8))
	} else {
		r.dispatch(layerNorm, nil, operands, uniform, r.flat(x.Rows, 1))
	}
	r.commands[len(r.commands)-1].norm = &normed{n, x.Data.(*slot), y.Data.(*slot), x.Cols}
	return y
}
