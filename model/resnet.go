package model

import "fmt"

// resnet is CLIP's ModifiedResNet (Radford et al. 2021, section 2.4): a stem of three convolutions, average pooling
// in place of strides, and attention pooling instead of a global mean. Batch norms are folded into the convolutions
// when a checkpoint is packed.
type resnet struct {
	stem   [3]Conv
	stages [4][]bottleneck
	pool   attentionPool
}

// bottleneck is conv 1×1, conv 3×3, average pool by stride, conv 1×1, plus the shortcut; the 1×1 convolutions are
// matrix products over pixels.
type bottleneck struct {
	conv1    Linear
	conv2    Conv
	conv3    Linear
	shortcut *Linear // after an average pool by stride, where shape changes; nil: the identity
	stride   int
}

// attentionPool lets the mean token ask all tokens and projects the answer.
type attentionPool struct {
	positions  *Param
	q, kv, out Linear
}

func newResNet(c *Config, p Declare) *resnet {
	w := c.Image.Width
	conv := func(name string, out, in, stride int) Conv {
		return Conv{Weight: p(name+".weight", out, 3, 3, in), Bias: p(name+".bias", out), Stride: stride, Pad: 1}
	}
	r := &resnet{stem: [3]Conv{
		conv("image.stem.conv1", w/2, 3, 2),
		conv("image.stem.conv2", w/2, w/2, 1),
		conv("image.stem.conv3", w, w/2, 1),
	}}
	in := w
	for s, blocks := range c.Image.Blocks {
		planes := w << s
		for b := range blocks {
			n := fmt.Sprintf("image.layer%d.%d.", s+1, b)
			stride := 1
			if b == 0 && s > 0 {
				stride = 2
			}
			k := bottleneck{stride: stride}
			k.conv1 = declareLinear(p, n+"conv1", planes, in)
			k.conv2 = conv(n+"conv2", planes, planes, 1)
			if b == 0 {
				l := declareLinear(p, n+"shortcut", 4*planes, in)
				k.shortcut = &l
			}
			k.conv3 = declareLinear(p, n+"conv3", 4*planes, planes)
			r.stages[s] = append(r.stages[s], k)
			in = 4 * planes
		}
	}
	r.pool = attentionPool{
		positions: p("image.attnpool.position_embedding", c.Image.Tokens(), in),
		q:         declareLinear(p, "image.attnpool.q", in, in),
		kv:        declareLinear(p, "image.attnpool.kv", 2*in, in),
		out:       declareLinear(p, "image.attnpool.out", c.EmbedDim, in),
	}
	return r
}

func (r *resnet) encode(ops Ops, px Pixels, c *ImageConfig, pre Preprocess) Tensor {
	side := c.Size
	x := ops.Patches(px, 1, pre)
	x = ops.Conv(x, side, r.stem[0], ReLU)
	side /= 2
	x = ops.Conv(x, side, r.stem[1], ReLU)
	x = ops.Conv(x, side, r.stem[2], ReLU)
	x = ops.AvgPool(x, side, 2)
	side /= 2
	for _, stage := range r.stages {
		for _, b := range stage {
			x = b.forward(ops, x, side)
			side /= b.stride
		}
	}
	return r.pool.forward(ops, x, px.B, c)
}

// forward maps x, [B·side², in], to [B·(side/stride)², 4·planes].
func (b *bottleneck) forward(ops Ops, x Tensor, side int) Tensor {
	shrink := func(x Tensor) Tensor {
		if b.stride > 1 {
			return ops.AvgPool(x, side, b.stride)
		}
		return x
	}
	y := ops.MatMul(x, b.conv1, ReLU, nil)
	y = ops.Conv(y, side, b.conv2, ReLU)
	y = shrink(y)
	if b.shortcut != nil {
		x = ops.MatMul(shrink(x), *b.shortcut, NoAct, nil)
	}
	return ops.MatMul(y, b.conv3, ReLU, &x)
}

func (a *attentionPool) forward(ops Ops, x Tensor, batch int, c *ImageConfig) Tensor {
	n := c.Tokens()
	x = ops.MeanToken(x, n-1, a.positions)
	q := ops.MatMul(ops.Rows(x, ops.Index(firsts(batch, n))), a.q, NoAct, nil)
	y := ops.AttentionPool(q, x, a.kv, c.Heads)
	return ops.MatMul(y, a.out, NoAct, nil)
}
