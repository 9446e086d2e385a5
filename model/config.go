// Package model is what CLIP is: its configuration, its two encoders (towers) and the heads on top of their
// embeddings. The encoders are written once, over the operations of [Ops]; packages cpu, cpu/simd and gpu implement those.
// The package knows no GPU and no browser.
package model

import (
	"fmt"
	"math"
)

// Activation names the non-linearity of a transformer's MLP.
type Activation string

const (
	QuickGELU Activation = "quick_gelu" // x·sigmoid(1.702x), OpenAI's own models
	GELU      Activation = "gelu"       // x·Φ(x), by erf, as PyTorch's nn.GELU
	ReLU      Activation = "relu"       // max(x, 0), inside the ResNet
	NoAct     Activation = ""           // identity
)

// Image encoder kinds.
const (
	ViT    = "vit"
	ResNet = "resnet" // CLIP's ModifiedResNet: three-convolution stem, average-pool strides, attention pooling
)

// Config is a CLIP model's shape, normalised: every field is filled in, whatever the checkpoint left to defaults.
type Config struct {
	// EmbedDim is the width of the space that both towers project into.
	EmbedDim int `json:"embed_dim"`
	// LogitScale multiplies cosines before the softmax. It is the exponential of the checkpoint's parameter.
	LogitScale float32     `json:"logit_scale"`
	Image      ImageConfig `json:"image"`
	Text       TextConfig  `json:"text"`
	Preprocess Preprocess  `json:"preprocess"`
}

// ImageConfig is the image encoder's shape.
type ImageConfig struct {
	Kind string `json:"kind"` // ViT or ResNet
	Size int    `json:"size"` // side of the square input, pixels

	// Width is a ViT's token width; a ResNet's width after the stem (64 for RN50), its feature width being 32 times that.
	Width      int        `json:"width"`
	Heads      int        `json:"heads"`      // attention heads: of every layer (ViT), of the attention pooling (ResNet)
	Activation Activation `json:"activation"` // of a ViT's MLP; ReLU for a ResNet
	Eps        float32    `json:"eps"`        // layer norm's epsilon (ViT)

	Patch  int `json:"patch,omitempty"`  // ViT: side of a patch, pixels
	Layers int `json:"layers,omitempty"` // ViT: transformer layers
	MLP    int `json:"mlp,omitempty"`    // ViT: hidden width of the MLP

	Blocks []int `json:"blocks,omitempty"` // ResNet: bottleneck blocks in each of its four stages
}

// TextConfig is the text encoder's shape: a causal transformer read at the end token.
type TextConfig struct {
	Context    int        `json:"context"` // most tokens of a text, start and end tokens included
	Vocab      int        `json:"vocab"`
	Width      int        `json:"width"`
	Layers     int        `json:"layers"`
	Heads      int        `json:"heads"`
	MLP        int        `json:"mlp"`
	Activation Activation `json:"activation"`
	Eps        float32    `json:"eps"`
}

// Preprocess says how a picture becomes the encoder's input: the short side is resized to Size with PIL's
// antialiased bicubic filter, the centre Size×Size is cropped, and channels are normalised as (x/255 − Mean)/Std.
type Preprocess struct {
	Mean [3]float32 `json:"mean"`
	Std  [3]float32 `json:"std"`
}

// OpenAI's channel statistics, the default of every CLIP preprocessor.
var (
	DefaultMean = [3]float32{0.48145466, 0.4578275, 0.40821073}
	DefaultStd  = [3]float32{0.26862954, 0.26130258, 0.27577711}
)

// ConfigError says which field of a configuration is impossible or not supported.
type ConfigError struct {
	Field, Problem string
}

func (e *ConfigError) Error() string { return fmt.Sprintf("model config: %s %s", e.Field, e.Problem) }

// Bounds on a configuration from an untrusted source; the largest published CLIP models are well inside.
const (
	maxDim    = 1 << 16
	maxLayers = 256
	maxVocab  = 1 << 20
	maxSize   = 4096
	maxTokens = 1 << 16
)

// Validate reports the first impossible field, as a *ConfigError.
func (c *Config) Validate() error {
	checks := []struct {
		field  string
		v, max int
	}{
		{"embed_dim", c.EmbedDim, maxDim},
		{"image.size", c.Image.Size, maxSize}, {"image.width", c.Image.Width, maxDim}, {"image.heads", c.Image.Heads, maxDim},
		{"text.context", c.Text.Context, maxTokens}, {"text.vocab", c.Text.Vocab, maxVocab}, {"text.width", c.Text.Width, maxDim},
		{"text.layers", c.Text.Layers, maxLayers}, {"text.heads", c.Text.Heads, maxDim}, {"text.mlp", c.Text.MLP, maxDim},
	}
	switch c.Image.Kind {
	case ViT:
		checks = append(checks, []struct {
			field  string
			v, max int
		}{{"image.patch", c.Image.Patch, maxSize}, {"image.layers", c.Image.Layers, maxLayers}, {"image.mlp", c.Image.MLP, maxDim}}...)
	case ResNet:
		if len(c.Image.Blocks) != 4 {
			return &ConfigError{"image.blocks", fmt.Sprintf("must name 4 stages, has %d", len(c.Image.Blocks))}
		}
		for i, n := range c.Image.Blocks {
			if n < 1 || n > maxLayers {
				return &ConfigError{"image.blocks", fmt.Sprintf("stage %d has %d blocks, must be 1 to %d", i+1, n, maxLayers)}
			}
		}
	default:
		return &ConfigError{"image.kind", fmt.Sprintf("%q is not supported (%q and %q are)", c.Image.Kind, ViT, ResNet)}
	}
	for _, k := range checks {
		if k.v < 1 || k.v > k.max {
			return &ConfigError{k.field, fmt.Sprintf("is %d, must be 1 to %d", k.v, k.max)}
		}
	}
	if c.Text.Context < 2 {
		return &ConfigError{"text.context", "is 1, must hold a start and an end token"}
	}
	if c.Text.Width%c.Text.Heads != 0 {
		return &ConfigError{"text.heads", fmt.Sprintf("(%d) does not divide width %d", c.Text.Heads, c.Text.Width)}
	}
	for field, a := range map[string]Activation{"image.activation": c.Image.Activation, "text.activation": c.Text.Activation} {
		if a != QuickGELU && a != GELU && !(a == ReLU && field == "image.activation" && c.Image.Kind == ResNet) {
			return &ConfigError{field, fmt.Sprintf("%q is not supported (%q and %q are)", a, QuickGELU, GELU)}
		}
	}
	if c.Image.Kind == ViT && c.Image.Patch > c.Image.Size {
		return &ConfigError{"image.patch", fmt.Sprintf("(%d) is larger than the image (%d)", c.Image.Patch, c.Image.Size)}
	}
	if c.Image.Kind == ResNet && (c.Image.Size%32 != 0 || c.Image.Width%2 != 0) {
		return &ConfigError{"image.size", fmt.Sprintf("%d, width %d: a ResNet takes a size divisible by 32 and an even width", c.Image.Size, c.Image.Width)}
	}
	if n := c.Image.Tokens(); n > maxTokens {
		return &ConfigError{"image.patch", fmt.Sprintf("makes %d tokens, at most %d", n, maxTokens)}
	}
	if w := c.Image.FeatureWidth(); w > maxDim || w%c.Image.Heads != 0 {
		return &ConfigError{"image.heads", fmt.Sprintf("(%d) does not divide width %d", c.Image.Heads, w)}
	}
	if s := float64(c.LogitScale); !(s > 0) || math.IsInf(s, 0) {
		return &ConfigError{"logit_scale", fmt.Sprintf("is %v, must be positive", c.LogitScale)}
	}
	for i, s := range c.Preprocess.Std {
		if !(s > 0) || math.IsInf(float64(s), 0) || math.IsNaN(float64(c.Preprocess.Mean[i])) {
			return &ConfigError{"preprocess.std", fmt.Sprintf("is %v, must be positive", c.Preprocess.Std)}
		}
	}
	return nil
}

// Grid is the side of the encoder's final square of feature vectors: patches (ViT) or pixels after stride 32 (ResNet).
func (c *ImageConfig) Grid() int {
	if c.Kind == ResNet {
		return c.Size / 32
	}
	return c.Size / c.Patch
}

// Tokens is the length of the sequence that attention sees: the grid and one more, the class or the mean token.
func (c *ImageConfig) Tokens() int { return c.Grid()*c.Grid() + 1 }

// FeatureWidth is the width of those tokens.
func (c *ImageConfig) FeatureWidth() int {
	if c.Kind == ResNet {
		return 32 * c.Width
	}
	return c.Width
}
