package cpu

import (
	"math"

	"github.com/clipside/clipside/model"
)

// Normalize implements model.Ops. A row of zeros stays zero.
func (o *ops) Normalize(x model.Tensor) model.Tensor {
	y := tensor(x.Rows, x.Cols)
	for i := range x.Rows {
		var squares float64
		for _, v := range row(x, i) {
			squares += float64(v) * float64(v)
		}
		if squares == 0 {
			continue
		}
		scale := float32(1 / math.Sqrt(squares))
		for c, v := range row(x, i) {
			row(y, i)[c] = v * scale
		}
	}
	return y
}
