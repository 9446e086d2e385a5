package convert

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
	"github.com/clipside/clipside/tokenizer"
	"github.com/x448/float16"
)

// noEngine fills in a self-test without an engine: what the embeddings are is the engine's business.
func noEngine(ctx context.Context, dir string, m *bundle.Manifest) (bundle.SelfTest, error) {
	v := make([]float32, m.Config.EmbedDim)
	v[0] = 1
	return bundle.SelfTest{Text: "a cat", TextEmbedding: v, ImageEmbedding: v}, nil
}

// packed converts and reads everything back: each parameter's values without padding.
func packed(t testing.TB, src fs.FS) (*bundle.Manifest, map[string][]float32, string) {
	t.Helper()
	dir := t.TempDir()
	if _, err := Pack(t.Context(), src, dir, Options{Name: "test", SelfTest: noEngine}); err != nil {
		t.Fatal(err)
	}
	files := bundle.FS(os.DirFS(dir))
	m, err := bundle.ReadManifest(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	d := &keeper{got: make(map[string][]byte)}
	r, err := bundle.Reserve(m, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := bundle.Load(t.Context(), files, m, r); err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]float32)
	for _, tower := range m.Towers {
		for _, x := range tower.Tensors {
			inner := x.Shape[len(x.Shape)-1]
			padded := (inner + 3) &^ 3
			raw := d.got[x.Name]
			if int64(len(raw)) != x.Bytes {
				t.Fatalf("%s: %d bytes of %d", x.Name, len(raw), x.Bytes)
			}
			for i := 0; i < len(raw)/2; i++ {
				if i%padded < inner {
					all[x.Name] = append(all[x.Name], float16.Frombits(binary.LittleEndian.Uint16(raw[2*i:])).Float32())
				}
			}
		}
	}
	return m, all, dir
}

// keeper is a device that keeps bytes.
type keeper struct {
	model.Device
	got map[string][]byte
}

func (k *keeper) NewParam(name string, shape ...int) (*model.Param, error) {
	return model.NewParam(name, shape...), nil
}

func (k *keeper) Fill(p *model.Param, at int64, f16 []byte) error {
	k.got[p.Name] = append(k.got[p.Name], f16...)
	return nil
}

// expect compares a parameter with what at says of each index.
func expect(t *testing.T, got map[string][]float32, name string, shape []int, at func(i []int) float32) {
	t.Helper()
	v := got[name]
	if n, _ := count(shape); int64(len(v)) != n {
		t.Errorf("%s has %d values, want shape %v", name, len(v), shape)
		return
	}
	i := make([]int, len(shape))
	for k := range v {
		rest := k
		for d := len(shape) - 1; d >= 0; d-- {
			i[d], rest = rest%shape[d], rest/shape[d]
		}
		if want := float16.Fromfloat32(at(i)).Float32(); v[k] != want {
			t.Errorf("%s%v is %v, want %v", name, i, v[k], want)
			return
		}
	}
}

func TestHuggingFaceTensorsArriveWhereTheyBelong(t *testing.T) {
	src := load(t, vitDir)
	a := arraysOf(t, src, "model.safetensors")
	m, got, _ := packed(t, src)
	for ours, theirs := range map[string]string{
		"image.class_embedding":          "vision_model.embeddings.class_embedding",
		"image.position_embedding":       "vision_model.embeddings.position_embedding.weight",
		"image.ln_pre.weight":            "vision_model.pre_layrnorm.weight",
		"image.blocks.0.ln_1.bias":       "vision_model.encoder.layers.0.layer_norm1.bias",
		"image.blocks.2.attn.out.weight": "vision_model.encoder.layers.2.self_attn.out_proj.weight",
		"image.blocks.1.ln_2.weight":     "vision_model.encoder.layers.1.layer_norm2.weight",
		"image.blocks.1.mlp.fc1.weight":  "vision_model.encoder.layers.1.mlp.fc1.weight",
		"image.blocks.1.mlp.fc2.bias":    "vision_model.encoder.layers.1.mlp.fc2.bias",
		"image.ln_post.weight":           "vision_model.post_layernorm.weight",
		"image.projection.weight":        "visual_projection.weight",
		"text.token_embedding":           "text_model.embeddings.token_embedding.weight",
		"text.position_embedding":        "text_model.embeddings.position_embedding.weight",
		"text.blocks.2.attn.out.bias":    "text_model.encoder.layers.2.self_attn.out_proj.bias",
		"text.ln_final.bias":             "text_model.final_layer_norm.bias",
		"text.projection.weight":         "text_projection.weight",
	} {
		if !slices.Equal(got[ours], a[theirs].values) {
			t.Errorf("%s is not %s", ours, theirs)
		}
	}
	for _, tower := range []struct {
		ours, theirs string
		width        int
	}{{"image", "vision_model", 192}, {"text", "text_model", 128}} {
		for _, kind := range []string{"weight", "bias"} {
			var want []float32
			for _, p := range []string{"q", "k", "v"} {
				want = append(want, a[fmt.Sprintf("%s.encoder.layers.1.self_attn.%s_proj.%s", tower.theirs, p, kind)].values...)
			}
			if !slices.Equal(got[tower.ours+".blocks.1.attn.qkv."+kind], want) {
				t.Errorf("%s: queries, keys and values are not in order", tower.ours)
			}
		}
	}
	patches := a["vision_model.embeddings.patch_embedding.weight"].values // [out, channel, row, column]
	expect(t, got, "image.patch_embedding.weight", []int{192, 16, 16, 3}, func(i []int) float32 {
		return patches[((i[0]*3+i[3])*16+i[1])*16+i[2]]
	})
	if want := float32(math.Exp(float64(a["logit_scale"].values[0]))); m.Config.LogitScale != want {
		t.Errorf("logit scale %v, want %v", m.Config.LogitScale, want)
	}
	want := model.Config{
		EmbedDim: 96, LogitScale: m.Config.LogitScale,
		Image:      model.ImageConfig{Kind: model.ViT, Size: 64, Width: 192, Heads: 3, Activation: model.QuickGELU, Eps: 1e-5, Patch: 16, Layers: 3, MLP: 768},
		Text:       model.TextConfig{Context: 32, Vocab: 4096, Width: 128, Layers: 3, Heads: 2, MLP: 512, Activation: model.QuickGELU, Eps: 1e-5},
		Preprocess: model.Preprocess{Mean: model.DefaultMean, Std: model.DefaultStd},
	}
	if fmt.Sprint(m.Config) != fmt.Sprint(want) {
		t.Errorf("configuration\n%+v, want\n%+v", m.Config, want)
	}
	if len(m.Folded) > 0 || len(m.Ignored) > 0 || len(m.Notes) > 0 {
		t.Errorf("folded %v, ignored %v, notes %v", m.Folded, m.Ignored, m.Notes)
	}
}

func TestOpenCLIPResNetsArriveFolded(t *testing.T) {
	for _, dir := range []string{resnetDir, starterDir} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			src := load(t, dir)
			a := arraysOf(t, src, "open_clip_model.safetensors")
			m, got, _ := packed(t, src)
			// folded checks a convolution [out, in, k, k] with its batch norm.
			folded := func(ours, conv, norm string, k int) {
				t.Helper()
				w := a["visual."+conv+".weight"]
				out, in := w.shape[0], w.shape[1]
				n := func(field string, o int) float64 { return float64(a["visual."+norm+"."+field].values[o]) }
				scale := func(o int) float64 { return n("weight", o) / math.Sqrt(n("running_var", o)+1e-5) }
				expect(t, got, "image."+ours+".weight", []int{out, k, k, in}, func(i []int) float32 {
					return float32(scale(i[0]) * float64(w.values[((i[0]*in+i[3])*k+i[1])*k+i[2]]))
				})
				expect(t, got, "image."+ours+".bias", []int{out}, func(i []int) float32 {
					return float32(n("bias", i[0]) - scale(i[0])*n("running_mean", i[0]))
				})
			}
			folded("stem.conv1", "conv1", "bn1", 3)
			folded("stem.conv3", "conv3", "bn3", 3)
			folded("layer1.0.conv1", "layer1.0.conv1", "layer1.0.bn1", 1)
			folded("layer2.1.conv2", "layer2.1.conv2", "layer2.1.bn2", 3)
			folded("layer4.0.conv3", "layer4.0.conv3", "layer4.0.bn3", 1)
			folded("layer3.0.shortcut", "layer3.0.downsample.0", "layer3.0.downsample.1", 1)
			for _, kind := range []string{"weight", "bias"} {
				pool := func(p string) []float32 { return a["visual.attnpool."+p+"_proj."+kind].values }
				if !slices.Equal(got["image.attnpool.kv."+kind], slices.Concat(pool("k"), pool("v"))) ||
					!slices.Equal(got["image.attnpool.q."+kind], pool("q")) || !slices.Equal(got["image.attnpool.out."+kind], pool("c")) {
					t.Error("the attention pooling's projections are not in place")
				}
			}
			if !slices.Equal(got["text.blocks.1.attn.qkv.weight"], a["transformer.resblocks.1.attn.in_proj_weight"].values) {
				t.Error("the text encoder's attention is not in place")
			}
			p := a["text_projection"]
			expect(t, got, "text.projection.weight", []int{p.shape[1], p.shape[0]}, func(i []int) float32 {
				return p.values[i[1]*p.shape[1]+i[0]]
			})
			if m.Config.Image.Kind != model.ResNet || m.Config.Image.Heads != m.Config.Image.Width/2 || m.Config.Image.Activation != model.ReLU {
				t.Errorf("%+v", m.Config.Image)
			}
			convolutions := 3
			for _, n := range m.Config.Image.Blocks {
				convolutions += 3*n + 1
			}
			if len(m.Folded) != convolutions || m.Folded[0] != "image.stem.conv1: batch norm visual.bn1" {
				t.Errorf("folded %q", m.Folded)
			}
		})
	}
}

func TestOpenCLIPViT(t *testing.T) {
	for _, prefix := range []string{"", "text."} {
		arrays, config := tinyViT(prefix)
		arrays["text.unused.statistics"] = filled(3) // of a training run
		m, got, _ := packed(t, openCLIPFiles(t, arrays, config))
		expect(t, got, "image.projection.weight", []int{4, 8}, func(i []int) float32 {
			return arrays["visual.proj"].values[i[1]*4+i[0]]
		})
		if !slices.Equal(got["text.blocks.1.mlp.fc2.weight"], arrays[prefix+"transformer.resblocks.1.mlp.c_proj.weight"].values) {
			t.Error("the text encoder's MLP is not in place")
		}
		c := m.Config
		if c.Image.Heads != 2 || c.Image.MLP != 16 || c.Text.MLP != 16 || c.Image.Activation != model.GELU || c.Text.Activation != model.GELU || c.Image.Size != 4 {
			t.Errorf("%+v", c)
		}
		if !slices.Equal(m.Ignored, []string{"text.unused.statistics"}) {
			t.Errorf("ignored %q", m.Ignored)
		}
	}
}

func TestDefaultsOfConfigurations(t *testing.T) {
	var err error
	clip := model.Config{
		EmbedDim:   512,
		Image:      model.ImageConfig{Kind: model.ViT, Size: 224, Width: 768, Heads: 12, Activation: model.QuickGELU, Eps: 1e-5, Patch: 32, Layers: 12, MLP: 3072},
		Text:       model.TextConfig{Context: 77, Vocab: 49408, Width: 512, Layers: 12, Heads: 8, MLP: 2048, Activation: model.QuickGELU, Eps: 1e-5},
		Preprocess: model.Preprocess{Mean: model.DefaultMean, Std: model.DefaultStd},
	}
	large := clip
	large.EmbedDim, large.Image.Patch, large.Image.Width, large.Text.Width = 768, 14, 1024, 768
	with := func(c model.Config, change func(*model.Config)) model.Config { change(&c); return c }
	tests := []struct {
		name, file, config, preprocess string
		want                           model.Config
	}{
		{"Hugging Face, all left out", "config.json", `{"model_type": "clip"}`, "", clip},
		{"Hugging Face, empty towers", "config.json", `{"model_type": "clip", "text_config": {}, "vision_config": null, "projection_dim": null}`, "", clip},
		{"Hugging Face, nested", "config.json", `{"model_type": "clip", "projection_dim": 768, "text_config": {"model_type": "clip_text_model", "hidden_size": 768, "bos_token_id": 0, "eos_token_id": 2},
			"vision_config": {"model_type": "clip_vision_model", "hidden_size": 1024, "patch_size": 14, "num_channels": 3, "dropout": 0.0}}`, "", large},
		{"Hugging Face, old dicts win", "config.json", `{"model_type": "clip", "projection_dim": 768, "text_config": {"hidden_size": 1}, "vision_config": {"hidden_size": 1},
			"text_config_dict": {"hidden_size": 768}, "vision_config_dict": {"hidden_size": 1024, "patch_size": 14}}`, "", large},
		{"Hugging Face, preprocessor with numbers", "config.json", `{"model_type": "clip"}`, `{"size": 224, "crop_size": 224, "resample": 3, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}`,
			with(clip, func(c *model.Config) {
				c.Preprocess = model.Preprocess{Mean: [3]float32{.5, .5, .5}, Std: [3]float32{.25, .25, .25}}
			})},
		{"Hugging Face, preprocessor with objects", "config.json", `{"model_type": "clip"}`, `{"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}, "do_rescale": true, "rescale_factor": 0.00392156862745098}`, clip},
		{"OpenCLIP, ViT", "open_clip_config.json", `{"model_cfg": {"embed_dim": 512, "quick_gelu": true, "vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32},
			"text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12}}, "preprocess_cfg": {"mean": null, "size": [224, 224], "interpolation": "bicubic", "resize_mode": "shortest", "mode": "RGB", "fill_color": 0}}`, "", clip},
		{"OpenCLIP, all left out", "open_clip_config.json", `{"embed_dim": 512, "vision_cfg": {}, "text_cfg": {}}`, "",
			with(clip, func(c *model.Config) {
				c.Image.Patch, c.Image.Activation, c.Text.Activation = 16, model.GELU, model.GELU
			})},
		{"OpenCLIP, wide heads and odd ratio", "open_clip_config.json", `{"embed_dim": 1280, "custom_text": true, "vision_cfg": {"layers": 48, "width": 1664, "head_width": 104, "mlp_ratio": 4.9231, "patch_size": 14, "norm_kwargs": {"eps": 1e-6}}, "text_cfg": {}}`, "",
			with(clip, func(c *model.Config) {
				c.EmbedDim, c.Image.Activation, c.Text.Activation = 1280, model.GELU, model.GELU
				c.Image.Layers, c.Image.Width, c.Image.Heads, c.Image.MLP, c.Image.Patch, c.Image.Eps = 48, 1664, 16, 8192, 14, 1e-6
			})},
		{"OpenCLIP, ResNet", "open_clip_config.json", `{"model_cfg": {"embed_dim": 1024, "quick_gelu": true, "vision_cfg": {"image_size": 224, "layers": [3, 4, 6, 3], "width": 64, "patch_size": null}, "text_cfg": {}}}`, "",
			with(clip, func(c *model.Config) {
				c.EmbedDim = 1024
				c.Image = model.ImageConfig{Kind: model.ResNet, Size: 224, Width: 64, Heads: 32, Activation: model.ReLU, Eps: 1e-5, Blocks: []int{3, 4, 6, 3}}
			})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fsys := fstest.MapFS{test.file: {Data: []byte(test.config)}}
			// The preprocessor's own file, and the field of the processor's that later versions of transformers write instead.
			for file, form := range map[string]string{"preprocessor_config.json": "%s", "processor_config.json": `{"image_processor": %s, "processor_class": "CLIPProcessor"}`} {
				fsys := maps.Clone(fsys)
				if test.preprocess != "" {
					fsys[file] = &fstest.MapFile{Data: fmt.Appendf(nil, form, test.preprocess)}
				}
				var got model.Config
				var notes []string
				if test.file == "config.json" {
					got, _, notes, err = readHuggingFace(fsys)
				} else {
					got, err = readOpenCLIP(fsys, test.file)
				}
				if err != nil {
					t.Fatal(err)
				}
				if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", test.want) {
					t.Errorf("%s:\n%+v, want\n%+v", file, got, test.want)
				}
				if assumed := test.file == "config.json" && test.preprocess == ""; (len(notes) == 1) != assumed {
					t.Errorf("%s: notes %q", file, notes)
				}
			}
		})
	}
}

func TestSqueezingPreprocessorIsNoted(t *testing.T) {
	src := load(t, vitDir)
	src["preprocessor_config.json"].Data = []byte(`{"size": {"height": 64, "width": 64}}`)
	m, _, _ := packed(t, src)
	if len(m.Notes) != 1 || !strings.Contains(m.Notes[0], "64×64") {
		t.Errorf("notes %q", m.Notes)
	}
}

// Whatever form exactly the same values come in, the bundle is the same.
func TestEveryFormOfACheckpointGivesTheSameBundle(t *testing.T) {
	src := load(t, vitDir)
	arrays := arraysOf(t, src, "model.safetensors")
	arrays["text_model.embeddings.position_ids"] = filled(1, 32)
	want, _, dir := packed(t, src)
	manifest, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	without := func(add map[string][]byte) fs.FS {
		m := maps.Clone(src)
		delete(m, "model.safetensors")
		for name, data := range add {
			m[name] = &fstest.MapFile{Data: data}
		}
		return m
	}
	halves := [2]map[string]array{{}, {}}
	weightMap := make(map[string]string)
	for i, name := range slices.Sorted(maps.Keys(arrays)) {
		halves[i%2][name] = arrays[name]
		weightMap[name] = fmt.Sprintf("model-%05d-of-00002.safetensors", i%2+1)
	}
	nested := torchSave(arrays, f32)
	for name, fsys := range map[string]fs.FS{
		"again": src,
		"F32":   without(map[string][]byte{"model.safetensors": safetensors(arrays, f32)}),
		"F64":   without(map[string][]byte{"model.safetensors": safetensors(arrays, f64)}),
		"sharded": without(map[string][]byte{
			"model.safetensors.index.json":     mustJSON(map[string]any{"metadata": map[string]int{"total_size": 1}, "weight_map": weightMap}),
			"model-00001-of-00002.safetensors": safetensors(halves[0], f16),
			"model-00002-of-00002.safetensors": safetensors(halves[1], f32),
		}),
		"torch F32":      without(map[string][]byte{"pytorch_model.bin": nested}),
		"torch F16":      without(map[string][]byte{"pytorch_model.bin": torchSave(arrays, f16)}),
		"torch, strided": without(map[string][]byte{"pytorch_model.bin": torchSave(arrays, f32, "visual_projection.weight", "text_model.embeddings.token_embedding.weight")}),
	} {
		t.Run(name, func(t *testing.T) {
			got, _, other := packed(t, fsys)
			data, err := got.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if string(data) != string(manifest) {
				t.Fatalf("the manifest differs")
			}
			sameFiles(t, dir, other)
		})
	}
}

func sameFiles(t *testing.T, a, b string) {
	t.Helper()
	entries, err := os.ReadDir(a)
	if err != nil {
		t.Fatal(err)
	}
	others, err := os.ReadDir(b)
	if err != nil || len(others) != len(entries) {
		t.Fatalf("%d files and %d (%v)", len(entries), len(others), err)
	}
	for _, e := range entries {
		x, err := os.ReadFile(filepath.Join(a, e.Name()))
		y, err1 := os.ReadFile(filepath.Join(b, e.Name()))
		if err := errors.Join(err, err1); err != nil || string(x) != string(y) {
			t.Errorf("%s differs (%v)", e.Name(), err)
		}
	}
}

func TestBF16(t *testing.T) {
	arrays, config := tinyViT("")
	cut := make(map[string]array)
	for name, a := range arrays {
		c := array{a.shape, slices.Clone(a.values)}
		for i, v := range c.values {
			c.values[i] = math.Float32frombits(math.Float32bits(v*1.1) &^ 0xffff)
		}
		cut[name] = c
	}
	_, _, want := packed(t, openCLIPFiles(t, cut, config))
	src := openCLIPFiles(t, cut, config)
	src["open_clip_model.safetensors"].Data = safetensors(cut, bf16)
	_, _, got := packed(t, src)
	sameFiles(t, want, got)

	delete(src, "open_clip_model.safetensors")
	src["open_clip_pytorch_model.bin"] = &fstest.MapFile{Data: torchSave(cut, bf16)}
	_, _, got = packed(t, src)
	sameFiles(t, want, got)
}

func TestRoundingToFP16(t *testing.T) {
	tests := []struct{ in, want float32 }{
		{1, 1}, {-2.5, -2.5}, {65504, 65504}, {65519, 65504},
		{1 + 1./2048, 1},                                                      // a tie, to even below
		{1 + 3./2048, 1 + 2./1024},                                            // a tie, to even above
		{1 + 1./2048 + 1./65536, 1 + 1./1024},                                 // above the tie
		{0x1p-24, 0x1p-24}, {0x1p-25, 0}, {0x1.8p-25, 0x1p-24}, {-0x1p-30, 0}, // subnormal
	}
	for _, test := range tests {
		got, at := encode(nil, []float32{test.in})
		if at >= 0 || float16.Frombits(got[0]).Float32() != test.want {
			t.Errorf("%v becomes %v, want %v", test.in, got, test.want)
		}
	}
	for _, v := range []float32{65520, -1e9, float32(math.Inf(1)), float32(math.NaN())} {
		if _, at := encode(nil, []float32{0, v}); at != 1 {
			t.Errorf("%v was taken for an fp16 value", v)
		}
	}
}

func TestPackRefuses(t *testing.T) {
	arrays, config := tinyViT("")
	vit := func() (fstest.MapFS, map[string]array) {
		return openCLIPFiles(t, arrays, config), maps.Clone(arrays)
	}
	resnet, hf := load(t, resnetDir), load(t, vitDir)
	// tensors changes an OpenCLIP ViT's tensors, setting an OpenCLIP configuration's field, hfSetting and
	// preprocessor a Hugging Face one's.
	tensors := func(change func(a map[string]array)) fs.FS {
		fsys, a := vit()
		change(a)
		fsys["open_clip_model.safetensors"] = &fstest.MapFile{Data: safetensors(a, f32)}
		return fsys
	}
	setting := func(at string, value any) fs.FS {
		fsys, _ := vit()
		fsys["open_clip_config.json"] = &fstest.MapFile{Data: edit(t, fsys["open_clip_config.json"].Data, at, value)}
		return fsys
	}
	inFile := func(file, at string, value any) fs.FS {
		fsys := maps.Clone(hf)
		fsys[file] = &fstest.MapFile{Data: edit(t, fsys[file].Data, at, value)}
		return fsys
	}
	hfSetting := func(at string, value any) fs.FS { return inFile("config.json", at, value) }
	preprocessor := func(at string, value any) fs.FS { return inFile("preprocessor_config.json", at, value) }
	file := func(from fstest.MapFS, name string, data []byte) fstest.MapFS {
		fsys := maps.Clone(from)
		delete(fsys, name)
		if data != nil {
			fsys[name] = &fstest.MapFile{Data: data}
		}
		return fsys
	}
	base, _ := vit()
	tests := []struct {
		name string
		fsys fs.FS
		want []string
	}{
		{"no checkpoint", fstest.MapFS{}, []string{"config.json", "not a CLIP checkpoint"}},
		{"no weights", file(hf, "model.safetensors", nil), []string{"weights are missing", "model.safetensors"}},
		{"PyTorch's shards", file(file(hf, "model.safetensors", nil), "pytorch_model.bin.index.json", []byte(`{}`)), []string{"pytorch_model.bin.index.json", "safetensors"}},
		{"no OpenCLIP weights", file(base, "open_clip_model.safetensors", nil), []string{"weights are missing", "open_clip_model.safetensors"}},
		{"a configuration that is no JSON", file(hf, "config.json", []byte("{")), []string{"config.json", "no JSON object"}},

		{"missing tensor", tensors(func(a map[string]array) { delete(a, "visual.proj") }), []string{"visual.proj", "missing"}},
		{"missing logit scale", tensors(func(a map[string]array) { delete(a, "logit_scale") }), []string{"logit_scale", "missing"}},
		{"wrong shape", tensors(func(a map[string]array) { a["ln_final.bias"] = filled(9) }), []string{"ln_final.bias", "[9]", "[8]"}},
		{"transposed shape", tensors(func(a map[string]array) { a["text_projection"] = filled(4, 8) }), []string{"text_projection", "[4 8]", "[8 4]"}},
		{"one layer too many", tensors(func(a map[string]array) { a["visual.transformer.resblocks.2.ln_1.bias"] = filled(8) }), []string{"visual.transformer.resblocks.2.ln_1.bias", "no place"}},
		{"layer scale", tensors(func(a map[string]array) { a["transformer.resblocks.0.ls_1.gamma"] = filled(8) }), []string{"ls_1.gamma", "no place"}},
		{"SigLIP's bias", tensors(func(a map[string]array) { a["logit_bias"] = constant(-10, []int{}...) }), []string{"logit_bias", "SigLIP"}},
		{"overflow", tensors(func(a map[string]array) { a["visual.ln_pre.weight"] = constant(70000, 8) }), []string{"visual.ln_pre.weight", "70000", "fp16"}},
		{"not a number", tensors(func(a map[string]array) { a["visual.conv1.weight"] = constant(float32(math.NaN()), 8, 3, 2, 2) }), []string{"visual.conv1.weight", "NaN"}},
		{"infinite token", tensors(func(a map[string]array) { a["token_embedding.weight"] = constant(float32(math.Inf(-1)), 4096, 8) }), []string{"token_embedding.weight", "-Inf"}},
		{"logit scale that overflows", tensors(func(a map[string]array) { a["logit_scale"] = constant(1000, []int{}...) }), []string{"logit_scale", "+Inf"}},
		{"logit scales", tensors(func(a map[string]array) { a["logit_scale"] = filled(2) }), []string{"logit_scale", "scalar"}},

		{"timm tower", setting("model_cfg.vision_cfg.timm_model_name", "vit_medium"), []string{"model_cfg.vision_cfg.timm_model_name", "vit_medium"}},
		{"Hugging Face text tower", setting("model_cfg.text_cfg.hf_model_name", "roberta-base"), []string{"hf_model_name", "roberta-base"}},
		{"CoCa", setting("model_cfg.multimodal_cfg", map[string]any{"width": 512}), []string{"multimodal_cfg"}},
		{"SigLIP", setting("model_cfg.init_logit_bias", -10), []string{"init_logit_bias", "-10"}},
		{"attentional pooling", setting("model_cfg.vision_cfg.attentional_pool", true), []string{"attentional_pool"}},
		{"other pooling", setting("model_cfg.text_cfg.pool_type", "last"), []string{"pool_type", "last"}},
		{"no causal mask", setting("model_cfg.text_cfg.no_causal_mask", true), []string{"no_causal_mask"}},
		{"tanh GELU", setting("model_cfg.vision_cfg.act_kwargs", map[string]any{"approximate": "tanh"}), []string{"act_kwargs", "tanh"}},
		{"layer scale in the configuration", setting("model_cfg.vision_cfg.ls_init_value", 1e-5), []string{"ls_init_value"}},
		{"unknown key", setting("model_cfg.vision_cfg.rotary", true), []string{"model_cfg.vision_cfg.rotary", "not known"}},
		{"unknown key above", setting("model_cfg.audio_cfg", map[string]any{}), []string{"model_cfg.audio_cfg", "not known"}},
		{"oblong picture", setting("model_cfg.vision_cfg.image_size", []int{4, 8}), []string{"image_size", "no square"}},
		{"width as text", setting("model_cfg.vision_cfg.width", "wide"), []string{"model_cfg.vision_cfg.width", "wide"}},
		{"no embedding width", setting("model_cfg.embed_dim", nil), []string{"embed_dim", "missing"}},
		{"zero head width", setting("model_cfg.vision_cfg.head_width", 0), []string{"head_width"}},
		{"heads that no engine reads", setting("model_cfg.vision_cfg.head_width", 2), []string{"open_clip_config.json", "image.heads", "4 of width 2", "multiple of 4"}},
		{"the same of texts", setting("model_cfg.text_cfg.heads", 8), []string{"open_clip_config.json", "text.heads", "8 of width 1", "multiple of 4"}},
		{"bilinear", setting("preprocess_cfg", map[string]any{"interpolation": "bilinear"}), []string{"preprocess_cfg.interpolation", "bilinear"}},
		{"squash", setting("preprocess_cfg", map[string]any{"resize_mode": "squash"}), []string{"resize_mode", "squash"}},
		{"small vocabulary", setting("model_cfg.text_cfg.vocab_size", 4000), []string{"token_embedding.weight", "4096", "4000"}},

		{"SigLIP by name", hfSetting("model_type", "siglip"), []string{"model_type", "siglip"}},
		{"no model type", hfSetting("model_type", nil), []string{"model_type"}},
		{"other text model", hfSetting("text_config.model_type", "xlm-roberta"), []string{"text_config.model_type", "xlm-roberta"}},
		{"unknown activation", hfSetting("vision_config.hidden_act", "swish"), []string{"vision_config.hidden_act", "swish"}},
		{"greyscale", hfSetting("vision_config.num_channels", 1), []string{"num_channels"}},
		{"other end token", hfSetting("text_config.eos_token_id", 7), []string{"eos_token_id", "7", "4095"}},
		{"end token that is not the highest id", func() fs.FS {
			swapped := file(hf, "vocab.json", edit(t, edit(t, hf["vocab.json"].Data, "<|startoftext|>", 4095), "<|endoftext|>", 4094))
			swapped["config.json"] = &fstest.MapFile{Data: edit(t, hf["config.json"].Data, "text_config.eos_token_id", 4094)}
			return swapped
		}(), []string{"eos_token_id", "4094", "4095", "not supported"}},
		{"heads that do not divide", hfSetting("text_config.num_attention_heads", 3), []string{"text.heads"}},
		{"negative layers", hfSetting("text_config.num_hidden_layers", -1), []string{"text.layers"}},
		{"enormous width", hfSetting("text_config.hidden_size", 1<<40), []string{"text.width"}},
		{"bilinear by number", preprocessor("resample", 2), []string{"preprocessor_config.json", "bilinear"}},
		{"no resampling there is", preprocessor("resample", 9), []string{"resample", "unknown"}},
		{"no cropping", preprocessor("do_center_crop", false), []string{"do_center_crop"}},
		{"other crop", preprocessor("crop_size", 56), []string{"crop_size", "56", "64"}},
		{"oblong crop", preprocessor("crop_size", map[string]int{"height": 64, "width": 32}), []string{"crop_size", "32×64"}},
		{"other scale", preprocessor("rescale_factor", 1), []string{"rescale_factor"}},
		{"two means", preprocessor("image_mean", []float64{0, 0}), []string{"image_mean"}},
		{"zero deviation", preprocessor("image_std", []float64{1, 0, 1}), []string{"preprocess.std"}},

		{"negative variance", func() fs.FS {
			a := arraysOf(t, resnet, "open_clip_model.safetensors")
			a["visual.bn2.running_var"] = constant(-1, 8)
			return file(resnet, "open_clip_model.safetensors", safetensors(a, f16))
		}(), []string{"visual.conv2.weight", "NaN"}},
		{"shard outside", file(file(hf, "model.safetensors", nil), "model.safetensors.index.json", []byte(`{"weight_map": {"x": "../x.safetensors"}}`)), []string{"index.json", "../x.safetensors"}},
		{"tensor that its shard lacks", file(fstest.MapFS{
			"config.json": hf["config.json"], "a.safetensors": {Data: safetensors(map[string]array{"y": filled(1)}, f32)},
		}, "model.safetensors.index.json", []byte(`{"weight_map": {"x": "a.safetensors"}}`)), []string{"a.safetensors", "tensor x"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := Pack(t.Context(), test.fsys, dir, Options{Name: "test", SelfTest: noEngine})
			var broken *CheckpointError
			if !errors.As(err, &broken) {
				t.Fatalf("%v is no CheckpointError", err)
			}
			for _, w := range test.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not mention %q", err, w)
				}
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%d files were left behind", len(left))
			}
		})
	}
}

func TestTokenizerErrorsAreReachable(t *testing.T) {
	src := load(t, vitDir)
	delete(src, "merges.txt")
	if _, err := Open(src); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no tokenizer: %v", err)
	}
	src["merges.txt"] = &fstest.MapFile{Data: []byte("#version\none\n")}
	var bad *tokenizer.VocabError
	if _, err := Open(src); !errors.As(err, &bad) {
		t.Errorf("broken merges: %v", err)
	}
}

func TestBundleHoldsTheTokenizer(t *testing.T) {
	src := load(t, starterDir)
	m, _, dir := packed(t, src)
	data, err := bundle.ReadTokenizer(t.Context(), bundle.FS(os.DirFS(dir)), m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tokenizer.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	want, err := tokenizer.Load(src)
	if err != nil {
		t.Fatal(err)
	}
	const text = "A photo of two cats & a café"
	a, _ := got.Encode(text, 32)
	b, _ := want.Encode(text, 32)
	if !slices.Equal(a, b) || len(a) < 5 {
		t.Errorf("%v, want %v", a, b)
	}
}

func TestAFailedPackLeavesTheOlderBundle(t *testing.T) {
	_, _, dir := packed(t, load(t, vitDir))
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	engine := errors.New("no engine")
	_, err = Pack(t.Context(), load(t, resnetDir), dir, Options{Name: "other", SelfTest: func(context.Context, string, *bundle.Manifest) (bundle.SelfTest, error) {
		return bundle.SelfTest{}, engine
	}})
	if !errors.Is(err, engine) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Pack(ctx, load(t, resnetDir), dir, Options{Name: "other", SelfTest: noEngine}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	after, err := os.ReadDir(dir)
	if err != nil || len(after) != len(before) {
		t.Errorf("%d files, before %d (%v)", len(after), len(before), err)
	}
	files := bundle.FS(os.DirFS(dir))
	m, err := bundle.ReadManifest(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	if err := bundle.Verify(t.Context(), files, m, nil); err != nil {
		t.Error(err)
	}
}

func TestProgressEndsAtItsTotal(t *testing.T) {
	var last, total int64
	_, err := Pack(t.Context(), load(t, vitDir), t.TempDir(), Options{Name: "test", SelfTest: noEngine, Progress: func(d, n int64) {
		if d <= last || total != 0 && n != total {
			t.Errorf("%d of %d after %d of %d", d, n, last, total)
		}
		last, total = d, n
	}})
	if err != nil || last != total || total == 0 {
		t.Errorf("%d of %d, %v", last, total, err)
	}
}
