package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/x448/float16"
)

// shape is the shape of a CLIP model with a vocabulary of 49,408 tokens, 77 of them a text. Pictures have 224 pixels
// a side.
type shape struct {
	published string // the model that has it
	embed     int
	image     tower // heads of 0: a ResNet's
	patch     int   // pixels; 0 for a ResNet
	blocks    []int // a ResNet's, in each stage
	text      tower
}

type tower struct{ width, layers, heads int }

// shapes are those of published models. The weights are made up: how fast they are does not depend on their values.
var shapes = map[string]shape{
	"tiny8": {published: "TinyCLIP ViT-8M/16 Text-3M", embed: 512, image: tower{256, 10, 4}, patch: 16, text: tower{256, 3, 4}},
	"b32":   {published: "CLIP ViT-B/32", embed: 512, image: tower{768, 12, 12}, patch: 32, text: tower{512, 12, 8}},
	"rn50":  {published: "CLIP ResNet-50", embed: 1024, image: tower{width: 64}, blocks: []int{3, 4, 6, 3}, text: tower{512, 12, 8}},
}

const (
	pictureSize = 224
	textContext = 77
	vocabulary  = 49408
)

// parameter is a tensor of a made-up checkpoint: normally distributed around mean.
type parameter struct {
	name      string
	shape     []int
	mean, std float64
	positive  bool // no value is below std, as a variance
}

// openCLIP are the tensors of a checkpoint in OpenCLIP's layout. Their spread is that of OpenCLIP's own initial
// values, which keep activations near one in every layer; biases and gains are spread a little too, so that leaving
// one out would show.
func (s *shape) openCLIP() []parameter {
	var list []parameter
	add := func(name string, std float64, shape ...int) {
		list = append(list, parameter{name: name, shape: shape, std: std})
	}
	norm := func(name string, width int) {
		list = append(list, parameter{name: name + ".weight", shape: []int{width}, mean: 1, std: 0.1})
		add(name+".bias", 0.1, width)
	}
	linear := func(name string, std float64, out, in int) {
		add(name+".weight", std, out, in)
		add(name+".bias", 0.02, out)
	}
	transformer := func(prefix string, t tower) {
		w := float64(t.width)
		for i := range t.layers {
			b := fmt.Sprintf("%stransformer.resblocks.%d.", prefix, i)
			norm(b+"ln_1", t.width)
			add(b+"attn.in_proj_weight", math.Pow(w, -0.5), 3*t.width, t.width)
			add(b+"attn.in_proj_bias", 0.02, 3*t.width)
			residual := math.Pow(w, -0.5) * math.Pow(2*float64(t.layers), -0.5)
			linear(b+"attn.out_proj", residual, t.width, t.width)
			norm(b+"ln_2", t.width)
			linear(b+"mlp.c_fc", math.Pow(2*w, -0.5), 4*t.width, t.width)
			linear(b+"mlp.c_proj", residual, t.width, 4*t.width)
		}
	}

	// The logarithm of 100, to which CLIP's authors limit it in training.
	list = append(list, parameter{name: "logit_scale", shape: []int{}, mean: math.Log(100)})
	if s.patch > 0 {
		w, grid := s.image.width, pictureSize/s.patch
		scale := math.Pow(float64(w), -0.5)
		add("visual.conv1.weight", math.Pow(float64(3*s.patch*s.patch), -0.5), w, 3, s.patch, s.patch)
		add("visual.class_embedding", scale, w)
		add("visual.positional_embedding", scale, grid*grid+1, w)
		norm("visual.ln_pre", w)
		transformer("visual.", s.image)
		norm("visual.ln_post", w)
		add("visual.proj", scale, w, s.embed)
	} else {
		list = append(list, s.resNet()...)
	}
	add("token_embedding.weight", 0.02, vocabulary, s.text.width)
	add("positional_embedding", 0.01, textContext, s.text.width)
	transformer("", s.text)
	norm("ln_final", s.text.width)
	add("text_projection", math.Pow(float64(s.text.width), -0.5), s.text.width, s.embed)
	return list
}

// resNet are the image encoder's tensors of CLIP's ModifiedResNet.
func (s *shape) resNet() []parameter {
	var list []parameter
	// gain is the batch norm's: what ends a residual branch is small, so that sums over many blocks stay so.
	convolution := func(conv, norm string, out, in, k int, gain float64) {
		perChannel := []int{out}
		list = append(list,
			parameter{name: conv + ".weight", shape: []int{out, in, k, k}, std: math.Sqrt(2 / float64(in*k*k))},
			parameter{name: norm + ".weight", shape: perChannel, mean: gain, std: 0.1 * gain},
			parameter{name: norm + ".bias", shape: perChannel, std: 0.1},
			parameter{name: norm + ".running_mean", shape: perChannel, std: 0.1},
			parameter{name: norm + ".running_var", shape: perChannel, mean: 1, std: 0.2, positive: true})
	}
	w := s.image.width
	convolution("visual.conv1", "visual.bn1", w/2, 3, 3, 1)
	convolution("visual.conv2", "visual.bn2", w/2, w/2, 3, 1)
	convolution("visual.conv3", "visual.bn3", w, w/2, 3, 1)
	in := w
	for stage, blocks := range s.blocks {
		planes := w << stage
		for i := range blocks {
			b := fmt.Sprintf("visual.layer%d.%d.", stage+1, i)
			convolution(b+"conv1", b+"bn1", planes, in, 1, 1)
			convolution(b+"conv2", b+"bn2", planes, planes, 3, 1)
			convolution(b+"conv3", b+"bn3", 4*planes, planes, 1, 0.3)
			if i == 0 {
				convolution(b+"downsample.0", b+"downsample.1", 4*planes, in, 1, 0.7)
			}
			in = 4 * planes
		}
	}
	std := math.Pow(float64(in), -0.5)
	grid := pictureSize / 32
	const pool = "visual.attnpool."
	list = append(list, parameter{name: pool + "positional_embedding", shape: []int{grid*grid + 1, in}, std: std})
	for _, name := range []string{"q_proj", "k_proj", "v_proj"} {
		list = append(list, parameter{name: pool + name + ".weight", shape: []int{in, in}, std: std}, parameter{name: pool + name + ".bias", shape: []int{in}, std: 0.02})
	}
	return append(list, parameter{name: pool + "c_proj.weight", shape: []int{s.embed, in}, std: std}, parameter{name: pool + "c_proj.bias", shape: []int{s.embed}, std: 0.02})
}

// config is open_clip_config.json.
func (s *shape) config() any {
	vision := map[string]any{"image_size": pictureSize, "width": s.image.width}
	if s.patch > 0 {
		vision["layers"], vision["patch_size"] = s.image.layers, s.patch
		vision["head_width"] = s.image.width / s.image.heads
	} else {
		vision["layers"] = s.blocks
	}
	return map[string]any{"model_cfg": map[string]any{
		"embed_dim": s.embed, "quick_gelu": true, "vision_cfg": vision,
		"text_cfg": map[string]any{"context_length": textContext, "vocab_size": vocabulary, "width": s.text.width, "heads": s.text.heads, "layers": s.text.layers},
	}}
}

// writeCheckpoint makes up a checkpoint in dir, fp16, with the tokenizer of another. The same shape gives the same
// values.
func (s *shape) writeCheckpoint(dir, tokenizer string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, name := range []string{"vocab.json", "merges.txt"} {
		data, err := os.ReadFile(filepath.Join(tokenizer, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			return err
		}
	}
	config, err := json.Marshal(s.config())
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "open_clip_config.json"), config, 0o666); err != nil {
		return err
	}
	return writeSafetensors(filepath.Join(dir, "open_clip_model.safetensors"), s.openCLIP())
}

// writeSafetensors writes the parameters' values as they are made up: 8 bytes of header length, a JSON header, values.
func writeSafetensors(file string, list []parameter) (err error) {
	header := map[string]any{}
	at := 0
	for _, p := range list {
		end := at + 2*p.values()
		header[p.name] = map[string]any{"dtype": "F16", "shape": p.shape, "data_offsets": []int{at, end}}
		at = end
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text)))) // the first error stays until Flush
	w.Write(text)
	random := rand.New(rand.NewPCG(0x636c6970, 0x73696465))
	var value [2]byte
	for _, p := range list {
		for range p.values() {
			v := p.mean + p.std*random.NormFloat64()
			if p.positive {
				v = max(v, p.std)
			}
			binary.LittleEndian.PutUint16(value[:], float16.Fromfloat32(float32(v)).Bits())
			w.Write(value[:])
		}
	}
	return w.Flush()
}

func (p *parameter) values() int {
	n := 1
	for _, d := range p.shape {
		n *= d
	}
	return n
}
