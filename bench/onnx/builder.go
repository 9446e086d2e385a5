package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/x448/float16"

	"github.com/clipside/clipside/model"
)

// Names of the dimensions that are known only when a model runs.
const (
	Batch    = "batch_size"
	Sequence = "sequence_length"
)

// builder writes the parts that both encoders share. Inputs and outputs of a half model are float32 all the same, cast
// at the edges, as Optimum's converter leaves them.
type builder struct {
	graph
	config  *model.Config
	weights Weights
	half    bool

	images, texts string // names of the dimensions: how many pictures, how many texts

	missing []string // weights that the bundle did not have
}

// elem is the type of activations and weights.
func (b *builder) elem() int {
	if b.half {
		return float16Type
	}
	return float32Type
}

// weight adds one of the bundle's tensors, changed by the given functions.
func (b *builder) weight(name string, change ...func(Tensor) Tensor) string {
	t, ok := b.weights[name]
	if !ok {
		b.missing = append(b.missing, name)
		return name
	}
	for _, f := range change {
		t = f(t)
	}
	return b.values(name, t)
}

func (b *builder) values(name string, t Tensor) string {
	if b.half {
		data := make([]byte, 0, 2*len(t.Half))
		for _, v := range t.Half {
			data = binary.LittleEndian.AppendUint16(data, v)
		}
		return b.tensor(name, float16Type, t.Shape, data)
	}
	data := make([]byte, 0, 4*len(t.Half))
	for _, v := range t.Half {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float16.Frombits(v).Float32()))
	}
	return b.tensor(name, float32Type, t.Shape, data)
}

// constant adds values of the activations' type.
func (b *builder) constant(name string, shape []int, v ...float32) string {
	var data []byte
	for _, f := range v {
		if b.half {
			data = binary.LittleEndian.AppendUint16(data, float16.Fromfloat32(f).Bits())
		} else {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(f))
		}
	}
	return b.tensor(name, b.elem(), shape, data)
}

// in is an input of float32, out makes one of the graph's outputs of float32.
func (b *builder) in(name string, dims ...any) string {
	b.input(name, float32Type, dims...)
	if b.half {
		return b.node("Cast", []string{name}, intAttr("to", float16Type))
	}
	return name
}

func (b *builder) out(name, x string, dims ...any) {
	b.output(name, float32Type, dims...)
	if b.half {
		b.named(name, "Cast", []string{x}, intAttr("to", float32Type))
		return
	}
	b.named(name, "Identity", []string{x})
}

// linear is x·Weightᵀ + bias, rows being those of the weight that are taken: a fused product of ours is several there.
// Name is the parameters' common name, part what tells several of one name apart.
func (b *builder) linear(x, name, part string, from, to int) string {
	rows := func(t Tensor) Tensor { return t.rows(from, to) }
	w, ok := b.weights[name+".weight"]
	bias, hasBias := b.weights[name+".bias"]
	if !ok {
		b.missing = append(b.missing, name+".weight")
		return x
	}
	y := b.node("MatMul", []string{x, b.values(name+part+".weight_t", rows(w).transposed())})
	if !hasBias {
		return y
	}
	return b.node("Add", []string{b.values(name+part+".bias", rows(bias)), y})
}

// whole is linear with all rows.
func (b *builder) whole(x, name string, out int) string { return b.linear(x, name, "", 0, out) }

func (b *builder) layerNorm(x, name string, eps float32) string {
	return b.node("LayerNormalization", []string{x, b.weight(name + ".weight"), b.weight(name + ".bias")}, intAttr("axis", -1), floatAttr("epsilon", eps))
}

func (b *builder) activation(x string, a model.Activation, name string) string {
	if a == model.QuickGELU {
		return b.node("Mul", []string{x, b.node("Sigmoid", []string{b.node("Mul", []string{x, b.constant(name+".1.702", nil, 1.702)})})})
	}
	// Operator set 17 has no Gelu yet: x·(1 + erf(x/√2))·½, which optimisers know.
	e := b.node("Erf", []string{b.node("Div", []string{x, b.constant(name+".sqrt2", nil, math.Sqrt2)})})
	e = b.node("Add", []string{e, b.constant(name+".one", nil, 1)})
	return b.node("Mul", []string{b.node("Mul", []string{x, e}), b.constant(name+".half", nil, 0.5)})
}

// attention is multi-head attention of q over k and v, [B, n, width] each; mask, added to the scores, may be "".
func (b *builder) attention(q, k, v, mask, name string, heads, width int) string {
	split := b.ints(name+".split", 0, 0, heads, width/heads) // 0: as it is
	q = b.node("Mul", []string{q, b.constant(name+".scale", nil, float32(1/math.Sqrt(float64(width/heads))))})
	perHead := func(x string, order ...int) string {
		return b.node("Transpose", []string{b.node("Reshape", []string{x, split})}, intsAttr("perm", order...))
	}
	scores := b.node("MatMul", []string{perHead(q, 0, 2, 1, 3), perHead(k, 0, 2, 3, 1)})
	if mask != "" {
		scores = b.node("Add", []string{scores, mask})
	}
	p := b.node("Softmax", []string{scores}, intAttr("axis", -1))
	y := b.node("Transpose", []string{b.node("MatMul", []string{p, perHead(v, 0, 2, 1, 3)})}, intsAttr("perm", 0, 2, 1, 3))
	return b.node("Reshape", []string{y, b.ints(name+".join", 0, 0, width)})
}

// transformer is the layers of a tower.
func (b *builder) transformer(x, tower, mask string, layers, width, mlp, heads int, act model.Activation, eps float32) string {
	for i := range layers {
		n := fmt.Sprintf("%s.blocks.%d.", tower, i)
		h := b.layerNorm(x, n+"ln_1", eps)
		q := b.linear(h, n+"attn.qkv", ".q", 0, width)
		k := b.linear(h, n+"attn.qkv", ".k", width, 2*width)
		v := b.linear(h, n+"attn.qkv", ".v", 2*width, 3*width)
		h = b.attention(q, k, v, mask, n+"attn", heads, width)
		x = b.node("Add", []string{x, b.whole(h, n+"attn.out", width)})
		h = b.layerNorm(x, n+"ln_2", eps)
		h = b.activation(b.whole(h, n+"mlp.fc1", mlp), act, n+"mlp")
		x = b.node("Add", []string{x, b.whole(h, n+"mlp.fc2", width)})
	}
	return x
}
