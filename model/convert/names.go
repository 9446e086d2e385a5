package convert

import (
	"fmt"
	"math"
	"slices"

	"github.com/clipside/clipside/model"
)

// part is a tensor that a checkpoint must have.
type part struct {
	name  string
	shape []int
}

// recipe says how one of our parameters comes from the checkpoint's tensors. Without a function they follow each
// other: what is concatenated along the first dimension, or the same values under another shape.
type recipe struct {
	parts  []part
	make   func(parts [][]float32) []float32
	folded string // what is folded into this parameter, or empty
}

// recipes are a layout's, by our parameters' names.
type recipes map[string]recipe

func (r recipes) copy(to, from string, shape ...int) {
	r[to] = recipe{parts: []part{{from, shape}}}
}

// linear copies weight [out, in] and bias [out].
func (r recipes) linear(to, from string, out, in int) {
	r.copy(to+".weight", from+".weight", out, in)
	r.copy(to+".bias", from+".bias", out)
}

func (r recipes) norm(to, from string, width int) {
	r.copy(to+".weight", from+".weight", width)
	r.copy(to+".bias", from+".bias", width)
}

// stack concatenates linears of the same size.
func (r recipes) stack(to string, out, in int, from ...string) {
	var weights, biases recipe
	for _, f := range from {
		weights.parts = append(weights.parts, part{f + ".weight", []int{out, in}})
		biases.parts = append(biases.parts, part{f + ".bias", []int{out}})
	}
	r[to+".weight"], r[to+".bias"] = weights, biases
}

// transposed turns [rows, cols] into [cols, rows].
func (r recipes) transposed(to, from string, rows, cols int) {
	r[to] = recipe{parts: []part{{from, []int{rows, cols}}}, make: func(p [][]float32) []float32 {
		out := make([]float32, len(p[0]))
		for i := range rows {
			for j := range cols {
				out[j*rows+i] = p[0][i*cols+j]
			}
		}
		return out
	}}
}

// patches turns the patch embedding's convolution, [out, 3, side, side], into [out, side, side, 3].
func (r recipes) patches(to, from string, out, side int) {
	r[to] = recipe{parts: []part{{from, []int{out, 3, side, side}}}, make: func(p [][]float32) []float32 {
		return channelsLast(p[0], out, 3, side*side)
	}}
}

// channelsLast turns [out, in, k·k] into [out, k·k, in].
func channelsLast(w []float32, out, in, area int) []float32 {
	v := make([]float32, len(w))
	for o := range out {
		for i := range in {
			for a := range area {
				v[(o*area+a)*in+i] = w[(o*in+i)*area+a]
			}
		}
	}
	return v
}

// batchNormEps is PyTorch's default, which CLIP's ResNets keep.
const batchNormEps = 1e-5

// convolution folds the batch norm that follows a convolution without bias, [out, in, k, k], into it:
// γ·(w∗x − μ)/√(σ²+ε) + β = (s·w)∗x + (β − s·μ) with s = γ/√(σ²+ε). Weight is [out, k, k, in], or [out, in] for k = 1.
func (r recipes) convolution(to, conv, norm string, out, in, k int) {
	scales := func(gain, variance []float32) []float64 {
		s := make([]float64, out)
		for i := range s {
			s[i] = float64(gain[i]) / math.Sqrt(float64(variance[i])+batchNormEps)
		}
		return s
	}
	perChannel := []int{out}
	gain, variance := part{norm + ".weight", perChannel}, part{norm + ".running_var", perChannel}
	r[to+".weight"] = recipe{
		parts:  []part{{conv + ".weight", []int{out, in, k, k}}, gain, variance},
		folded: fmt.Sprintf("%s: batch norm %s", to, norm),
		make: func(p [][]float32) []float32 {
			w := channelsLast(p[0], out, in, k*k)
			for o, s := range scales(p[1], p[2]) {
				row := w[o*in*k*k : (o+1)*in*k*k]
				for i, v := range row {
					row[i] = float32(s * float64(v))
				}
			}
			return w
		},
	}
	r[to+".bias"] = recipe{
		parts: []part{{norm + ".bias", perChannel}, {norm + ".running_mean", perChannel}, gain, variance},
		make: func(p [][]float32) []float32 {
			b := make([]float32, out)
			for o, s := range scales(p[2], p[3]) {
				b[o] = float32(float64(p[0][o]) - s*float64(p[1][o]))
			}
			return b
		},
	}
}

// huggingFaceRecipes maps transformers' CLIPModel.
func huggingFaceRecipes(c *model.Config) recipes {
	r := make(recipes)
	blocks := func(to, from string, layers, width, mlp int) {
		for i := range layers {
			t, f := fmt.Sprintf("%s.blocks.%d.", to, i), fmt.Sprintf("%s.encoder.layers.%d.", from, i)
			r.norm(t+"ln_1", f+"layer_norm1", width)
			r.stack(t+"attn.qkv", width, width, f+"self_attn.q_proj", f+"self_attn.k_proj", f+"self_attn.v_proj")
			r.linear(t+"attn.out", f+"self_attn.out_proj", width, width)
			r.norm(t+"ln_2", f+"layer_norm2", width)
			r.linear(t+"mlp.fc1", f+"mlp.fc1", mlp, width)
			r.linear(t+"mlp.fc2", f+"mlp.fc2", width, mlp)
		}
	}
	i, t := c.Image, c.Text
	r.patches("image.patch_embedding.weight", "vision_model.embeddings.patch_embedding.weight", i.Width, i.Patch)
	r.copy("image.class_embedding", "vision_model.embeddings.class_embedding", i.Width)
	r.copy("image.position_embedding", "vision_model.embeddings.position_embedding.weight", i.Tokens(), i.Width)
	r.norm("image.ln_pre", "vision_model.pre_layrnorm", i.Width) // so misspelt there
	blocks("image", "vision_model", i.Layers, i.Width, i.MLP)
	r.norm("image.ln_post", "vision_model.post_layernorm", i.Width)
	r.copy("image.projection.weight", "visual_projection.weight", c.EmbedDim, i.Width)

	r.copy("text.token_embedding", "text_model.embeddings.token_embedding.weight", t.Vocab, t.Width)
	r.copy("text.position_embedding", "text_model.embeddings.position_embedding.weight", t.Context, t.Width)
	blocks("text", "text_model", t.Layers, t.Width, t.MLP)
	r.norm("text.ln_final", "text_model.final_layer_norm", t.Width)
	r.copy("text.projection.weight", "text_projection.weight", c.EmbedDim, t.Width)
	return r
}

// openCLIPRecipes maps OpenCLIP's CLIP and CustomTextCLIP, whose text tower's names begin with prefix.
func openCLIPRecipes(c *model.Config, prefix string) recipes {
	r := make(recipes)
	blocks := func(to, from string, layers, width, mlp int) {
		for i := range layers {
			t, f := fmt.Sprintf("%s.blocks.%d.", to, i), fmt.Sprintf("%stransformer.resblocks.%d.", from, i)
			r.norm(t+"ln_1", f+"ln_1", width)
			r.copy(t+"attn.qkv.weight", f+"attn.in_proj_weight", 3*width, width)
			r.copy(t+"attn.qkv.bias", f+"attn.in_proj_bias", 3*width)
			r.linear(t+"attn.out", f+"attn.out_proj", width, width)
			r.norm(t+"ln_2", f+"ln_2", width)
			r.linear(t+"mlp.fc1", f+"mlp.c_fc", mlp, width)
			r.linear(t+"mlp.fc2", f+"mlp.c_proj", width, mlp)
		}
	}
	i, t := c.Image, c.Text
	if i.Kind == model.ResNet {
		r.resNet(c)
	} else {
		r.patches("image.patch_embedding.weight", "visual.conv1.weight", i.Width, i.Patch)
		r.copy("image.class_embedding", "visual.class_embedding", i.Width)
		r.copy("image.position_embedding", "visual.positional_embedding", i.Tokens(), i.Width)
		r.norm("image.ln_pre", "visual.ln_pre", i.Width)
		blocks("image", "visual.", i.Layers, i.Width, i.MLP)
		r.norm("image.ln_post", "visual.ln_post", i.Width)
		r.transposed("image.projection.weight", "visual.proj", i.Width, c.EmbedDim)
	}
	r.copy("text.token_embedding", prefix+"token_embedding.weight", t.Vocab, t.Width)
	r.copy("text.position_embedding", prefix+"positional_embedding", t.Context, t.Width)
	blocks("text", prefix, t.Layers, t.Width, t.MLP)
	r.norm("text.ln_final", prefix+"ln_final", t.Width)
	r.transposed("text.projection.weight", prefix+"text_projection", t.Width, c.EmbedDim)
	return r
}

// resNet maps CLIP's ModifiedResNet.
func (r recipes) resNet(c *model.Config) {
	w := c.Image.Width
	for i, shape := range [][2]int{{w / 2, 3}, {w / 2, w / 2}, {w, w / 2}} {
		r.convolution(fmt.Sprintf("image.stem.conv%d", i+1), fmt.Sprintf("visual.conv%d", i+1), fmt.Sprintf("visual.bn%d", i+1), shape[0], shape[1], 3)
	}
	in := w
	for s, blocks := range c.Image.Blocks {
		planes := w << s
		for b := range blocks {
			block := fmt.Sprintf("layer%d.%d.", s+1, b)
			t, f := "image."+block, "visual."+block
			r.convolution(t+"conv1", f+"conv1", f+"bn1", planes, in, 1)
			r.convolution(t+"conv2", f+"conv2", f+"bn2", planes, planes, 3)
			r.convolution(t+"conv3", f+"conv3", f+"bn3", 4*planes, planes, 1)
			if b == 0 {
				// Before these two stands an average pool, which has no weights.
				r.convolution(t+"shortcut", f+"downsample.0", f+"downsample.1", 4*planes, in, 1)
			}
			in = 4 * planes
		}
	}
	const pool = "visual.attnpool."
	r.copy("image.attnpool.position_embedding", pool+"positional_embedding", c.Image.Tokens(), in)
	r.linear("image.attnpool.q", pool+"q_proj", in, in)
	r.stack("image.attnpool.kv", in, in, pool+"k_proj", pool+"v_proj")
	r.linear("image.attnpool.out", pool+"c_proj", c.EmbedDim, in)
}

// check makes sure that a part is there as it must be.
func (p part) check(c *Checkpoint) (*tensor, error) {
	t := c.tensors[p.name]
	switch {
	case t == nil:
		return nil, bad(c.weights, "tensor "+p.name, "is missing")
	case !slices.Equal(t.shape, p.shape):
		return nil, bad(t.file, "tensor "+p.name, "has shape %v, the configuration makes %v", t.shape, p.shape)
	case !t.dtype.isFloat():
		return nil, bad(t.file, "tensor "+p.name, "dtype %s is not supported (F32, F16, BF16 and F64 are)", t.dtype)
	}
	return t, nil
}
