package cpu

import "github.com/clipside/clipside/model"

// CausalAttention implements model.Ops.
func (o *ops) CausalAttention(q, k, v model.Columns, tokens model.Tokens, heads, width int) model.Tensor {
	model.CheckCausal(q, k, v, tokens, heads, width)
	o.alive()
	paths := make([][]int, tokens.N) // rows of a token and of those before it, in their order
	for i, t := range tokens.Data.([]model.Token) {
		if before := int(t.Previous); before != i {
			paths[i] = append(paths[i], paths[before]...)
		}
		paths[i] = append(paths[i], i)
	}
	y := tensor(tokens.N, width)
	split(y.Rows, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			for head := range heads {
				ask(q, k, v, y, i, paths[i], head, width/heads)
			}
		}
	})
	return y
}
