//go:build !js

package simd

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clipside/clipside/internal/optest"
	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
	"github.com/x448/float16"
)

// inputs makes operands for a recording.
type inputs struct{ *recorder }

func (r inputs) Tensor(rows, cols int, values []float32) model.Tensor {
	var v []uint32
	for i := range rows {
		for c := range padded(cols) {
			if c < cols {
				v = append(v, bits(values[i*cols+c]))
			} else {
				v = append(v, 0)
			}
		}
	}
	return model.Tensor{Rows: rows, Cols: cols, Data: &slot{at: r.constant(v...)}}
}

func (r inputs) Tokens(t []model.Token, longest int) model.Tokens {
	at := r.fixed(recording.TokenBytes * uint64(len(t)))
	r.d.m.write(at, tokenWords(t))
	return model.Tokens{N: len(t), Longest: longest, Data: at}
}

func (r inputs) Pixels(size int, rgba []byte) model.Pixels {
	at := r.fixed(uint64(len(rgba)))
	r.d.m.write(at, rgba)
	return model.Pixels{B: len(rgba) / (4 * size * size), Size: size, Data: at}
}

func engine(d *Device) optest.Engine {
	return optest.Engine{Device: d, Run: func(build func(optest.Inputs) model.Tensor) ([]float32, error) {
		p, err := d.record(func(r *recorder) model.Tensor { return build(inputs{r}) })
		if err != nil {
			return nil, err
		}
		defer p.Release()
		if _, err := p.run(context.Background()); err != nil {
			return nil, err
		}
		return p.run(context.Background()) // a replay must give what the first run gave
	}}
}

// inBothForms runs a test with matrices of every size kept as float32, and as fp16.
func inBothForms(t *testing.T, test func(t *testing.T, d *Device)) {
	for name, most := range map[string]int{"float32": math.MaxInt, "fp16": 0} {
		t.Run(name, func(t *testing.T) {
			d := testDevice(t)
			d.mostWide = most
			test(t, d)
		})
	}
}

func TestOperationsEqualTheirTwins(t *testing.T) {
	inBothForms(t, func(t *testing.T, d *Device) { optest.Operations(t, engine(d), 10) })
}

// TestFp16IsWidenedExactly multiplies every finite fp16 value by one, in rows alone and in fours.
func TestFp16IsWidenedExactly(t *testing.T) {
	const k, n = 8, 2 * 0x7c00 / 8 // values without a sign: those below infinity
	var f16 []byte
	for i := range 2 * 0x7c00 {
		f16 = binary.LittleEndian.AppendUint16(f16, uint16(i%0x7c00|i/0x7c00<<15))
	}
	inBothForms(t, func(t *testing.T, d *Device) {
		weight, err := d.NewParam("test.weight", n, k)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Fill(weight, 0, f16); err != nil {
			t.Fatal(err)
		}
		for _, rows := range []int{1, k} {
			for first := range k / rows {
				x := make([]float32, rows*k)
				for i := range rows {
					x[i*k+first*rows+i] = 1
				}
				y, err := engine(d).Run(func(in optest.Inputs) model.Tensor {
					return in.MatMul(in.Tensor(rows, k, x), model.Linear{Weight: weight}, model.NoAct, nil)
				})
				if err != nil {
					t.Fatal(err)
				}
				for i, got := range y {
					half := binary.LittleEndian.Uint16(f16[2*(i%n*k+first*rows+i/n):])
					if want := float16.Frombits(half).Float32(); got != want {
						t.Fatalf("%d rows: %#04x became %v, want %v", rows, half, got, want)
					}
				}
			}
		}
	})
}

func TestShapesThatDoNotFitAreRefused(t *testing.T) { optest.Refusals(t, engine(testDevice(t))) }

// An encoder that goes wrong must show it: no activation makes a number of what is none.
func TestActivationsLeaveNaNs(t *testing.T) {
	e := engine(testDevice(t))
	const rows, width = 5, 8 // four rows together and a lone one
	weight, err := e.Device.NewParam("test.weight", width, width)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Device.Fill(weight, 0, make([]byte, 2*weight.Len())); err != nil {
		t.Fatal(err)
	}
	x := make([]float32, rows*width)
	bad := []int{1, rows - 1}
	for _, row := range bad {
		x[row*width+3] = float32(math.NaN())
	}
	for _, act := range []model.Activation{model.NoAct, model.ReLU, model.QuickGELU, model.GELU} {
		y, err := e.Run(func(in optest.Inputs) model.Tensor {
			return in.MatMul(in.Tensor(rows, width, x), model.Linear{Weight: weight}, act, nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range y {
			if got, want := v != v, slices.Contains(bad, i/width); got != want {
				t.Errorf("activation %q makes value %d of row %d %v", act, i%width, i/width, v)
			}
		}
	}
}

// TestRowsDoNotDependOnTheirNumber multiplies the same row alone and beside others: an input's embedding must not depend
// on what it is encoded with, not in the last bit.
func TestRowsDoNotDependOnTheirNumber(t *testing.T) {
	inBothForms(t, rowsDoNotDependOnTheirNumber)
}

func rowsDoNotDependOnTheirNumber(t *testing.T, d *Device) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, cols := range []int{4, 36, 100} {
		const k = 52
		weight, err := d.NewParam("test.weight", cols, k)
		if err != nil {
			t.Fatal(err)
		}
		bias, err := d.NewParam("test.bias", cols)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*model.Param{weight, bias} {
			f16 := make([]byte, 2*p.Len())
			for i := range p.Len() {
				binary.LittleEndian.PutUint16(f16[2*i:], uint16(0x3000+rng.IntN(0x800)+rng.IntN(2)<<15)) // ±1/8 to ±1/2
			}
			if err := d.Fill(p, 0, f16); err != nil {
				t.Fatal(err)
			}
		}
		row, residual := make([]float32, k), make([]float32, cols)
		for i := range row {
			row[i] = rng.Float32() - 0.5
		}
		for i := range residual {
			residual[i] = rng.Float32() - 0.5
		}
		var want []float32
		for rows := 1; rows <= 9; rows++ {
			got, err := engine(d).Run(func(in optest.Inputs) model.Tensor {
				r := in.Tensor(rows, cols, slices.Repeat(residual, rows))
				return in.MatMul(in.Tensor(rows, k, slices.Repeat(row, rows)), model.Linear{Weight: weight, Bias: bias}, model.GELU, &r)
			})
			if err != nil {
				t.Fatal(err)
			}
			if rows == 1 {
				want = got
			}
			if !slices.Equal(got, slices.Repeat(want, rows)) {
				t.Errorf("%d columns: a row among %d is not what it is alone", cols, rows)
			}
		}
	}
}

// TestTokensDoNotDependOnOtherTexts holds causal attention to the same.
func TestTokensDoNotDependOnOtherTexts(t *testing.T) {
	d := testDevice(t)
	rng := rand.New(rand.NewPCG(3, 4))
	const heads, width, context = 2, 24, 20
	c := model.Config{EmbedDim: 4, Text: model.TextConfig{Vocab: 10, Context: context, Width: width, Layers: 1, Heads: heads, MLP: 4}}
	tower := model.NewTextTower(&c, func(name string, shape ...int) *model.Param { return model.NewParam(name, shape...) })
	var texts [][]uint32
	for range 12 {
		text := []uint32{8}
		for range rng.IntN(context - 2) {
			text = append(text, uint32(rng.IntN(2)))
		}
		texts = append(texts, append(text, 9))
	}
	slices.SortFunc(texts, slices.Compare)
	attend := func(tree *model.PrefixTree, qkv []float32) []float32 {
		got, err := engine(d).Run(func(in optest.Inputs) model.Tensor {
			x := in.Tensor(len(tree.Tokens), 3*width, qkv)
			return in.CausalAttention(x.Columns(0), x.Columns(width), x.Columns(2*width), in.Tokens(tree.Tokens, tree.Longest), heads, width)
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	together, err := tower.Tree(texts, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(slices.Concat(texts...)); len(together.Tokens) >= n {
		t.Fatalf("%d tokens in %d rows share nothing", n, len(together.Tokens))
	}
	qkv := make([]float32, len(together.Tokens)*3*width)
	for i := range qkv {
		qkv[i] = rng.Float32() - 0.5
	}
	beside := attend(together, qkv)
	for i, text := range texts {
		alone, err := tower.Tree([][]uint32{text}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		rows := make([]uint32, len(text)) // of the text's tokens among all
		for at, row := len(text)-1, together.Ends[i]; at >= 0; at, row = at-1, together.Tokens[row].Previous {
			rows[at] = row
		}
		var own, want []float32
		for _, row := range rows {
			own = append(own, qkv[row*3*width:(row+1)*3*width]...)
			want = append(want, beside[row*width:(row+1)*width]...)
		}
		if !slices.Equal(attend(alone, own), want) {
			t.Errorf("text %v is another beside others than alone", text)
		}
	}
}
