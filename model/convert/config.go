package convert

import (
	"fmt"
	"io/fs"
	"math"

	"github.com/clipside/clipside/model"
)

// maxConfig bounds JSON configuration files.
const maxConfig = 4 << 20

// defaultEps is the layer norm epsilon of every CLIP that does not say otherwise.
const defaultEps = 1e-5

// readHuggingFace reads config.json. Fields at their default are usually left out there. It returns the end
// token's id too, or -1 where the model means the highest, and notes.
func readHuggingFace(fsys fs.FS) (c model.Config, end int, notes []string, err error) {
	f := readFields(fsys, huggingFaceConfig, &err)
	if kind := f.string("model_type", ""); kind != "clip" {
		f.fail("model_type", "%q is not supported, only \"clip\" is", clip(kind))
	}
	c.EmbedDim = f.int("projection_dim", 512)
	// Where an old *_config_dict is given too, it is the one that counts.
	tower := func(name, kind string) fields {
		t := f.sub(name + "_config")
		if f.has(name + "_config_dict") {
			t = f.sub(name + "_config_dict")
		}
		if k := t.string("model_type", kind); k != kind && k != "clip" {
			t.fail("model_type", "%q is not supported, only %q is", clip(k), kind)
		}
		return t
	}

	t := tower("text", "clip_text_model")
	c.Text = model.TextConfig{
		Context:    t.int("max_position_embeddings", 77),
		Vocab:      t.int("vocab_size", 49408),
		Width:      t.int("hidden_size", 512),
		Layers:     t.int("num_hidden_layers", 12),
		Heads:      t.int("num_attention_heads", 8),
		MLP:        t.int("intermediate_size", 2048),
		Activation: t.activation("hidden_act"),
		Eps:        float32(t.float("layer_norm_eps", defaultEps)),
	}
	// Configurations from before the field was used say 2, whatever the vocabulary.
	if end = t.int("eos_token_id", 2); end == 2 {
		end = -1
	}

	v := tower("vision", "clip_vision_model")
	c.Image = model.ImageConfig{
		Kind:       model.ViT,
		Size:       v.side("image_size", 224),
		Patch:      v.side("patch_size", 32),
		Width:      v.int("hidden_size", 768),
		Layers:     v.int("num_hidden_layers", 12),
		Heads:      v.int("num_attention_heads", 12),
		MLP:        v.int("intermediate_size", 3072),
		Activation: v.activation("hidden_act"),
		Eps:        float32(v.float("layer_norm_eps", defaultEps)),
	}
	v.only("num_channels", "3")
	if err != nil {
		return c, 0, nil, err
	}
	c.Preprocess, notes, err = huggingFacePreprocess(fsys, c.Image.Size)
	return c, end, notes, err
}

// huggingFacePreprocessors are the files that say how pictures are prepared, in order of preference.
var huggingFacePreprocessors = []string{"preprocessor_config.json", "processor_config.json"}

// resamplers are PIL's numbers for its filters.
var resamplers = map[int]string{0: "nearest", 1: "Lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "Hamming"}

// huggingFacePreprocess reads preprocessor_config.json or, as transformers 5 writes it, processor_config.json, which has
// the same in a field.
func huggingFacePreprocess(fsys fs.FS, size int) (p model.Preprocess, notes []string, err error) {
	file := first(fsys, huggingFacePreprocessors)
	p = model.Preprocess{Mean: model.DefaultMean, Std: model.DefaultStd}
	if file == "" {
		return p, []string{"nothing says how pictures are prepared: as for OpenAI's CLIP"}, nil
	}
	f := readFields(fsys, file, &err)
	if file == "processor_config.json" {
		f = f.sub("image_processor")
	}
	for _, step := range []string{"do_resize", "do_center_crop", "do_normalize", "do_rescale"} {
		f.only(step, "true")
	}
	if r := f.int("resample", 3); r != 3 {
		name, ok := resamplers[r]
		if !ok {
			name = "unknown"
		}
		f.fail("resample", "%d (%s) is not supported, only 3 (bicubic) is", r, name)
	}
	if r := f.float("rescale_factor", 1./255); math.Abs(r*255-1) > 1e-6 {
		f.fail("rescale_factor", "%v is not supported, only 1/255 is", r)
	}
	p.Mean = f.statistics("image_mean", p.Mean)
	p.Std = f.statistics("image_std", p.Std)
	for _, key := range []string{"size", "crop_size"} {
		got, square := f.extent(key, size)
		if got != size {
			f.fail(key, "%d, the encoder takes %d", got, size)
		}
		if square && key == "size" {
			notes = append(notes, fmt.Sprintf("%s asks for pictures squeezed to %d×%d; they are resized by the short side and cropped instead", file, size, size))
		}
	}
	return p, notes, err
}

// extent takes a size: a number, {"shortest_edge": n} or {"height": n, "width": n}; square reports the last form.
func (f fields) extent(key string, missing int) (n int, square bool) {
	raw, ok := f.m[key]
	if !ok || raw[0] != '{' {
		return f.int(key, missing), false
	}
	s := f.sub(key)
	if s.has("shortest_edge") {
		return s.int("shortest_edge", missing), false
	}
	h, w := s.int("height", 0), s.int("width", 0)
	if h != w {
		f.fail(key, "%d×%d is no square", w, h)
	}
	return h, true
}

// readOpenCLIP reads an OpenCLIP configuration: {"model_cfg": …, "preprocess_cfg": …}, or a model_cfg alone.
func readOpenCLIP(fsys fs.FS, file string) (c model.Config, err error) {
	f := readFields(fsys, file, &err)
	m := f
	if f.has("model_cfg") {
		m = f.sub("model_cfg")
	}
	if !m.has("embed_dim") {
		m.fail("embed_dim", "is missing")
	}
	c.EmbedDim = m.int("embed_dim", 0)
	act := model.GELU
	var quick bool
	if m.take("quick_gelu", &quick); quick {
		act = model.QuickGELU
	}
	m.only("init_logit_bias")
	m.only("multimodal_cfg") // CoCa
	m.only("nonscalar_logit_scale", "false")

	v := m.sub("vision_cfg")
	v.only("timm_model_name")
	c.Image = model.ImageConfig{Size: v.side("image_size", 224), Width: v.int("width", 768)}
	headWidth := v.int("head_width", 64)
	if headWidth < 1 {
		v.fail("head_width", "%d is impossible", headWidth)
		headWidth = 1
	}
	if raw := v.m["layers"]; len(raw) > 0 && raw[0] == '[' {
		v.take("layers", &c.Image.Blocks)
		c.Image.Kind, c.Image.Activation, c.Image.Eps = model.ResNet, model.ReLU, defaultEps
		c.Image.Heads = c.Image.Width * 32 / headWidth
		v.skip("patch_size", "mlp_ratio")
	} else {
		c.Image.Kind, c.Image.Activation = model.ViT, act
		c.Image.Layers = v.int("layers", 12)
		c.Image.Heads = c.Image.Width / headWidth
		c.Image.Patch = v.side("patch_size", 16)
		c.Image.MLP = v.scaled("mlp_ratio", c.Image.Width, 4)
		c.Image.Eps = v.eps()
	}
	v.only("attentional_pool", "false")
	v.only("pool_type", `"tok"`)
	v.only("pos_embed_type", `"learnable"`)
	v.only("no_ln_pre", "false")
	v.only("global_average_pool", "false")
	v.only("input_patchnorm", "false")
	v.skip("patch_dropout", "output_tokens", "attn_pooler_queries", "attn_pooler_heads",
		"timm_model_pretrained", "timm_pool", "timm_proj", "timm_proj_bias", "timm_drop", "timm_drop_path")
	v.sameForBothTowers()
	v.done()

	t := m.sub("text_cfg")
	t.only("hf_model_name")
	c.Text = model.TextConfig{
		Context:    t.int("context_length", 77),
		Vocab:      t.int("vocab_size", 49408),
		Width:      t.int("width", 512),
		Layers:     t.int("layers", 12),
		Heads:      t.int("heads", 8),
		Activation: act,
	}
	c.Text.MLP = t.scaled("mlp_ratio", c.Text.Width, 4)
	c.Text.Eps = t.eps()
	t.only("embed_cls", "false")
	t.only("no_causal_mask", "false")
	t.only("pool_type", `"argmax"`)
	t.only("proj_type", `"linear"`)
	t.only("proj_bias", "false")
	t.only("ln_post_emb", "false")
	t.only("tokenizer_kwargs", "{}")
	t.skip("pad_id", "output_tokens", "hf_tokenizer_name", "hf_model_pretrained", "hf_proj_type", "hf_pooler_type")
	t.sameForBothTowers()
	t.done()

	p := f.sub("preprocess_cfg")
	m.skip("custom_text", "init_logit_scale", "cast_dtype", "output_dict")
	m.done()
	if size := p.side("size", c.Image.Size); size != c.Image.Size {
		p.fail("size", "%d, the encoder takes %d", size, c.Image.Size)
	}
	c.Preprocess = model.Preprocess{Mean: p.statistics("mean", model.DefaultMean), Std: p.statistics("std", model.DefaultStd)}
	p.only("interpolation", `"bicubic"`)
	p.only("resize_mode", `"shortest"`)
	p.only("mode", `"RGB"`)
	p.skip("fill_color")
	p.done()
	return c, err
}

// sameForBothTowers takes what OpenCLIP's two transformers have in common.
func (f fields) sameForBothTowers() {
	for _, key := range []string{"final_ln_after_pool", "qk_norm", "scaled_cosine_attn", "scale_heads", "scale_attn_inner", "scale_attn", "scale_fc"} {
		f.only(key, "false")
	}
	f.only("ls_init_value")
	f.only("act_kwargs", "{}")
	f.only("block_type", `"default"`)
	f.skip("norm_kwargs") // a ResNet has no layer norm; for a transformer eps has taken it
}

// eps takes the layer norm's epsilon.
func (f fields) eps() float32 {
	s := f.sub("norm_kwargs")
	e := float32(s.float("eps", defaultEps))
	s.done()
	return e
}

// readLogitScale returns what cosines are multiplied by: the parameter is its logarithm.
func readLogitScale(t *tensor) (float32, error) {
	if n := t.len(); n != 1 {
		return 0, bad(t.file, "tensor "+t.name, "has shape %v, must be a scalar", t.shape)
	}
	if !t.dtype.isFloat() {
		return 0, bad(t.file, "tensor "+t.name, "dtype %s is not supported", t.dtype)
	}
	var v [1]float32
	if err := t.read(v[:], 0); err != nil {
		return 0, err
	}
	s := float32(math.Exp(float64(v[0])))
	if !(s > 0) || math.IsInf(float64(s), 0) {
		return 0, bad(t.file, "tensor "+t.name, "is %v, whose exponential is %v", v[0], s)
	}
	return s, nil
}
