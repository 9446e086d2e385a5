package model

// vit is the Vision Transformer (Dosovitskiy et al. 2021) with CLIP's extra layer norm before the transformer.
type vit struct {
	patches          *Param
	class, positions *Param
	pre              Norm
	blocks           []block
	post             Norm
	projection       *Param
}

func newViT(c *Config, p Declare) *vit {
	i := c.Image
	return &vit{
		patches:    p("image.patch_embedding.weight", i.Width, 3*i.Patch*i.Patch), // a patch's values ordered row, column, channel
		class:      p("image.class_embedding", i.Width),
		positions:  p("image.position_embedding", i.Tokens(), i.Width),
		pre:        declareNorm(p, "image.ln_pre", i.Width, i.Eps),
		blocks:     declareBlocks(p, "image", i.Layers, i.Width, i.MLP, i.Activation, i.Eps),
		post:       declareNorm(p, "image.ln_post", i.Width, i.Eps),
		projection: p("image.projection.weight", c.EmbedDim, i.Width),
	}
}

func (v *vit) encode(ops Ops, px Pixels, c *ImageConfig, pre Preprocess) Tensor {
	n := c.Tokens()
	x := ops.MatMul(ops.Patches(px, c.Patch, pre), Linear{Weight: v.patches}, NoAct, nil)
	x = ops.LayerNorm(ops.ClassToken(x, n-1, v.class, v.positions), v.pre)
	x = transform(ops, x, v.blocks, ops.Index(firsts(px.B, n)), func(q, k, v Columns) Tensor {
		return ops.Attention(q, k, v, Heads{B: px.B, Queries: n, Keys: n, Heads: c.Heads, Width: c.Width})
	})
	return ops.MatMul(ops.LayerNorm(x, v.post), Linear{Weight: v.projection}, NoAct, nil)
}
