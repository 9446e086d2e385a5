package onnx

import "fmt"

// resNet is CLIP's ModifiedResNet, its batch norms folded as the bundle has them.
func (b *builder) resNet(x string) string {
	c := &b.config.Image
	x = b.convolution(x, "image.stem.conv1", 3, 2, true)
	x = b.convolution(x, "image.stem.conv2", 3, 1, true)
	x = b.convolution(x, "image.stem.conv3", 3, 1, true)
	x = b.halve(x)
	for s, blocks := range c.Blocks {
		for i := range blocks {
			n := fmt.Sprintf("image.layer%d.%d.", s+1, i)
			shrink := i == 0 && s > 0
			y := b.convolution(x, n+"conv1", 1, 1, true)
			y = b.convolution(y, n+"conv2", 3, 1, true)
			if shrink {
				y = b.halve(y)
			}
			y = b.convolution(y, n+"conv3", 1, 1, false)
			if i == 0 {
				if shrink {
					x = b.halve(x)
				}
				x = b.convolution(x, n+"shortcut", 1, 1, false)
			}
			x = b.node("Relu", []string{b.node("Add", []string{y, x})})
		}
	}
	return b.attentionPool(x)
}

func (b *builder) convolution(x, name string, k, stride int, relu bool) string {
	weight := b.weight(name+".weight", func(t Tensor) Tensor { return t.channelsFirst(k) })
	p := k / 2
	x = b.node("Conv", []string{x, weight, b.weight(name + ".bias")},
		intsAttr("kernel_shape", k, k), intsAttr("strides", stride, stride), intsAttr("pads", p, p, p, p), intAttr("group", 1), intsAttr("dilations", 1, 1))
	if relu {
		return b.node("Relu", []string{x})
	}
	return x
}

func (b *builder) halve(x string) string {
	return b.node("AveragePool", []string{x}, intsAttr("kernel_shape", 2, 2), intsAttr("strides", 2, 2), intsAttr("pads", 0, 0, 0, 0))
}

// attentionPool lets the mean of all features ask them.
func (b *builder) attentionPool(x string) string {
	c := &b.config.Image
	const n = "image.attnpool"
	w := c.FeatureWidth()
	x = b.node("Reshape", []string{x, b.ints(n+".shape", 0, w, c.Tokens()-1)})
	x = b.node("Transpose", []string{x}, intsAttr("perm", 0, 2, 1))
	mean := b.node("ReduceMean", []string{x}, intsAttr("axes", 1), intAttr("keepdims", 1))
	x = b.node("Concat", []string{mean, x}, intAttr("axis", 1))
	x = b.node("Add", []string{x, b.weight(n+".position_embedding", func(t Tensor) Tensor {
		return Tensor{append([]int{1}, t.Shape...), t.Half}
	})})
	first := b.node("Gather", []string{x, b.ints(n+".first", 0)}, intAttr("axis", 1))
	q := b.whole(first, n+".q", w)
	k := b.linear(x, n+".kv", ".k", 0, w)
	v := b.linear(x, n+".kv", ".v", w, 2*w)
	x = b.attention(q, k, v, "", n, c.Heads, w)
	x = b.whole(x, n+".out", b.config.EmbedDim)
	return b.node("Reshape", []string{x, b.ints(n+".pooled", 0, b.config.EmbedDim)})
}
