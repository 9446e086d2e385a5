//go:build js || cgo

package gpu

import (
	"math"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
)

var attention = kernel{"attention", "rrrwu"}

// Attention implements model.Ops. Heads, and the columns they start at, must be multiples of 4 wide.
func (r *recorder) Attention(q, k, v model.Columns, h model.Heads) model.Tensor {
	model.CheckAttention(q, k, v, h)
	d := h.Width / h.Heads
	model.Check(d%4 == 0 && q.From%4 == 0 && k.From%4 == 0 && v.From%4 == 0, "attention", "heads of width %d", d)
	y := r.tensor(h.B*h.Queries, h.Width)
	causal := 0
	if h.Causal {
		causal = 1
	}
	uniform := []uint32{
		uint32(h.B), uint32(h.Queries), uint32(h.Keys), uint32(h.Heads),
		uint32(q.From / 4), uint32(k.From / 4), uint32(v.From / 4),
		uint32(padded(q.Cols) / 4), uint32(padded(k.Cols) / 4), uint32(padded(v.Cols) / 4), uint32(padded(h.Width) / 4),
		bits(float32(1 / math.Sqrt(float64(d)))),
	}
	r.dispatch(attention, []shaders.Const{{Name: "D4", Value: d / 4}, {Name: "CAUSAL", Value: causal}},
		[]operand{r.in(q.Tensor), r.in(k.Tensor), r.in(v.Tensor), r.out(y)}, uniform,
		r.grid(attention, ceil(h.Queries, 32), h.Heads, h.B))
	return y
}
