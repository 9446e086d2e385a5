package cpu

import (
	"math"

	"github.com/clipside/clipside/model"
)

// activate applies act to x in place.
func activate(x []float32, act model.Activation) {
	switch act {
	case model.NoAct:
	case model.ReLU:
		for i, v := range x {
			x[i] = max(v, 0)
		}
	case model.QuickGELU:
		for i, v := range x {
			x[i] = v / (1 + float32(math.Exp(-1.702*float64(v))))
		}
	case model.GELU:
		for i, v := range x {
			x[i] = v / 2 * (1 + float32(math.Erf(float64(v)/math.Sqrt2)))
		}
	default:
		model.Check(false, "activation", "%q is not one", act)
	}
}
