package simd

import (
	"fmt"
	"math"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
)

// stripBytes is how much of a picture is read at a time: so little that it is still in the processor's own cache when it
// is resized.
const stripBytes = 512 << 10

// piecePixels is how many pixels, each time that a coefficient meets one, make a piece of a command (see pieceTime).
const piecePixels = 25_000

// The horizontal pass makes unitRows rows at a time. Four pixels of them are spread out to fourBytes; where they are not
// opaque, whiteBytes more hold them over white.
const (
	unitRows   = 8
	fourBytes  = 4 * 3 * 2 * unitRows
	whiteBytes = 4 * 4 * unitRows
)

// vectorBytes is what the kernels read at a time, be it beyond the end of what counts.
const vectorBytes = 16

// resizing is the recorded resize of pictures of one size, which are read strip by strip.
type resizing struct {
	*program
	window  preprocess.Window // what is read of a picture
	rows    int               // of a strip; the last has fewer
	count   int               // of strips: each has a command, and after them comes that of the second pass
	buffers [2]uint32         // where strips are put, in turns, RGBA without padding: while others resize one, the next is read
}

// resizable tells recordings apart.
type resizable struct {
	width, height, size int
	alpha               preprocess.Alpha
}

// resize is plan.Run by way of the module. Read puts every strip of the picture into its buffer, in order, and offers its
// command, upon which the strip before is done with. The picture is laid over white as its alpha asks for.
func (d *Device) resize(plan *preprocess.Plan, alpha preprocess.Alpha, read func(p *resizing) error) (rgba []byte, err error) {
	p, giveBack, err := d.resizes.Borrow(resizable{plan.Width, plan.Height, plan.Size, alpha}, func() (*resizing, error) {
		return d.recordResizing(plan, alpha)
	})
	if err != nil {
		return nil, err
	}
	defer giveBack()
	if err := d.held(func() error { return read(p) }); err != nil {
		d.m.run(0, 0) // what was offered still works in the memory that is given back
		return nil, fmt.Errorf("simd: reading the picture: %w", err)
	}
	if err := d.m.run(p.command(p.count), p.command(p.count+1)); err != nil {
		return nil, fmt.Errorf("simd: resize: %w", err)
	}
	return p.read(), nil
}

func (d *Device) recordResizing(plan *preprocess.Plan, alpha preprocess.Alpha) (*resizing, error) {
	w := plan.Window
	row, pitch := 4*w.Width, 4*padded(plan.Size)
	p := &resizing{window: w, rows: min(max(stripBytes/row/unitRows, 1)*unitRows, w.Height)}
	p.count = (w.Height + p.rows - 1) / p.rows
	var err error
	p.program, err = d.record(func(r *recorder) model.Tensor {
		for i := range p.buffers {
			p.buffers[i] = r.fixed(uint64(p.rows*row + vectorBytes))
		}
		emit := func(op opcode, pixels int, args ...argument) {
			r.emit(op, nil, args...)
			r.commands[len(r.commands)-1].most = min(max(pixels/piecePixels, 1), mostPieces)
		}
		h := across(&plan.Horizontal, w.X)
		fours := (w.Width + 3) / 4
		scratchBytes := fours * (fourBytes + whiteBytes)
		scratch := r.fixed(uint64(scratchBytes * d.m.threads()))
		columnsAt, coefficientsAt := r.constant(h.words(r.constant(h.rests...))...), r.constant(h.coefficients...)
		// A row of pixels counts as a row of values: a pixel is as wide as a float32. The second pass reads rows in
		// pairs, so there is one more.
		lines := r.tensor(w.Height+1, plan.Size)
		for i := range p.count {
			y := i * p.rows
			n := min(p.rows, w.Height-y)
			out := r.address(lines)
			out.value += uint32(y * pitch)
			emit(opHorizontal, n*plan.Size*plan.Horizontal.Stride,
				number(p.buffers[i%2]), number(row), number(n), number(columnsAt), number(coefficientsAt), number(plan.Size), out, number(pitch),
				number(h.bits), number(fours), number(scratch), number(scratchBytes), number(alpha))
		}
		taps, coefficients, stride := down(&plan.Vertical, w.Y, pitch)
		tapsAt, coefficientsAt := r.constant(taps...), r.constant(coefficients...)
		out := r.tensor(plan.Size, plan.Size)
		emit(opVertical, plan.Size*plan.Size*plan.Vertical.Stride, r.address(lines), number(tapsAt), number(coefficientsAt), number(plan.Size), r.address(out), number(pitch), number(stride))
		return out
	})
	return p, err
}

// held keeps the memory from growing while a picture is read, which may wait for others: writing would go on into what the
// memory was.
func (d *Device) held(read func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return read()
}

// horizontal is a filter as the kernel of the horizontal pass reads it: coefficients c = c₁₆·2^(CoeffBits−bits) + rest.
type horizontal struct {
	columns      []column
	coefficients []uint32 // c₁₆, two a word
	rests        []uint32 // two a word
	bits         int      // fraction bits of a sum with c₁₆
}

// column is an output.
type column struct {
	first  int // of the fours of pixels that it reads, where it lies in scratch
	fours  int
	start  int // of a sum with c₁₆: what rounds it, less what the rests can lower it by
	higher int // how much higher it can be with the rests
	rests  int // where its rests lie
}

// across counts pixels from edge on, and rests from the first of them on.
func across(f *preprocess.Filter, edge int) *horizontal {
	h := &horizontal{bits: preprocess.CoeffBits}
	most := int32(0)
	for _, c := range f.Coeffs {
		most = max(most, c, -c)
	}
	for rounded(most, preprocess.CoeffBits-h.bits) > math.MaxInt16 {
		h.bits--
	}
	dropped := preprocess.CoeffBits - h.bits
	units := func(sum int) int { return (sum + 1<<dropped - 1) >> dropped } // of a sum with c₁₆, rounded up
	for i, first := range f.First {
		left := int(first) - edge
		c := append(make([]int32, left%4), f.Coeffs[i*f.Stride:][:f.Count[i]]...)
		col := column{first: left / 4 * fourBytes, fours: (len(c) + 3) / 4, rests: 4 * len(h.rests)}
		var above, below int // what the rests come to at most, in pixels of 255
		for len(c) > 0 {
			var four, short, rest [4]int32
			c = c[copy(four[:], c):]
			for j := range four {
				short[j] = rounded(four[j], dropped)
				rest[j] = four[j] - short[j]<<dropped
				above += 255 * max(int(rest[j]), 0)
				below += 255 * max(int(-rest[j]), 0)
			}
			h.coefficients = append(h.coefficients, halfwords(short[0], short[2]), halfwords(short[1], short[3]))
			h.rests = append(h.rests, halfwords(rest[0], rest[2]), halfwords(rest[1], rest[3]))
		}
		col.start = 1<<(h.bits-1) - units(below)
		col.higher = units(below) + units(above)
		h.columns = append(h.columns, col)
	}
	return h
}

// rounded is c without its last bits, to the nearest.
func rounded(c int32, bits int) int32 { return int32((int64(c) + 1<<bits>>1) >> bits) }

// halfwords puts two values of 16 bits into a word.
func halfwords(low, high int32) uint32 { return uint32(uint16(low)) | uint32(uint16(high))<<16 }

// words are the columns as the kernel reads them, where rests lie at an address.
func (h *horizontal) words(rests uint32) []uint32 {
	var v []uint32
	for _, c := range h.columns {
		v = append(v, uint32(c.first), uint32(c.fours), uint32(c.start), uint32(c.higher), rests+uint32(c.rests))
	}
	return v
}

// down is a filter as the kernel of the vertical pass reads it, with rows of pitch bytes counted from edge on. An
// output's coefficients begin at each stride, in bytes.
func down(f *preprocess.Filter, edge, pitch int) (taps, coefficients []uint32, stride int) {
	pairs := (f.Stride + 1) / 2
	for i, first := range f.First {
		c := f.Coeffs[i*f.Stride:][:f.Stride] // zeros at the end included
		taps = append(taps, uint32((int(first)-edge)*pitch), uint32(f.Count[i]+1)/2)
		for j := range pairs {
			var two [2]int32
			copy(two[:], c[2*j:])
			h, l := pair(two[0], two[1])
			coefficients = append(coefficients, h, l)
		}
	}
	return taps, coefficients, 8 * pairs
}

// pair takes two coefficients apart, c = h·2^11 + l with 0 ≤ l < 2^11. All four parts are below 2^15.
func pair(a, b int32) (h, l uint32) {
	const low = 1<<11 - 1
	return halfwords(a>>11, b>>11), halfwords(a&low, b&low)
}
