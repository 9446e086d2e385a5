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
	// Software adapters save loads; others have enough invocations only with a query each.
	each := 1
	if r.d.info.Software {
		each = min(softwareQueries, h.Queries)
	}
	consts := []shaders.Const{{Name: "D4", Value: d / 4}, {Name: "QUERIES", Value: each}}
	operands := []operand{r.in(q.Tensor), r.in(k.Tensor), r.in(v.Tensor), r.out(y)}
	// What takes too long for one dispatch is split by heads, and what a head takes by queries.
	query := 4 * float64(h.B) * float64(h.Keys) * float64(d) // FLOP, of all sequences and one head
	queries := r.d.split(h.Queries, 32*each, query)
	heads := r.d.split(h.Heads, 1, query*float64(queries))
	for head := 0; head < h.Heads; head += heads {
		for first := 0; first < h.Queries; first += queries {
			nh, nq := min(heads, h.Heads-head), min(queries, h.Queries-first)
			uniform := []uint32{
				uint32(h.B), uint32(h.Queries), uint32(h.Keys), uint32(h.Heads),
				uint32(q.From / 4), uint32(k.From / 4), uint32(v.From / 4),
				uint32(padded(q.Cols) / 4), uint32(padded(k.Cols) / 4), uint32(padded(v.Cols) / 4), uint32(padded(h.Width) / 4),
				bits(float32(1 / math.Sqrt(float64(d)))), uint32(first), uint32(head),
			}
			r.dispatch(attention, consts, operands, uniform, r.grid(attention, ceil(nq, 32*each), nh, h.B))
			r.commands[len(r.commands)-1].flop = query * float64(nq) * float64(nh)
		}
	}
	return y
}
