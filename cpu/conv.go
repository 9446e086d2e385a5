package cpu

import "github.com/clipside/clipside/model"

// Conv implements model.Ops: out[y, x, o] = act(Σ in[y·stride+i−pad, x·stride+j−pad, c]·weight[o, i, j, c] + bias[o]).
func (o *ops) Conv(x model.Tensor, side int, c model.Conv, act model.Activation) model.Tensor {
	outSide := model.CheckConv(x, side, c)
	o.alive()
	weight, bias := o.weight(c.Weight), o.weight(c.Bias)
	n, k, in := c.Weight.Shape[0], c.Weight.Shape[1], c.Weight.Shape[3]
	batch := x.Rows / (side * side)
	y := tensor(batch*outSide*outSide, n)
	split(batch*outSide, func(lo, hi int) {
		for line := lo; line < hi; line++ { // a line of output pixels
			b, oy := line/outSide, line%outSide
			for ox := range outSide {
				out := row(y, line*outSide+ox)
				copy(out, bias)
				for i := range k {
					iy := oy*c.Stride + i - c.Pad
					for j := range k {
						ix := ox*c.Stride + j - c.Pad
						if iy < 0 || iy >= side || ix < 0 || ix >= side {
							continue
						}
						pixel := row(x, (b*side+iy)*side+ix)
						for f := range out {
							tap := weight[((f*k+i)*k+j)*in:][:in]
							var s float32
							for ch, v := range pixel {
								s += v * tap[ch]
							}
							out[f] += s
						}
					}
				}
				activate(out, act)
			}
		}
	})
	return y
}
