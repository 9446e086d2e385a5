//go:build js || cgo

package gpu

import "github.com/clipside/clipside/model"

// AttentionPool implements model.Ops as it is defined: the product of all tokens is one dispatch that fills a GPU, which
// those of a row for each head would not.
func (r *recorder) AttentionPool(q, x model.Tensor, kv model.Linear, heads int) model.Tensor {
	h := model.CheckPool(q, x, kv, heads)
	y := r.MatMul(x, kv, model.NoAct, nil) // [B·n, 2·Width]
	return r.Attention(q.Columns(0), y.Columns(0), y.Columns(h.Width), h)
}
