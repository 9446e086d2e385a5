package simd

import (
	"fmt"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
)

// stripBytes is how much of a picture is in the module's memory at a time: so little that what was just written there is
// still in the last cache when it is read, and so much that asking for the next, and waking threads for it, does not
// count.
const stripBytes = 4 << 20

// piecePixels is how many pixels, each time that a coefficient meets one, make a piece of a command (see pieceTime).
const piecePixels = 25_000

// vectorBytes is what the kernels read at a time, be it beyond the end of what counts.
const vectorBytes = 16

// resizing is the recorded resize of pictures of one size.
type resizing struct {
	*program
	of    resizable
	strip uint32 // where rows are put
	rows  int    // at a time, the last time fewer
	ends  []int  // of each strip's commands; the second pass comes after the last
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
	p, err := d.borrowResizing(plan, alpha)
	if err != nil {
		return nil, err
	}
	defer d.keepResizing(p)
	w, done := plan.Window, 0
	for i, end := range p.ends {
		y0 := w.Y + i*p.rows
		y1 := min(y0+p.rows, w.Y+w.Height)
		if err := d.fill(p.strip, y0, y1, fill); err != nil {
			return nil, fmt.Errorf("simd: reading rows %d to %d of the picture: %w", y0, y1-1, err)
		}
		if i == len(p.ends)-1 {
			end++
		}
		if err := d.m.run(p.command(done), p.command(end)); err != nil {
			return nil, fmt.Errorf("simd: resize: %w", err)
		}
		done = end
	}
	return p.read(), nil
}

// borrowResizing returns the recording that was last used, if it will do, or a new one.
func (d *Device) borrowResizing(plan *preprocess.Plan, alpha preprocess.Alpha) (*resizing, error) {
	d.mu.Lock()
	last := d.resizing
	d.resizing = nil
	d.mu.Unlock()
	of := resizable{plan.Width, plan.Height, plan.Size, alpha}
	if last != nil && last.of == of {
		return last, nil
	}
	if last != nil {
		last.Release()
	}
	return d.recordResizing(plan, of)
}

func (d *Device) keepResizing(p *resizing) {
	d.mu.Lock()
	last := d.resizing
	d.resizing = p
	d.mu.Unlock()
	if last != nil { // another call's, meanwhile
		last.Release()
	}
}

func (d *Device) recordResizing(plan *preprocess.Plan, of resizable) (*resizing, error) {
	w := plan.Window
	row, pitch := 4*w.Width, 4*padded(plan.Size)
	p := &resizing{of: of, rows: min(max(stripBytes/row&^3, 4), w.Height)}
	var err error
	p.program, err = d.record(func(r *recorder) model.Tensor {
		p.strip = r.fixed(uint64(p.rows*row + vectorBytes))
		emit := func(op opcode, pixels int, args ...argument) {
			r.emit(op, nil, args...)
			r.commands[len(r.commands)-1].most = min(max(pixels/piecePixels, 1), mostPieces)
		}
		taps, coefficients := across(&plan.Horizontal, w.X)
		tapsAt, coefficientsAt := r.constant(taps...), r.constant(coefficients...)
		// A row of pixels counts as a row of values: a pixel is as wide as a float32. The second pass reads rows in
		// pairs, so there is one more.
		lines := r.tensor(w.Height+1, plan.Size)
		for y := 0; y < w.Height; y += p.rows {
			n := min(p.rows, w.Height-y)
			if of.alpha != preprocess.Opaque {
				emit(opOverWhite, n*w.Width, number(p.strip), number((n*row+vectorBytes-1)/vectorBytes), number(of.alpha))
			}
			out := r.address(lines)
			out.value = uint32(y * pitch)
			emit(opHorizontal, n*plan.Size*plan.Horizontal.Stride, number(p.strip), number(row), number(n), number(tapsAt), number(coefficientsAt), number(plan.Size), out, number(pitch))
			p.ends = append(p.ends, len(r.commands))
		}
		taps, coefficients, stride := down(&plan.Vertical, w.Y, pitch)
		tapsAt, coefficientsAt = r.constant(taps...), r.constant(coefficients...)
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

// across is a filter as the kernel of the horizontal pass reads it, with columns counted from edge on.
func across(f *preprocess.Filter, edge int) (taps, coefficients []uint32) {
	for i, first := range f.First {
		c := f.Coeffs[i*f.Stride:][:f.Count[i]]
		taps = append(taps, 4*uint32(int(first)-edge), uint32(len(c)+3)/4)
		for len(c) > 0 {
			var four [4]int32
			c = c[copy(four[:], c):]
			h02, l02 := pair(four[0], four[2])
			h13, l13 := pair(four[1], four[3])
			coefficients = append(coefficients, h02, h13, l02, l13)
		}
	}
	return taps, coefficients
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
	return uint32(uint16(a>>11)) | uint32(uint16(b>>11))<<16, uint32(a&low) | uint32(b&low)<<16
}
