package simd

import "github.com/clipside/clipside/model"

// AttentionPool implements model.Ops without making keys and values. A head's query against a token's key, q·(K·x + b), is
// (Kᵀ·q)·x, and what softmax does not see, since it is the same for all tokens; its answer, Σ p·(V·x + c), is V·(Σ p·x) + c.
// So each matrix meets one row of a picture, not all of its tokens, and attention is of the tokens themselves. Heads must
// be a multiple of 8 wide.
func (r *recorder) AttentionPool(q, x model.Tensor, kv model.Linear, heads int) model.Tensor {
	h := model.CheckPool(q, x, kv, heads)
	w, d := h.Width, h.Width/heads
	model.Check(d%8 == 0, "attention pool", "heads of width %d", d)
	keys := param(kv.Weight, keysAndValues)
	values, bias := keys, param(kv.Bias, wide)
	values.value += uint32(4 * w * w)
	bias.value += uint32(4 * w)
	matrix := float64(w) * float64(w)

	asking := r.tensor(h.B*heads, w)
	r.heads(headProducts{
		x: r.address(q), xRow: 4 * w, xHead: 4 * d,
		weights: keys, panel: 32 * w, weightsHead: 32 * d, width: d, panels: w / 8,
		out: r.address(asking), outRow: 4 * w * heads, outHead: 4 * w,
	}, h, kv)
	r.did("queries", 2*float64(h.B)*matrix, 4*matrix)

	answers := r.tensor(h.B*heads, w)
	r.attend(opAttention, asking.Columns(0), x.Columns(0), x.Columns(0), answers, 1, heads, h.Keys, scale(d),
		number(h.B), number(heads), number(h.Keys))
	r.did("tokens", 4*float64(h.B)*float64(heads)*float64(h.Keys)*float64(w), 8*float64(w)*float64(x.Rows+h.B*heads))

	y := r.tensor(h.B, w)
	r.heads(headProducts{
		x: r.address(answers), xRow: 4 * w * heads, xHead: 4 * w,
		weights: values, panel: 32 * w, weightsHead: 4 * d * w, width: w, panels: d / 8, bias: bias, biasHead: 4 * d,
		out: r.address(y), outRow: 4 * w, outHead: 4 * d,
	}, h, kv)
	r.did("values", 2*float64(h.B)*matrix, 4*matrix)
	return y
}

// headProducts are products of each head's rows with weights of its own. Steps from row to row, from panel to panel and
// from head to head are bytes.
type headProducts struct {
	x           argument
	xRow, xHead int

	weights            argument
	panel, weightsHead int
	width, panels      int
	bias               argument // or none
	biasHead           int

	out             argument
	outRow, outHead int
}

func (r *recorder) heads(p headProducts, h model.Heads, kv model.Linear) {
	table := 4 * padded(h.B)
	r.emit(opHeads, []*model.Param{kv.Weight, kv.Bias},
		p.x, number(p.xRow), number(p.xHead), p.weights, number(p.panel), number(p.weightsHead), number(p.width), number(p.panels), number(h.B),
		p.bias, number(p.biasHead), p.out, number(p.outRow), number(p.outHead), number(h.Heads),
		r.scratch(table), number(table))
	r.commands[len(r.commands)-1].most = min(mostPieces, h.Heads)
}
