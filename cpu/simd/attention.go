package simd

import (
	"math"

	"github.com/clipside/clipside/model"
)

// Attention implements model.Ops. Heads, and the columns they start at, must be multiples of 4 wide.
func (r *recorder) Attention(q, k, v model.Columns, h model.Heads) model.Tensor {
	model.CheckAttention(q, k, v, h)
	d := h.Width / h.Heads
	model.Check(d%4 == 0 && q.From%4 == 0 && k.From%4 == 0 && v.From%4 == 0, "attention", "heads of width %d", d)
	y := r.tensor(h.B*h.Queries, h.Width)
	columns := func(c model.Columns) argument {
		a := r.address(c.Tensor)
		a.value = uint32(4 * c.From)
		return a
	}
	pitch := func(cols int) argument { return number(4 * padded(cols)) }
	causal := 0
	if h.Causal {
		causal = 1
	}
	keys4, keys8, d8, queries4 := padded(h.Keys), (h.Keys+7)&^7, (d+7)&^7, padded(h.Queries)
	scratch := (4*(keys8*d+d8*keys4+queries4*keys8+queries4) + alignment - 1) &^ (alignment - 1)
	r.emit(opAttention, nil,
		columns(q), pitch(q.Cols), columns(k), pitch(k.Cols), columns(v), pitch(v.Cols), r.address(y), pitch(h.Width),
		number(h.B), number(h.Heads), number(h.Queries), number(h.Keys), number(d), number(bits(float32(1/math.Sqrt(float64(d))))), number(causal),
		number(r.fixed(uint64(scratch*r.d.m.threads()))), number(scratch))
	return y
}
