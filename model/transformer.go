package model

import "fmt"

// block is a transformer layer with pre-norm residual branches, as both of CLIP's transformers have it.
type block struct {
	ln1      Norm
	qkv, out Linear
	ln2      Norm
	fc1, fc2 Linear
	act      Activation
}

func declareNorm(p Declare, name string, width int, eps float32) Norm {
	return Norm{Gain: p(name+".weight", width), Bias: p(name+".bias", width), Eps: eps}
}

func declareLinear(p Declare, name string, out, in int) Linear {
	return Linear{Weight: p(name+".weight", out, in), Bias: p(name+".bias", out)}
}

func declareBlocks(p Declare, name string, layers, width, mlp int, act Activation, eps float32) []block {
	blocks := make([]block, layers)
	for i := range blocks {
		n := fmt.Sprintf("%s.blocks.%d.", name, i)
		blocks[i] = block{
			ln1: declareNorm(p, n+"ln_1", width, eps),
			qkv: declareLinear(p, n+"attn.qkv", 3*width, width),
			out: declareLinear(p, n+"attn.out", width, width),
			ln2: declareNorm(p, n+"ln_2", width, eps),
			fc1: declareLinear(p, n+"mlp.fc1", mlp, width),
			fc2: declareLinear(p, n+"mlp.fc2", width, mlp),
			act: act,
		}
	}
	return blocks
}

// transform runs the layers over x, [B·T, width], and returns only the given rows of what comes out, one for each
// sequence: the rest of the last layer, after its attention, is computed for no other row.
func transform(ops Ops, x Tensor, blocks []block, rows Indices, attention func(q, k, v Columns) Tensor) Tensor {
	width := x.Cols
	for i, b := range blocks {
		qkv := ops.MatMul(ops.LayerNorm(x, b.ln1), b.qkv, NoAct, nil)
		a := attention(qkv.Columns(0), qkv.Columns(width), qkv.Columns(2*width))
		if i == len(blocks)-1 {
			a, x = ops.Rows(a, rows), ops.Rows(x, rows)
		}
		x = ops.MatMul(a, b.out, NoAct, &x)
		m := ops.MatMul(ops.LayerNorm(x, b.ln2), b.fc1, b.act, nil)
		x = ops.MatMul(m, b.fc2, NoAct, &x)
	}
	return x
}
