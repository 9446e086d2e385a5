package onnx

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/clipside/clipside/model"
)

// WriteImage writes the image encoder: pixel_values, float32 [batch_size, 3, size, size], normalised, to image_embeds,
// float32 [batch_size, embed], not normalised. A half model computes in fp16.
func WriteImage(w io.Writer, c *model.Config, weights Weights, half bool) error {
	b := &builder{config: c, weights: weights, half: half, images: Batch}
	b.out("image_embeds", b.image(), Batch, c.EmbedDim)
	return b.finish(w, "clip_image")
}

// WriteText writes the text encoder: input_ids, int64 [batch_size, sequence_length], to text_embeds, float32
// [batch_size, embed], not normalised. Texts are padded with the end token.
func WriteText(w io.Writer, c *model.Config, weights Weights, half bool) error {
	b := &builder{config: c, weights: weights, half: half, texts: Batch}
	b.out("text_embeds", b.text(), Batch, c.EmbedDim)
	return b.finish(w, "clip_text")
}

// WriteClip writes both encoders as one model with the inputs of both, as transformers.js loads it: logits_per_image,
// [image_batch_size, text_batch_size], logits_per_text, and the normalised embeddings.
func WriteClip(w io.Writer, c *model.Config, weights Weights, half bool) error {
	b := &builder{config: c, weights: weights, half: half, images: "image_" + Batch, texts: "text_" + Batch}
	normalize := func(x string) string {
		return b.node("Div", []string{x, b.node("ReduceL2", []string{x}, intsAttr("axes", -1), intAttr("keepdims", 1))})
	}
	t, i := normalize(b.text()), normalize(b.image())
	scaled := b.node("Mul", []string{t, b.constant("logit_scale", nil, c.LogitScale)})
	perText := b.node("MatMul", []string{scaled, b.node("Transpose", []string{i}, intsAttr("perm", 1, 0))})
	b.out("logits_per_image", b.node("Transpose", []string{perText}, intsAttr("perm", 1, 0)), b.images, b.texts)
	b.out("logits_per_text", perText, b.texts, b.images)
	b.out("text_embeds", t, b.texts, c.EmbedDim)
	b.out("image_embeds", i, b.images, c.EmbedDim)
	return b.finish(w, "clip")
}

func (b *builder) finish(w io.Writer, name string) error {
	if b.missing != nil {
		slices.Sort(b.missing)
		return fmt.Errorf("onnx: %s: the bundle has no %s", name, b.missing[0])
	}
	return b.write(w, name)
}

func (b *builder) image() string {
	c := &b.config.Image
	x := b.in("pixel_values", b.images, 3, c.Size, c.Size)
	if c.Kind == model.ResNet {
		return b.resNet(x)
	}
	return b.viT(x)
}

// sizeOf is dimension axis of x as a vector of one, computed when the model runs.
func (b *builder) sizeOf(x string, axis int, name string) string {
	n := b.node("Gather", []string{b.node("Shape", []string{x}), b.index(name+".axis", axis)}, intAttr("axis", 0))
	return b.node("Unsqueeze", []string{n, b.ints(name+".unsqueeze", 0)})
}

func (b *builder) viT(pixels string) string {
	c := &b.config.Image
	patches := func(t Tensor) Tensor { return t.channelsFirst(c.Patch) }
	x := b.node("Conv", []string{pixels, b.weight("image.patch_embedding.weight", patches)},
		intsAttr("kernel_shape", c.Patch, c.Patch), intsAttr("strides", c.Patch, c.Patch), intsAttr("pads", 0, 0, 0, 0), intAttr("group", 1), intsAttr("dilations", 1, 1))
	x = b.node("Reshape", []string{x, b.ints("image.patches.shape", 0, c.Width, c.Tokens()-1)})
	x = b.node("Transpose", []string{x}, intsAttr("perm", 0, 2, 1))
	class := b.weight("image.class_embedding", func(t Tensor) Tensor { return Tensor{[]int{1, 1, c.Width}, t.Half} })
	shape := b.node("Concat", []string{b.sizeOf(pixels, 0, "image.batch"), b.ints("image.class.shape", 1, c.Width)}, intAttr("axis", 0))
	x = b.node("Concat", []string{b.node("Expand", []string{class, shape}), x}, intAttr("axis", 1))
	x = b.node("Add", []string{x, b.weight("image.position_embedding", func(t Tensor) Tensor {
		return Tensor{append([]int{1}, t.Shape...), t.Half}
	})})
	x = b.layerNorm(x, "image.ln_pre", c.Eps)
	x = b.transformer(x, "image", "", c.Layers, c.Width, c.MLP, c.Heads, c.Activation, c.Eps)
	x = b.node("Gather", []string{x, b.index("image.class.index", 0)}, intAttr("axis", 1))
	x = b.layerNorm(x, "image.ln_post", c.Eps)
	return b.whole(x, "image.projection", b.config.EmbedDim)
}

func (b *builder) text() string {
	c := &b.config.Text
	b.input("input_ids", int64Type, b.texts, Sequence)
	n := b.sizeOf("input_ids", 1, "text.length")
	x := b.node("Gather", []string{b.weight("text.token_embedding"), "input_ids"}, intAttr("axis", 0))
	from, first := b.ints("text.from", 0), b.ints("text.axis", 0)
	positions := b.node("Slice", []string{b.weight("text.position_embedding"), from, n, first})
	x = b.node("Add", []string{x, positions})

	// Scores of what comes later are pushed out of the softmax by the lowest number that there is.
	lowest := float32(-math.MaxFloat32)
	if b.half {
		lowest = -65504
	}
	mask := make([]float32, c.Context*c.Context)
	for i := range c.Context {
		for j := i + 1; j < c.Context; j++ {
			mask[i*c.Context+j] = lowest
		}
	}
	causal := b.constant("text.mask", []int{c.Context, c.Context}, mask...)
	causal = b.node("Slice", []string{causal, b.ints("text.mask.from", 0, 0), b.node("Concat", []string{n, n}, intAttr("axis", 0)), b.ints("text.mask.axes", 0, 1)})

	x = b.transformer(x, "text", causal, c.Layers, c.Width, c.MLP, c.Heads, c.Activation, c.Eps)
	x = b.layerNorm(x, "text.ln_final", c.Eps)
	// The end token has the highest id. Its row of each text is picked.
	ids := b.node("Cast", []string{"input_ids"}, intAttr("to", int32Type))
	end := b.node("ArgMax", []string{ids}, intAttr("axis", -1), intAttr("keepdims", 1))
	x = b.node("GatherND", []string{x, end}, intAttr("batch_dims", 1))
	return b.whole(x, "text.projection", b.config.EmbedDim)
}
