package cpu

import (
	"math"

	"github.com/clipside/clipside/model"
)

// Attention implements model.Ops (Vaswani et al. 2017, section 3.2).
func (o *ops) Attention(q, k, v model.Columns, h model.Heads) model.Tensor {
	model.CheckAttention(q, k, v, h)
	o.alive()
	y := tensor(h.B*h.Queries, h.Width)
	split(h.B*h.Heads, func(lo, hi int) {
		keys := make([]int, h.Keys)
		for bh := lo; bh < hi; bh++ {
			b, head := bh/h.Heads, bh%h.Heads
			for j := range keys {
				keys[j] = b*h.Keys + j
			}
			for i := range h.Queries {
				ask(q, k, v, y, b*h.Queries+i, keys, head, h.Width/h.Heads)
			}
		}
	})
	return y
}

// ask has row i of q ask the rows keys of k and v, in columns of the given head of width d, and adds the answer to y.
func ask(q, k, v model.Columns, y model.Tensor, i int, keys []int, head, d int) {
	at := func(t model.Columns, i int) []float32 {
		from := t.From + head*d
		return row(t.Tensor, i)[from : from+d]
	}
	scale := float32(1 / math.Sqrt(float64(d)))
	query, scores := at(q, i), make([]float32, len(keys))
	for j, key := range keys {
		var s float32
		for c, w := range at(k, key) {
			s += query[c] * w
		}
		scores[j] = s * scale
	}
	softmax(scores)
	out := at(y.Columns(0), i)
	for j, key := range keys {
		for c, w := range at(v, key) {
			out[c] += scores[j] * w
		}
	}
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
