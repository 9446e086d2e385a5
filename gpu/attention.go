//go:build js || cgo

package gpu

import (
	"math"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
)

var attention = kernel{"attention", "rrrwu"}

// softwareQueries is how many queries an invocation has on a software adapter.
const softwareQueries = 4

// sharing is how the invocations of an attention's workgroup share the work: so many queries side by side, and so many
// slices of each query's keys.
type sharing struct{ across, slices int }

// Measured on an H200. Software adapters run a workgroup's invocations one after the other.
var (
	manyShare   = sharing{16, 8}
	fewShare    = sharing{8, 16} // where there would be fewer workgroups than fewGroups
	causalShare = sharing{32, 8}
	noShare     = sharing{32, 1}
	sharings    = []sharing{manyShare, fewShare, causalShare, noShare}
)

const fewGroups = 256

// consts are what a kernel knows a sharing by.
func (s sharing) consts() []shaders.Const {
	return []shaders.Const{{Name: "ACROSS", Value: s.across}, {Name: "SLICES", Value: s.slices}, {Name: "SLICED", Value: min(1, s.slices-1)}}
}

// sharing is the one wanted, or what the adapter, or a test, has instead.
func (d *Device) sharing(wanted sharing) sharing {
	switch {
	case d.info.Software:
		return noShare
	case d.onlySharing != nil:
		return *d.onlySharing
	}
	return wanted
}

// Attention implements model.Ops. Heads, and the columns they start at, must be multiples of 4 wide.
func (r *recorder) Attention(q, k, v model.Columns, h model.Heads) model.Tensor {
	model.CheckAttention(q, k, v, h)
	d := h.Width / h.Heads
	recording.CheckHeads("attention", d, q, k, v)
	y := r.tensor(h.B*h.Queries, h.Width)
	each, share := 1, manyShare
	if r.d.info.Software {
		each = min(softwareQueries, h.Queries)
	}
	if ceil(h.Queries, share.across)*h.Heads*h.B < fewGroups {
		share = fewShare
	}
	share = r.d.sharing(share)
	consts := append(share.consts(), shaders.Const{Name: "D4", Value: d / 4}, shaders.Const{Name: "QUERIES", Value: each})
	operands := []operand{r.in(q.Tensor), r.in(k.Tensor), r.in(v.Tensor), r.out(y)}
	query := 4 * float64(h.B) * float64(h.Keys) * float64(d) // FLOP, of all sequences and one head
	r.inParts(h.Heads, h.Queries, share.across*each, query, func(head, heads, first, queries int) {
		uniform := []uint32{
			uint32(h.B), uint32(h.Queries), uint32(h.Keys), uint32(h.Heads),
			uint32(q.From / 4), uint32(k.From / 4), uint32(v.From / 4),
			uint32(padded(q.Cols) / 4), uint32(padded(k.Cols) / 4), uint32(padded(v.Cols) / 4), uint32(padded(h.Width) / 4),
			bits(float32(1 / math.Sqrt(float64(d)))), uint32(first), uint32(head),
		}
		r.dispatch(attention, consts, operands, uniform, r.grid(attention, ceil(queries, share.across*each), heads, h.B))
	})
	return y
}

// inParts has an attention dispatched, or where that would take too long parts of it: some heads each, or of one head some
// queries, in whole steps. A query takes so many FLOP in each head.
func (r *recorder) inParts(heads, queries, step int, flop float64, dispatch func(head, heads, first, queries int)) {
	mostQueries := r.d.split(queries, step, flop)
	mostHeads := r.d.split(heads, 1, flop*float64(mostQueries))
	for head := 0; head < heads; head += mostHeads {
		for first := 0; first < queries; first += mostQueries {
			nh, nq := min(mostHeads, heads-head), min(mostQueries, queries-first)
			dispatch(head, nh, first, nq)
			r.commands[len(r.commands)-1].flop = flop * float64(nq) * float64(nh)
		}
	}
}
