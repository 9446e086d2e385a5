//go:build js || cgo

package gpu

import (
	"fmt"
	"slices"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
)

// The kernels of products have the same bindings: x, w, bias, residual, gain, shift, moments, out.
const productBinds = "rrrrrrwwu"

var (
	matmul         = kernel{"matmul", productBinds}
	matmulRow      = kernel{"matmul_row", productBinds}
	matmulRegister = kernel{"matmul_register", productBinds}
)

// A product is a matrix product or a convolution. Which kernel makes it is decided when the recording is complete: by
// then it is known which layer norms go into it.
type product struct {
	x, y, residual *slot // residual may be nil
	m, n, k        int   // y is [m, n]; k is the length of a row of weights, padding included
	weight, bias   *model.Param
	act            model.Activation
	conv           *window  // nil for a matrix product
	norm           *norming // of x; nil to take x as it is
	moments        *moments // of y, to be left for others; nil if nobody asks
}

// window is how a convolution moves over the maps of x.
type window struct{ side, outSide, in4, taps, stride, pad int }

// shape is what is measured of a product.
func (p *product) shape() shape { return shape{p.m, p.n, p.k, p.conv != nil} }

// norming is a layer norm that the product applies to what it reads.
type norming struct {
	model.Norm
	cols    int
	moments *moments
}

// moments are what is known of the rows of a product's result: for each block of columns their mean and the sum of
// their squared deviations from it. Products by rows neither leave nor read them: a tensor that one makes or reads has so
// few rows that all others do, too.
type moments struct {
	slot  *slot
	block int // columns; known once the product has its kernel
}

// MatMul implements model.Ops.
func (r *recorder) MatMul(x model.Tensor, l model.Linear, act model.Activation, residual *model.Tensor) model.Tensor {
	model.CheckMatMul(x, l, residual)
	n := l.Weight.Shape[0]
	y := r.tensor(x.Rows, n)
	p := &product{x: x.Data.(*slot), y: y.Data.(*slot), m: x.Rows, n: n, k: padded(x.Cols), weight: l.Weight, bias: l.Bias, act: act}
	if residual != nil {
		p.residual = residual.Data.(*slot)
	}
	r.commands = append(r.commands, &command{product: p})
	return y
}

// A tile is how a workgroup of matmul.wgsl shares a product out: its tx × ty invocations make rm × rn of the result each,
// in steps of 4·step of K, which are dealt out to split slices of as many invocations. A tile of step 0 stands for another
// kernel.
type tile struct{ tx, ty, rm, rn, step, split int }

var (
	rowTile      = tile{rn: 1}        // matmul_row.wgsl
	subgroupTile = tile{rn: 2}        // the same with subgroups
	registerTile = tile{rm: 1, rn: 1} // matmul_register.wgsl, which knows no layer norms
)

// rows and cols are of the result, by a workgroup.
func (t tile) rows() int { return t.ty * t.rm }
func (t tile) cols() int { return t.tx * t.rn }

// String names a tile for a user to read.
func (t tile) String() string {
	switch t {
	case rowTile:
		return "rows"
	case subgroupTile:
		return "rows/subgroups"
	case registerTile:
		return "registers"
	}
	return fmt.Sprintf("%d×%d×%d÷%d", t.rows(), t.cols(), 4*t.step, t.split)
}

// largeRate is what only GPUs of a hundred cores and more reach with one picture's products, FLOP a second.
const largeRate = 4e12

const (
	rowTileRows  = 4 // products of more rows are not made by rows
	rowTileCols  = 8 // of one row, by a workgroup
	registerRows = 8 // of the result that an invocation of matmul_register.wgsl makes at most
	registerCols = 8
)

// sharedBytes is the workgroup memory that the kernel takes at most, as matmul.wgsl declares it.
func (t tile) sharedBytes() int {
	scratch := t.rows() * t.tx
	if t.split > 1 {
		scratch = t.rows() * t.cols()
	}
	return 16*t.split*(t.rows()+t.cols())*(t.step+1) + 8*(t.rows()+1) + 4*(scratch+1)
}

// What may be chosen from: for a few rows; for many, from those that make the most of few blocks to those that read
// least; and for convolutions besides, which have no part in layer norms.
var (
	rowTiles = []tile{rowTile, subgroupTile}
	tiles    = []tile{
		{8, 8, 1, 2, 8, 4}, {8, 8, 2, 2, 8, 4}, {8, 8, 2, 2, 8, 2}, {8, 8, 4, 4, 8, 2},
		{8, 8, 4, 4, 8, 1}, {16, 8, 8, 4, 4, 1}, {16, 16, 8, 4, 4, 1},
	}
	allTiles = slices.Concat(rowTiles, tiles, []tile{registerTile})
)

// choices are the tiles that a product may be made with on this adapter.
func (d *Device) choices(s shape) (fitting []tile) {
	from := tiles
	if s.m <= rowTileRows && !s.conv {
		from = rowTiles
	}
	for _, t := range from {
		if d.fits(t) && !slices.Contains(d.refused, t) {
			fitting = append(fitting, t)
		}
	}
	if s.conv && !slices.Contains(d.refused, registerTile) {
		fitting = append(fitting, registerTile)
	}
	return fitting
}

// tile is the one that was measured to be the fastest, or what is likely to be. Software adapters have no other.
func (d *Device) tile(p *product) tile {
	if d.info.Software {
		return registerTile
	}
	if d.only != nil {
		return *d.only
	}
	if t, ok := d.tuned[p.shape()]; ok {
		return t.tile
	}
	return d.guess(p.shape())
}

// guess chooses by the number of workgroups: as large as leaves a GPU enough of them to fill it.
func (d *Device) guess(s shape) tile {
	enough := 192 // for GPUs of a few dozen cores
	if d.rate > largeRate {
		enough = 384
	}
	fitting := d.choices(s)
	for i := len(fitting) - 1; i >= 0; i-- {
		t := fitting[i]
		if t.step > 0 && ceil(s.m, t.rows())*ceil(s.n, t.cols())*t.split >= enough {
			return t
		}
	}
	return fitting[0]
}

// fits reports whether the adapter has what the tile needs: subgroups, or room for workgroups of this size.
func (d *Device) fits(t tile) bool {
	if t == subgroupTile {
		return slices.Contains(d.info.Features, subgroups)
	}
	return t.tx*t.ty*t.split <= int(d.limits.MaxComputeInvocationsPerWorkgroup) && t.sharedBytes() <= int(d.limits.MaxComputeWorkgroupStorageSize)
}

// lower turns a product into a dispatch, or where that would take too long into several, of some rows each.
func (r *recorder) lower(c *command) []*command {
	p := c.product
	flag := func(name string, on bool) shaders.Const {
		if on {
			return shaders.Const{Name: name, Value: 1}
		}
		return shaders.Const{Name: name}
	}
	// What is not there is bound to something that is, and not touched.
	bias, residual, gain, shift := param(p.weight), operand{slot: p.x}, param(p.weight), param(p.weight)
	spare := operand{slot: r.spare()}
	uniform := [14]uint32{0, uint32(p.m), uint32(p.n), uint32(p.k / 4), uint32(padded(p.n))}
	if p.bias != nil {
		bias = param(p.bias)
	}
	if p.residual != nil {
		residual = operand{slot: p.residual}
	}
	if n := p.norm; n != nil {
		gain, shift = param(n.Gain), param(n.Bias)
		uniform[5], uniform[6], uniform[7] = uint32(n.cols), uint32(n.moments.block), bits(n.Eps)
	}
	if w := p.conv; w != nil {
		for i, v := range []int{w.side, w.outSide, w.in4, w.taps, w.stride, w.pad} {
			uniform[8+i] = uint32(v)
		}
	}
	t := r.d.tile(p)
	c.kernel = matmul
	c.consts = []shaders.Const{{Name: "ACT", Value: recording.Activation(p.act)}}
	withBias, withResidual := flag("BIAS", p.bias != nil), flag("RESIDUAL", p.residual != nil)
	var height int                 // rows of a tile
	var grid func(m int) [3]uint32 // for so many rows
	switch t {
	case registerTile:
		height = min(registerRows, p.m)
		c.kernel = matmulRegister
		c.consts = append(c.consts, flag("CONV", p.conv != nil), shaders.Const{Name: "ROWS", Value: height})
		uniform[6], uniform[7] = uint32(withBias.Value), uint32(withResidual.Value)
		grid = func(m int) [3]uint32 { return r.flat(ceil(m, height)*ceil(p.n, registerCols), 32) }
	case rowTile, subgroupTile:
		height = 1
		c.kernel = matmulRow
		c.consts = append(c.consts, withBias, withResidual, flag("NORM", p.norm != nil), flag("SUBGROUPS", t == subgroupTile))
		grid = func(m int) [3]uint32 { return r.grid(matmulRow, ceil(p.n, rowTileCols), m, 1) }
	default:
		if n := p.norm; n != nil {
			spare = operand{slot: n.moments.slot}
		}
		if m := p.moments; m != nil {
			m.block = t.cols()
			m.slot.size = uint64(8 * p.m * ceil(p.n, m.block))
			spare = operand{slot: m.slot}
		}
		height = t.rows()
		c.consts = append(c.consts, withBias, withResidual, flag("NORM", p.norm != nil), flag("MOMENTS", p.moments != nil), flag("CONV", p.conv != nil), flag("SLICED", t.split > 1))
		c.consts = append(c.consts, []shaders.Const{
			{Name: "TX", Value: t.tx}, {Name: "TY", Value: t.ty}, {Name: "RM", Value: t.rm}, {Name: "RN", Value: t.rn},
			{Name: "STEP", Value: t.step}, {Name: "SPLIT", Value: t.split},
			{Name: "XL", Value: t.rm * t.step / t.tx}, {Name: "WL", Value: t.rn * t.step / t.ty},
		}...)
		grid = func(m int) [3]uint32 { return r.grid(matmul, ceil(p.n, t.cols()), ceil(m, height), 1) }
	}
	c.operands = []operand{{slot: p.x}, param(p.weight), bias, residual, gain, shift, spare, {slot: p.y}}

	row := 2 * float64(p.n) * float64(p.k) // FLOP
	rows := r.d.split(p.m, height, row)
	var parts []*command
	for first := 0; first < p.m; first += rows {
		part := *c
		end := min(first+rows, p.m)
		uniform[0], uniform[1] = uint32(first), uint32(end)
		part.uniform = slices.Clone(uniform[:])
		part.grid, part.flop = grid(end-first), row*float64(end-first)
		parts = append(parts, &part)
		c.work = c.work.Rest()
	}
	return parts
}
