// Package optest holds an engine's operations against package cpu's, over random shapes.
//
// How to add an operation: write its kernels (shaders/NAME.wgsl and gpu/NAME.go, cpu/simd/kernels.wat) and its twin
// (cpu/NAME.go), guard its shapes in model/shapes.go, and add a case to cases below: it draws random shapes (odd ones,
// ones, non-multiples of every tile) and runs the same call on both engines. The tolerance is the operation's own.
package optest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/model"
	"github.com/x448/float16"
)

// Inputs makes operands on an engine, inside of a run.
type Inputs interface {
	model.Ops
	Tensor(rows, cols int, values []float32) model.Tensor
	Tokens(tokens []model.Token, longest int) model.Tokens
	Pixels(size int, rgba []byte) model.Pixels
}

// Engine is what is tested: a device, and a way to run single operations on it.
type Engine struct {
	Device model.Device
	// Run runs what build says, twice if replays could differ, and returns the result's values.
	Run func(build func(in Inputs) model.Tensor) ([]float32, error)
}

// reference is package cpu.
var reference = cpu.New()

// onReference is package cpu's Inputs.
type onReference struct{ model.Ops }

func (onReference) Tensor(rows, cols int, v []float32) model.Tensor { return cpu.Tensor(rows, cols, v) }
func (onReference) Tokens(t []model.Token, longest int) model.Tokens {
	return model.Tokens{N: len(t), Longest: longest, Data: t}
}
func (onReference) Pixels(size int, rgba []byte) model.Pixels {
	return model.Pixels{B: len(rgba) / (4 * size * size), Size: size, Data: rgba}
}

// both gives an operation's test the same operands on the two engines.
type both struct {
	rng      *rand.Rand
	engine   Engine
	tensors  []matrix
	params   []twins
	indices  [][]uint32
	trees    []model.PrefixTree
	failures error
}

type matrix struct {
	rows, cols int
	values     []float32
}

// twins are a weight on the reference and on the engine.
type twins struct{ reference, engine *model.Param }

// tensor draws a random matrix and returns its number.
func (b *both) tensor(rows, cols int) int {
	v := make([]float32, rows*cols)
	for i := range v {
		v[i] = float32(b.rng.NormFloat64())
	}
	b.tensors = append(b.tensors, matrix{rows, cols, v})
	return len(b.tensors) - 1
}

// weight draws a random matrix to multiply with, or convolution's kernels.
func (b *both) weight(shape ...int) int { return b.param(".weight", shape) }

// keysAndValues draws the matrix of an attention pool.
func (b *both) keysAndValues(width int) int {
	return b.param(".attnpool.kv.weight", []int{2 * width, width})
}

// table draws a random vector or table of embeddings.
func (b *both) table(shape ...int) int { return b.param("", shape) }

func (b *both) param(suffix string, shape []int) int {
	name := fmt.Sprintf("p%d%s", len(b.params), suffix)
	r, err := reference.NewParam(name, shape...)
	if err != nil {
		b.failures = errors.Join(b.failures, err)
	}
	e, err := b.engine.Device.NewParam(name, shape...)
	if err != nil {
		b.failures = errors.Join(b.failures, err)
		return 0
	}
	row := shape[len(shape)-1]
	scale := 1 / math.Sqrt(float64(row))
	var data []byte
	for i := range r.Len() / row * padded(row) {
		h := float16.Float16(0)
		if i%padded(row) < row {
			h = float16.Fromfloat32(float32(b.rng.NormFloat64() * scale))
		}
		data = binary.LittleEndian.AppendUint16(data, h.Bits())
	}
	// In two pieces, as chunks may cut a tensor anywhere.
	cut := int64(len(data)/16) * 8
	for _, err := range []error{
		reference.Fill(r, 0, data[:cut]), reference.Fill(r, cut, data[cut:]),
		b.engine.Device.Fill(e, 0, data[:cut]), b.engine.Device.Fill(e, cut, data[cut:]),
	} {
		b.failures = errors.Join(b.failures, err)
	}
	b.params = append(b.params, twins{r, e})
	return len(b.params) - 1
}

// index draws n random numbers below limit.
func (b *both) index(n, limit int) int {
	v := make([]uint32, n)
	for i := range v {
		v[i] = uint32(b.rng.IntN(limit))
	}
	b.indices = append(b.indices, v)
	return len(b.indices) - 1
}

// tree draws n tokens of texts of at most context: each comes after the one above it, mostly, or after another, or is a
// text's first.
func (b *both) tree(n, vocab, context int) int {
	var tree model.PrefixTree
	for i := range n {
		t := model.Token{ID: uint32(b.rng.IntN(vocab)), Previous: uint32(max(i-1, 0))}
		switch b.rng.IntN(6) {
		case 0:
			t.Previous = uint32(i)
		case 1:
			t.Previous = uint32(b.rng.IntN(i + 1))
		}
		if int(t.Previous) != i {
			if t.Position = tree.Tokens[t.Previous].Position + 1; int(t.Position) == context {
				t.Position, t.Previous = 0, uint32(i)
			}
		}
		tree.Tokens = append(tree.Tokens, t)
		tree.Longest = max(tree.Longest, int(t.Position)+1)
	}
	b.trees = append(b.trees, tree)
	return len(b.trees) - 1
}

// operands hands an engine's form of what was drawn to a case, by number.
type operands struct {
	Inputs
	b         *both
	reference bool
}

func (o operands) t(i int) model.Tensor {
	m := o.b.tensors[i]
	return o.Tensor(m.rows, m.cols, m.values)
}

func (o operands) p(i int) *model.Param {
	if o.reference {
		return o.b.params[i].reference
	}
	return o.b.params[i].engine
}

func (o operands) tokens(i int) model.Tokens {
	return o.Tokens(o.b.trees[i].Tokens, o.b.trees[i].Longest)
}

func (o operands) i(i int) model.Indices { return o.Index(o.b.indices[i]) }

func (b *both) onReference(run func(operands) model.Tensor) ([]float32, error) {
	return cpu.Run(context.Background(), func(o model.Ops) model.Tensor { return run(operands{onReference{o}, b, true}) })
}

func (b *both) onEngine(run func(operands) model.Tensor) ([]float32, error) {
	return b.engine.Run(func(in Inputs) model.Tensor { return run(operands{in, b, false}) })
}

// sizes are what random dimensions are drawn from: one, odd, even, around the tiles of 8, 32 and 64.
var sizes = []int{1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 17, 24, 31, 32, 33, 48, 50, 63, 65, 77}

func (b *both) size() int { return sizes[b.rng.IntN(len(sizes))] }

type opCase struct {
	name      string
	tolerance float64 // on |Δ|/(1 + |want|)
	draw      func(b *both) (what string, run func(o operands) model.Tensor)
}

var cases = []opCase{
	{"matmul", 2e-5, func(b *both) (string, func(operands) model.Tensor) {
		m, n, k := b.size(), b.size(), 2*b.size()
		act := []model.Activation{model.NoAct, model.ReLU, model.QuickGELU, model.GELU}[b.rng.IntN(4)]
		x, w, bias, residual := b.tensor(m, k), b.weight(n, k), b.table(n), b.tensor(m, n)
		withBias, withResidual := b.rng.IntN(2) == 0, b.rng.IntN(2) == 0
		return fmt.Sprintf("m %d n %d k %d act %q bias %t residual %t", m, n, k, act, withBias, withResidual), func(o operands) model.Tensor {
			l := model.Linear{Weight: o.p(w)}
			if withBias {
				l.Bias = o.p(bias)
			}
			var add *model.Tensor
			if withResidual {
				r := o.t(residual)
				add = &r
			}
			return o.MatMul(o.t(x), l, act, add)
		}
	}},
	{"layer norm", 2e-5, layerNorm(0)},
	{"layer norm far from zero", 1e-3, layerNorm(1000)},
	{"layer norm between products", 5e-5, func(b *both) (string, func(operands) model.Tensor) {
		m, k, n, wide := b.size(), 2*b.size(), 3*b.size(), b.size()
		x, w1, residual, gain, bias, w2, added := b.tensor(m, k), b.weight(n, k), b.tensor(m, n), b.table(n), b.table(n), b.weight(wide, n), b.tensor(m, wide)
		return fmt.Sprintf("m %d k %d n %d then %d", m, k, n, wide), func(o operands) model.Tensor {
			r := o.t(residual)
			y := o.MatMul(o.t(x), model.Linear{Weight: o.p(w1)}, model.NoAct, &r)
			z := o.LayerNorm(y, model.Norm{Gain: o.p(gain), Bias: o.p(bias), Eps: 1e-5})
			r = o.t(added)
			return o.MatMul(z, model.Linear{Weight: o.p(w2)}, model.QuickGELU, &r)
		}
	}},
	{"attention", 2e-5, func(b *both) (string, func(operands) model.Tensor) {
		h := model.Heads{B: 1 + b.rng.IntN(3), Keys: b.size(), Heads: 1 + b.rng.IntN(4)}
		h.Width = h.Heads * 4 * (1 + b.rng.IntN(20))
		h.Queries = h.Keys
		if b.rng.IntN(2) == 0 {
			h.Queries = 1
			q, kv := b.tensor(h.B, h.Width), b.tensor(h.B*h.Keys, 2*h.Width)
			return fmt.Sprintf("one query %+v", h), func(o operands) model.Tensor {
				kv := o.t(kv)
				return o.Attention(o.t(q).Columns(0), kv.Columns(0), kv.Columns(h.Width), h)
			}
		}
		qkv := b.tensor(h.B*h.Keys, 3*h.Width)
		return fmt.Sprintf("%+v", h), func(o operands) model.Tensor {
			qkv := o.t(qkv)
			return o.Attention(qkv.Columns(0), qkv.Columns(h.Width), qkv.Columns(2*h.Width), h)
		}
	}},
	{"attention pool", 2e-5, func(b *both) (string, func(operands) model.Tensor) {
		heads, batch, n := 1+b.rng.IntN(4), b.size(), 1+b.rng.IntN(60)
		width := heads * 8 * (1 + b.rng.IntN(9))
		q, x, weight, bias := b.tensor(batch, width), b.tensor(batch*n, width), b.keysAndValues(width), b.table(2*width)
		return fmt.Sprintf("%d×%d tokens, %d heads, width %d", batch, n, heads, width), func(o operands) model.Tensor {
			return o.AttentionPool(o.t(q), o.t(x), model.Linear{Weight: o.p(weight), Bias: o.p(bias)}, heads)
		}
	}},
	{"causal attention", 2e-5, func(b *both) (string, func(operands) model.Tensor) {
		heads, rows := 1+b.rng.IntN(4), b.size()
		width := heads * 4 * (1 + b.rng.IntN(20))
		tokens, qkv := b.tree(rows, 1, rows), b.tensor(rows, 3*width)
		return fmt.Sprintf("%d heads, width %d, tokens %v", heads, width, b.trees[tokens].Tokens), func(o operands) model.Tensor {
			qkv := o.t(qkv)
			return o.CausalAttention(qkv.Columns(0), qkv.Columns(width), qkv.Columns(2*width), o.tokens(tokens), heads, width)
		}
	}},
	{"conv", 2e-5, func(b *both) (string, func(operands) model.Tensor) {
		k := []int{1, 3, 5}[b.rng.IntN(3)]
		side, batch, in, out := k+b.rng.IntN(14), 1+b.rng.IntN(3), 1+b.rng.IntN(17), 1+b.rng.IntN(40)
		c := model.Conv{Stride: 1 + b.rng.IntN(2), Pad: b.rng.IntN(k)}
		x, w, bias := b.tensor(batch*side*side, in), b.weight(out, k, k, in), b.table(out)
		return fmt.Sprintf("batch %d side %d in %d out %d k %d %+v", batch, side, in, out, k, c), func(o operands) model.Tensor {
			c := c
			c.Weight, c.Bias = o.p(w), o.p(bias)
			return o.Conv(o.t(x), side, c, model.ReLU)
		}
	}},
	{"average pool", 1e-6, func(b *both) (string, func(operands) model.Tensor) {
		side, batch, in, k := 4+b.rng.IntN(14), 1+b.rng.IntN(3), b.size(), 2+b.rng.IntN(2)
		x := b.tensor(batch*side*side, in)
		return fmt.Sprintf("batch %d side %d in %d k %d", batch, side, in, k), func(o operands) model.Tensor {
			return o.AvgPool(o.t(x), side, k)
		}
	}},
	{"patches", 1e-6, func(b *both) (string, func(operands) model.Tensor) {
		side := 1 + b.rng.IntN(8)
		size, batch := side*(1+b.rng.IntN(5))+b.rng.IntN(side), 1+b.rng.IntN(3)
		rgba := make([]byte, 4*batch*size*size)
		for i := range rgba {
			rgba[i] = byte(b.rng.IntN(256))
		}
		norm := model.Preprocess{Mean: model.DefaultMean, Std: model.DefaultStd}
		return fmt.Sprintf("batch %d size %d side %d", batch, size, side), func(o operands) model.Tensor {
			return o.Patches(o.Pixels(size, rgba), side, norm)
		}
	}},
	{"embed tokens", 1e-6, func(b *both) (string, func(operands) model.Tensor) {
		n, context, vocab, width := b.size(), b.size(), b.size(), b.size()
		tokens, table, position := b.tree(n, vocab, context), b.table(vocab, width), b.table(context, width)
		return fmt.Sprintf("%d tokens, context %d vocab %d width %d", n, context, vocab, width), func(o operands) model.Tensor {
			return o.EmbedTokens(o.tokens(tokens), o.p(table), o.p(position))
		}
	}},
	{"class token", 1e-6, func(b *both) (string, func(operands) model.Tensor) {
		n, batch, width := b.size(), 1+b.rng.IntN(4), b.size()
		x, class, position := b.tensor(n*batch, width), b.table(width), b.table(n+1, width)
		return fmt.Sprintf("batch %d n %d width %d", batch, n, width), func(o operands) model.Tensor {
			return o.ClassToken(o.t(x), n, o.p(class), o.p(position))
		}
	}},
	{"mean token", 2e-6, func(b *both) (string, func(operands) model.Tensor) {
		n, batch, width := b.size(), 1+b.rng.IntN(4), b.size()
		x, position := b.tensor(n*batch, width), b.table(n+1, width)
		return fmt.Sprintf("batch %d n %d width %d", batch, n, width), func(o operands) model.Tensor {
			return o.MeanToken(o.t(x), n, o.p(position))
		}
	}},
	{"rows", 0, func(b *both) (string, func(operands) model.Tensor) {
		m, n, k := b.size(), b.size(), b.size()
		x, rows := b.tensor(m, n), b.index(k, m)
		return fmt.Sprintf("%d of [%d, %d]", k, m, n), func(o operands) model.Tensor {
			return o.Rows(o.t(x), o.i(rows))
		}
	}},
	{"normalize", 2e-6, func(b *both) (string, func(operands) model.Tensor) {
		m, n := b.size(), b.size()
		x := b.tensor(m, n)
		return fmt.Sprintf("%d rows of %d", m, n), func(o operands) model.Tensor {
			return o.Normalize(o.t(x))
		}
	}},
}

// layerNorm draws rows that are so far from zero.
func layerNorm(mean float32) func(*both) (string, func(operands) model.Tensor) {
	return func(b *both) (string, func(operands) model.Tensor) {
		m, n := b.size(), 1+3*b.size()
		x, gain, bias := b.tensor(m, n), b.table(n), b.table(n)
		for i := range b.tensors[x].values {
			b.tensors[x].values[i] += mean
		}
		return fmt.Sprintf("%d rows of %d", m, n), func(o operands) model.Tensor {
			return o.LayerNorm(o.t(x), model.Norm{Gain: o.p(gain), Bias: o.p(bias), Eps: 1e-5})
		}
	}
}

// Operations runs every operation on the engine and on the reference, on so many random shapes each.
func Operations(t *testing.T, engine Engine, shapes int) {
	for _, c := range cases {
		Operation(t, engine, c.name, shapes)
	}
}

// Operation does so with one of them, on so many shapes.
func Operation(t *testing.T, engine Engine, name string, shapes int) {
	for _, c := range cases {
		if c.name != name {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(len(c.name))))
			for range shapes {
				b := &both{rng: rng, engine: engine}
				what, run := c.draw(b)
				want, err := b.onReference(run)
				if err = errors.Join(err, b.failures); err != nil {
					t.Fatalf("%s: reference: %v", what, err)
				}
				got, err := b.onEngine(run)
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if err := near(got, want, c.tolerance); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
		})
	}
}

func near(got, want []float32, tolerance float64) error {
	if len(got) != len(want) || len(want) == 0 {
		return fmt.Errorf("%d values, want %d", len(got), len(want))
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]-w)) / (1 + math.Abs(float64(w))); !(d <= tolerance) {
			return fmt.Errorf("value %d of %d is %v, want %v (off by %.2g, tolerance %.2g)", i, len(want), got[i], w, d, tolerance)
		}
	}
	return nil
}

// Refusals asks both engines for operations on shapes that do not fit.
func Refusals(t *testing.T, engine Engine) {
	b := &both{rng: rand.New(rand.NewPCG(2, 2)), engine: engine}
	x, w, wide := b.tensor(3, 8), b.weight(5, 9), b.tensor(3, 6)
	if b.failures != nil {
		t.Fatal(b.failures)
	}
	for name, run := range map[string]func(o operands) model.Tensor{
		"matmul":     func(o operands) model.Tensor { return o.MatMul(o.t(x), model.Linear{Weight: o.p(w)}, "", nil) },
		"layer norm": func(o operands) model.Tensor { return o.LayerNorm(o.t(x), model.Norm{Gain: o.p(w), Bias: o.p(w)}) },
		"attention": func(o operands) model.Tensor {
			c := o.t(wide).Columns(0)
			return o.Attention(c, c, c, model.Heads{B: 1, Queries: 3, Keys: 3, Heads: 4, Width: 6})
		},
		"causal attention": func(o operands) model.Tensor {
			c := o.t(wide).Columns(0)
			return o.CausalAttention(c, c, c, o.Tokens([]model.Token{{}, {Position: 1}}, 2), 1, 4)
		},
		"attention pool": func(o operands) model.Tensor {
			return o.AttentionPool(o.t(x), o.t(x), model.Linear{Weight: o.p(w), Bias: o.p(w)}, 2)
		},
		"average pool": func(o operands) model.Tensor { return o.AvgPool(o.t(x), 2, 2) },
	} {
		for engine, on := range map[string]func(func(operands) model.Tensor) ([]float32, error){"reference": b.onReference, "engine": b.onEngine} {
			var shape *model.ShapeError
			if _, err := on(run); !errors.As(err, &shape) || shape.Op != name {
				t.Errorf("%s on the %s: error %v, want a shape error of it", name, engine, err)
			}
		}
	}
}

// padded is a row's length as weights arrive: n rounded up to a multiple of 4.
func padded(n int) int { return (n + 3) &^ 3 }
