package cpu

import (
	"math"

	"github.com/clipside/clipside/model"
)

// Attention implements model.Ops (Vaswani et al. 2017, section 3.2).
func (o *ops) Attention(q, k, v model.Columns, h model.Heads) model.Tensor {
	model.CheckAttention(q, k, v, h)
	o.alive()
	d := h.Width / h.Heads
	scale := float32(1 / math.Sqrt(float64(d)))
	y := tensor(h.B*h.Queries, h.Width)
	at := func(t model.Columns, i, head int) []float32 {
		from := t.From + head*d
		return row(t.Tensor, i)[from : from+d]
	}
	split(h.B*h.Heads, func(lo, hi int) {
		scores := make([]float32, h.Keys)
		for bh := lo; bh < hi; bh++ {
			b, head := bh/h.Heads, bh%h.Heads
			for i := range h.Queries {
				seen := h.Keys
				if h.Causal {
					seen = i + 1
				}
				query := at(q, b*h.Queries+i, head)
				for j := range seen {
					var s float32
					for c, w := range at(k, b*h.Keys+j, head) {
						s += query[c] * w
					}
					scores[j] = s * scale
				}
				softmax(scores[:seen])
				out := row(y, b*h.Queries+i)[head*d : (head+1)*d]
				for j, p := range scores[:seen] {
					for c, w := range at(v, b*h.Keys+j, head) {
						out[c] += p * w
					}
				}
			}
		}
	})
	return y
}

// softmax replaces x by exp(x)/Σexp(x).
func softmax(x []float32) {
	top := x[0]
	for _, v := range x {
		top = max(top, v)
	}
	var sum float32
	for i, v := range x {
		x[i] = float32(math.Exp(float64(v - top)))
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
}
