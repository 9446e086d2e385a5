package cpu

import (
	"math"

	"github.com/clipside/clipside/model"
)

// LayerNorm implements model.Ops: (x − mean)/√(variance + eps)·gain + bias over each row.
func (o *ops) LayerNorm(x model.Tensor, n model.Norm) model.Tensor {
	model.CheckNorm(x, n)
	gain, bias := o.weight(n.Gain), o.weight(n.Bias)
	y := tensor(x.Rows, x.Cols)
	for i := range x.Rows {
		in, out := row(x, i), row(y, i)
		var sum, squares float64
		for _, v := range in {
			sum += float64(v)
		}
		mean := sum / float64(x.Cols)
		for _, v := range in {
			d := float64(v) - mean
			squares += d * d
		}
		scale := float32(1 / math.Sqrt(squares/float64(x.Cols)+float64(n.Eps)))
		for j, v := range in {
			out[j] = (v-float32(mean))*scale*gain[j] + bias[j]
		}
	}
	return y
}
