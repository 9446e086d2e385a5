package simd

import "github.com/clipside/clipside/model"

// LayerNorm implements model.Ops.
func (r *recorder) LayerNorm(x model.Tensor, n model.Norm) model.Tensor {
	model.CheckNorm(x, n)
	y := r.tensor(x.Rows, x.Cols)
	r.emit(opLayerNorm, []*model.Param{n.Gain, n.Bias},
		r.address(x), param(n.Gain, wide), param(n.Bias, wide), r.address(y),
		number(x.Rows), number(x.Cols), number(4*padded(x.Cols)), number(bits(n.Eps)))
	return y
}
