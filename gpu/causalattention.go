//go:build js || cgo

package gpu

import (
	"math"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
)

var causalAttention = kernel{"causalattention", "rrrrwu"}

// CausalAttention implements model.Ops. Heads, and the columns they start at, must be multiples of 4 wide.
func (r *recorder) CausalAttention(q, k, v model.Columns, tokens model.Tokens, heads, width int) model.Tensor {
	model.CheckCausal(q, k, v, tokens, heads, width)
	d := width / heads
	recording.CheckHeads("causal attention", d, q, k, v)
	y := r.tensor(tokens.N, width)
	share := r.d.sharing(causalShare)
	consts := append(share.consts(), shaders.Const{Name: "D4", Value: d / 4})
	operands := []operand{r.in(q.Tensor), r.in(k.Tensor), r.in(v.Tensor), r.read(tokens.Data), r.out(y)}
	row := 2 * float64(tokens.Longest) * float64(d) // FLOP, of one head
	r.inParts(heads, tokens.N, share.across, row, func(head, heads, first, rows int) {
		uniform := []uint32{
			uint32(tokens.N),
			uint32(q.From / 4), uint32(k.From / 4), uint32(v.From / 4),
			uint32(padded(q.Cols) / 4), uint32(padded(k.Cols) / 4), uint32(padded(v.Cols) / 4), uint32(padded(width) / 4),
			bits(float32(1 / math.Sqrt(float64(d)))), uint32(first), uint32(head),
		}
		r.dispatch(causalAttention, consts, operands, uniform, r.grid(causalAttention, ceil(rows, share.across), heads, 1))
	})
	return y
}
