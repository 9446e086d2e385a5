package cpu

import "github.com/clipside/clipside/model"

// MatMul implements model.Ops. Each output is a dot product of two rows; four of x's go together, so that a row of
// the weight is read once for them.
func (o *ops) MatMul(x model.Tensor, l model.Linear, act model.Activation, residual *model.Tensor) model.Tensor {
	model.CheckMatMul(x, l, residual)
	o.alive()
	w := o.weight(l.Weight) // [out, in]
	n, k := l.Weight.Shape[0], x.Cols
	y := tensor(x.Rows, n)
	if l.Bias != nil {
		bias := o.weight(l.Bias)
		for i := range y.Rows {
			copy(row(y, i), bias)
		}
	}
	if residual != nil {
		out := values(y)
		for i, v := range values(*residual) {
			out[i] += v
		}
	}
	split((x.Rows+3)/4, func(lo, hi int) {
		for i := 4 * lo; i < min(4*hi, x.Rows); i += 4 {
			last := x.Rows - 1
			i1, i2, i3 := min(i+1, last), min(i+2, last), min(i+3, last)
			x0, x1, x2, x3 := row(x, i), row(x, i1), row(x, i2), row(x, i3)
			for j := range n {
				var s0, s1, s2, s3 float32
				for c, v := range w[j*k : (j+1)*k] {
					s0 += v * x0[c]
					s1 += v * x1[c]
					s2 += v * x2[c]
					s3 += v * x3[c]
				}
				for r, s := range [4]float32{s0, s1, s2, s3} {
					if i+r <= last {
						row(y, i+r)[j] += s
					}
				}
			}
			for r := i; r <= i3; r++ {
				activate(row(y, r), act)
			}
		}
	})
	return y
}
