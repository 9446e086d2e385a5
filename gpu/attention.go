//go:build js || cgo

package gpu

import (
	"math"

	"github.com/clipside/clipside/internal/recording"
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
	recording.CheckHeads("attention", d, q, k, v)
	y := r.tensor(h.B*h.Queries, h.Width)
	// Software adapters save loads; others have enough invocations only with a query each.
	each := 1
	if r.d.info.Software {
		each = min(softwareQueries, h.Queries)
	}
	consts := []shaders.Const{{Name: "D4", Value: d / 4}, {Name: "QUERIES", Value: each}}
	operands := []operand{r.in(q.Tensor), r.in(k.Tensor), r.in(v.Tensor), r.out(y)}
	query := 4 * float64(h.B) * float64(h.Keys) * float64(d) // FLOP, of all sequences and one head
	r.inParts(h.Heads, h.Queries, 32*each, query, func(head, heads, first, queries int) {
		uniform := []uint32{
			uint32(h.B), uint32(h.Queries), uint32(h.Keys), uint32(h.Heads),
			uint32(q.From / 4), uint32(k.From / 4), uint32(v.From / 4),
			uint32(padded(q.Cols) / 4), uint32(padded(k.Cols) / 4), uint32(padded(v.Cols) / 4), uint32(padded(h.Width) / 4),
			bits(float32(1 / math.Sqrt(float64(d)))), uint32(first), uint32(head),
		}
		r.dispatch(attention, consts, operands, uniform, r.grid(attention, ceil(queries, 32*each), heads, h.B))
	})
	return y
}

// inParts has an attention dispatched, or where that would take too long parts of it: some heads each, or of one head some
// queries, in whole steps. A query takes so many FLOP in each head.
func (r *recorder) inParts(heads, queries, step int, flop float64, dispatch func(head, heads, first, queries int)) {
	mostQueries := r.d.split(queries, step, flop)
	mostHeads := r.d.split(heads, 1, flop*float64(mostQueries))
	for head := 0; head < heads; head += mostHeads {
		for first := 0; first < queries; first += mostQueries {
			nh, nq := min(mostHeads, heads-head), min(mostQueries, queries-first)
			dispatch(head, nh, first, nq)
			r.commands[len(r.commands)-1].flop = flop * float64(nq) * float64(nh)
		}
	}
}
