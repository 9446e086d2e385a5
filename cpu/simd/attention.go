package simd

import (
	"math"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
)

// Attention implements model.Ops. Heads, and the columns they start at, must be multiples of 4 wide.
func (r *recorder) Attention(q, k, v model.Columns, h model.Heads) model.Tensor {
	model.CheckAttention(q, k, v, h)
	recording.CheckHeads("attention", h.Width/h.Heads, q, k, v)
	y := r.tensor(h.B*h.Queries, h.Width)
	r.attend(opAttention, q, k, v, y, h.Heads, h.Queries, h.Keys, scale(h.Width/h.Heads), number(h.B), number(h.Queries), number(h.Keys))
	return y
}

// scale is what scores of heads of width d are multiplied by.
func scale(d int) float32 { return float32(1 / math.Sqrt(float64(d))) }

// attend emits an attention of heads, whose units have so many queries and keys at most.
func (r *recorder) attend(op opcode, q, k, v model.Columns, y model.Tensor, heads, queries, keys int, scale float32, rest ...argument) {
	d := y.Cols / heads
	columns := func(c model.Columns) argument {
		a := r.address(c.Tensor)
		a.value += uint32(4 * c.From)
		return a
	}
	pitch := func(cols int) argument { return number(4 * padded(cols)) }
	keys4, keys8, d8, queries4 := padded(keys), (keys+7)&^7, (d+7)&^7, padded(queries)
	scratch := (4*(keys4+keys8*d+d8*keys4+queries4*keys8+queries4) + alignment - 1) &^ (alignment - 1)
	args := []argument{
		columns(q), pitch(q.Cols), columns(k), pitch(k.Cols), columns(v), pitch(v.Cols), r.address(y), pitch(y.Cols),
		number(heads), number(d), number(bits(scale)),
		r.scratch(scratch), number(scratch),
	}
	r.emit(op, nil, append(args, rest...)...)
}
