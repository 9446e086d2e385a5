package cpu

import "github.com/clipside/clipside/model"

// AttentionPool implements model.Ops, as it is defined.
func (o *ops) AttentionPool(q, x model.Tensor, kv model.Linear, heads int) model.Tensor {
	h := model.CheckPool(q, x, kv, heads)
	y := o.MatMul(x, kv, model.NoAct, nil) // [B·n, 2·Width]
	return o.Attention(q.Columns(0), y.Columns(0), y.Columns(h.Width), h)
}
