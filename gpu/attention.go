//go:build js || cgo

package gpu

import (
	"math"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
)

var attention = kernel{"attention", "rrrwu"}

// softwareQueries is how many queries an invocation has on a software adapter.
const softwareQueries = 4

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
	// Software adapters save loads; others have enough invocations only with a query each.
	each := 1
	if r.d.info.Software {
		each = min(softwareQueries, h.Queries)
	}
	r.dispatch(attention, []shaders.Const{{Name: "D4", Value: d / 4}, {Name: "CAUSAL", Value: causal}, {Name: "QUERIES", Value: each}},
		[]operand{r.in(q.Tensor), r.in(k.Tensor), r.in(v.Tensor), r.out(y)}, uniform,
		r.grid(attention, ceil(h.Queries, 32*each), h.Heads, h.B))
	return y
}
