//go:build js || cgo

package gpu

import (
	"math"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
)

var (
	poolQueries = kernel{"attentionpool_queries", "rrwu"}
	poolScores  = kernel{"attentionpool_scores", "rrwu"}
	poolTokens  = kernel{"attentionpool_tokens", "rrwu"}
	poolValues  = kernel{"attentionpool_values", "rrrwu"}
)

// AttentionPool implements model.Ops. A GPU makes it as it is defined: the product of all tokens is one dispatch that fills
// it, which those of a row for each head would not. A software adapter has nothing to fill, and arithmetic to save: there
// no keys and values are made, but what a head asks of tokens as they are, and its values of what it makes of them; see
// cpu/simd/attentionpool.go for why that is the same.
func (r *recorder) AttentionPool(q, x model.Tensor, kv model.Linear, heads int) model.Tensor {
	h := model.CheckPool(q, x, kv, heads)
	if !r.d.info.Software {
		y := r.MatMul(x, kv, model.NoAct, nil) // [B·n, 2·Width]
		return r.Attention(q.Columns(0), y.Columns(0), y.Columns(h.Width), h)
	}
	d, w4 := h.Width/heads, h.Width/4
	recording.CheckHeads("attention pool", d, q.Columns(0))
	rows := h.B * heads
	asking, mixed, y := r.tensor(rows, h.Width), r.tensor(rows, h.Width), r.tensor(h.B, h.Width)
	scores := r.slot(4 * uint64(rows*h.Keys))
	dispatch := func(k kernel, operands []operand, count int, uniform ...uint32) {
		r.dispatch(k, nil, operands, append([]uint32{uint32(count), uint32(heads)}, uniform...), r.flat(count, 32))
	}
	matrix := float64(h.Width) * float64(h.Width)
	sums := 2 * float64(rows) * float64(h.Keys) * float64(h.Width) // FLOP, of scores and of what they weight

	dispatch(poolQueries, []operand{r.in(q), param(kv.Weight), r.out(asking)}, rows*w4, uint32(d), uint32(w4), bits(float32(1/math.Sqrt(float64(d)))))
	r.did("queries", 2*float64(h.B)*matrix, 2*matrix)
	dispatch(poolScores, []operand{r.in(asking), r.in(x), r.read(scores)}, rows*h.Keys, uint32(h.Keys), uint32(w4))
	r.did("scores", sums, 4*float64(h.Width)*float64(rows+x.Rows))
	dispatch(poolTokens, []operand{r.read(scores), r.in(x), r.out(mixed)}, rows*w4, uint32(h.Keys), uint32(w4))
	r.did("tokens", sums, 4*float64(h.Width)*float64(rows+x.Rows))
	dispatch(poolValues, []operand{r.in(mixed), param(kv.Weight), param(kv.Bias), r.out(y)}, h.B*w4, uint32(d/4), uint32(w4))
	r.did("values", 2*float64(h.B)*matrix, 2*matrix)
	return y
}
