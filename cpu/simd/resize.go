package simd

import (
	"fmt"
	"math"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
)

// stripBytes is how much of a picture is read at a time: so little that it is still in the last cache when it is resized,
// and so much that asking for it, which takes a tenth of a millisecond, does not count.
const stripBytes = 4 << 20

// piecePixels is how many pixels, each time that a coefficient meets one, make a piece of a command (see pieceTime).
const piecePixels = 25_000

// fourBytes is how many bytes the horizontal pass spreads four pixels of four rows out to.
const fourBytes = 128

// vectorBytes is what the kernels read at a time, be it beyond the end of what counts.
const vectorBytes = 16

// resizing is the recorded resize of pictures of one size.
type resizing struct {
	*program
	strips [2]uint32 // where rows are put, in turns: while others resize one strip, the next is read
	rows   int       // of a strip; the last has fewer
	count  int       // of strips: each has a command, and after them comes that of the second pass
}

// resizable tells recordings apart.
type resizable struct {
	width, height, size int
	alpha               preprocess.Alpha
}

// resize is plan.Run by way of the module. Fill puts the rows [y0, y1) of the picture, of each the columns of
// plan.Window, at an address in the module's memory, RGBA without padding, and is called from top to bottom. The picture
// is laid over white as its alpha asks for.
func (d *Device) resize(plan *preprocess.Plan, alpha preprocess.Alpha, fill func(at uint32, y0, y1 int) error) (rgba []byte, err error) {
	p, giveBack, err := d.resizes.Borrow(resizable{plan.Width, plan.Height, plan.Size, alpha}, func() (*resizing, error) {
		return d.recordResizing(plan, alpha)
	})
	if err != nil {
		return nil, err
	}
	defer giveBack()
	w := plan.Window
	for i := range p.count {
		y0 := w.Y + i*p.rows
		y1 := min(y0+p.rows, w.Y+w.Height)
		if err := d.fill(p.strips[i%2], y0, y1, fill); err != nil {
			d.m.run(0, 0) // what was offered still works in the memory that is given back
			return nil, fmt.Errorf("simd: reading rows %d to %d of the picture: %w", y0, y1-1, err)
		}
		if err := d.m.offer(p.command(i)); err != nil {
			return nil, fmt.Errorf("simd: resize: %w", err)
		}
	}
	if err := d.m.run(p.command(p.count), p.command(p.count+1)); err != nil {
		return nil, fmt.Errorf("simd: resize: %w", err)
	}
	return p.read(), nil
}

func (d *Device) recordResizing(plan *preprocess.Plan, alpha preprocess.Alpha) (*resizing, error) {
	w := plan.Window
	row, pitch := 4*w.Width, 4*padded(plan.Size)
	p := &resizing{rows: min(max(stripBytes/row&^3, 4), w.Height)}
	p.count = (w.Height + p.rows - 1) / p.rows
	var err error
	p.program, err = d.record(func(r *recorder) model.Tensor {
		for i := range p.strips {
			p.strips[i] = r.fixed(uint64(p.rows*row + vectorBytes))
		}
		emit := func(op opcode, pixels int, args ...argument) {
			r.emit(op, nil, args...)
			r.commands[len(r.commands)-1].most = min(max(pixels/piecePixels, 1), mostPieces)
		}
		h := across(&plan.Horizontal, w.X)
		fours := (w.Width + 3) / 4
		scratchBytes := fours * fourBytes
		scratch := r.fixed(uint64(scratchBytes * d.m.threads()))
		columnsAt, coefficientsAt := r.constant(h.words(r.constant(h.rests...))...), r.constant(h.coefficients...)
		// A row of pixels counts as a row of values: a pixel is as wide as a float32. The second pass reads rows in
		// pairs, so there is one more.
		lines := r.tensor(w.Height+1, plan.Size)
		for i := range p.count {
			y := i * p.rows
			n := min(p.rows, w.Height-y)
			out := r.address(lines)
			out.value = uint32(y * pitch)
			emit(opHorizontal, n*plan.Size*plan.Horizontal.Stride,
				number(p.strips[i%2]), number(row), number(n), number(columnsAt), number(coefficientsAt), number(plan.Size), out, number(pitch),
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

// fill keeps the memory from growing while a strip is being written, which may wait for others: writing would go on
// into what the memory was.
func (d *Device) fill(at uint32, y0, y1 int, fill func(at uint32, y0, y1 int) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fill(at, y0, y1)
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
