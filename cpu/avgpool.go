package cpu

import "github.com/clipside/clipside/model"

// AvgPool implements model.Ops.
func (o *ops) AvgPool(x model.Tensor, side, k int) model.Tensor {
	batch := model.CheckAvgPool(x, side, k)
	outSide := side / k
	y := tensor(batch*outSide*outSide, x.Cols)
	for i := range y.Rows {
		b, oy, ox := i/(outSide*outSide), i/outSide%outSide, i%outSide
		out := row(y, i)
		for dy := range k {
			for dx := range k {
				for c, v := range row(x, (b*side+oy*k+dy)*side+ox*k+dx) {
					out[c] += v
				}
			}
		}
		for c := range out {
			out[c] /= float32(k * k)
		}
	}
	return y
}
