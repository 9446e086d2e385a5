//go:build js || cgo

package gpu

import (
	"math"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
)

var causalAttention = kernel{"causalattention", "rrrrwu"}

// CausalAttention implements model.Ops. Heads, and the columns they start at, must be multiples of 4 wide.
func (r *recorder) CausalAttention(q, k, v model.Columns, tokens model.Tokens, heads, width int) model.Tensor {
	model.CheckCausal(q, k, v, tokens, heads, width)
	d := width / heads
	model.Check(d%4 == 0 && q.From%4 == 0 && k.From%4 == 0 && v.From%4 == 0, "causal attention", "heads of width %d", d)
	y := r.tensor(tokens.N, width)
	consts := []shaders.Const{{Name: "D4", Value: d / 4}}
	operands := []operand{r.in(q.Tensor), r.in(k.Tensor), r.in(v.Tensor), r.read(tokens.Data), r.out(y)}
	// What takes too long for one dispatch is split by heads, and what a head takes by rows.
	row := 2 * float64(tokens.Longest) * float64(d) // FLOP, of one head
	rows := r.d.split(tokens.N, 32, row)
	most := r.d.split(heads, 1, row*float64(rows))
	for head := 0; head < heads; head += most {
		for first := 0; first < tokens.N; first += rows {
			nh, nr := min(most, heads-head), min(rows, tokens.N-first)
			uniform := []uint32{
				uint32(tokens.N),
				uint32(q.From / 4), uint32(k.From / 4), uint32(v.From / 4),
				uint32(padded(q.Cols) / 4), uint32(padded(k.Cols) / 4), uint32(padded(v.Cols) / 4), uint32(padded(width) / 4),
				bits(float32(1 / math.Sqrt(float64(d)))), uint32(first), uint32(head),
			}
			r.dispatch(causalAttention, consts, operands, uniform, r.grid(causalAttention, ceil(nr, 32), nh, 1))
			r.commands[len(r.commands)-1].flop = row * float64(nr) * float64(nh)
		}
	}
	return y
}
