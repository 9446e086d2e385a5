package simd

import (
	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
)

// CausalAttention implements model.Ops. Heads, and the columns they start at, must be multiples of 4 wide.
func (r *recorder) CausalAttention(q, k, v model.Columns, tokens model.Tokens, heads, width int) model.Tensor {
	model.CheckCausal(q, k, v, tokens, heads, width)
	recording.CheckHeads("causal attention", width/heads, q, k, v)
	y := r.tensor(tokens.N, width)
	longest := min(tokens.Longest, tokens.N)
	r.attend(opCausal, q, k, v, y, heads, longest, longest, scale(width/heads), number(tokens.N), number(tokens.Data.(uint32)))
	return y
}
