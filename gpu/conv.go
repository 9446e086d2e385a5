//go:build js || cgo

package gpu

import "github.com/clipside/clipside/model"

// Conv implements model.Ops: an implicit matrix product, made by the kernels of MatMul. A convolution of single pixels
// is a matrix product as it is.
func (r *recorder) Conv(x model.Tensor, side int, c model.Conv, act model.Activation) model.Tensor {
	outSide := model.CheckConv(x, side, c)
	n, taps := c.Weight.Shape[0], c.Weight.Shape[1]
	maps := x.Rows / (side * side)
	y := r.tensor(maps*outSide*outSide, n)
	in := padded(x.Cols)
	p := &product{x: x.Data.(*slot), y: y.Data.(*slot), m: y.Rows, n: n, k: taps * taps * in, weight: c.Weight, bias: c.Bias, act: act}
	if taps > 1 || c.Stride > 1 || c.Pad > 0 {
		p.conv = &window{side, outSide, in / 4, taps, c.Stride, c.Pad}
	}
	r.commands = append(r.commands, &command{product: p})
	return y
}
