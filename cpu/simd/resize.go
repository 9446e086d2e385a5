package simd

import (
	"fmt"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
)

// stripBytes is how much of a picture is in the module's memory at a time: what was just written there is still in the
// second cache when it is read, and a strip takes long enough that asking for the next does not count.
const stripBytes = 1 << 20

// vectorBytes is what the kernels read at a time, be it beyond the end of what counts.
const vectorBytes = 16

// resize is plan.Run by way of the module. Fill puts the rows [y0, y1) of the picture, of each the columns of
// plan.Window, at an address in the module's memory, RGBA without padding, and is called from top to bottom. It is
// laid over white as its alpha asks for.
func (d *Device) resize(plan *preprocess.Plan, alpha preprocess.Alpha, fill func(at uint32, y0, y1 int) error) (rgba []byte, err error) {
	w := plan.Window
	row := 4 * w.Width
	rows := min(max(stripBytes/row&^3, 4), w.Height)
	var strip uint32
	var ends []int // of each strip's commands
	p, err := d.record(func(r *recorder) model.Tensor {
		strip = r.fixed(uint64(rows*row + vectorBytes))
		taps, coefficients := across(&plan.Horizontal, w.X)
		tapsAt, coefficientsAt := r.constant(taps...), r.constant(coefficients...)
		// A row of pixels counts as a row of values: a pixel is as wide as a float32. The second pass reads rows in
		// pairs, so there is one more.
		lines := r.tensor(w.Height+1, plan.Size)
		pitch := 4 * padded(plan.Size)
		for y := 0; y < w.Height; y += rows {
			n := min(rows, w.Height-y)
			if alpha != preprocess.Opaque {
				r.emit(opOverWhite, nil, number(strip), number((n*row+vectorBytes-1)/vectorBytes), number(alpha))
			}
			out := r.address(lines)
			out.value = uint32(y * pitch)
			r.emit(opHorizontal, nil, number(strip), number(row), number(n), number(tapsAt), number(coefficientsAt), number(plan.Size), out, number(pitch))
			ends = append(ends, len(r.commands))
		}
		taps, coefficients, stride := down(&plan.Vertical, w.Y, pitch)
		tapsAt, coefficientsAt = r.constant(taps...), r.constant(coefficients...)
		out := r.tensor(plan.Size, plan.Size)
		r.emit(opVertical, nil, r.address(lines), number(tapsAt), number(coefficientsAt), number(plan.Size), r.address(out), number(pitch), number(stride))
		return out
	})
	if err != nil {
		return nil, err
	}
	defer p.Release()

	done := 0
	for i, end := range ends {
		y0 := w.Y + i*rows
		y1 := min(y0+rows, w.Y+w.Height)
		if err := d.fill(strip, y0, y1, fill); err != nil {
			return nil, fmt.Errorf("simd: reading rows %d to %d of the picture: %w", y0, y1-1, err)
		}
		if i == len(ends)-1 {
			end++ // the second pass
		}
		if err := d.m.run(p.command(done), p.command(end)); err != nil {
			return nil, fmt.Errorf("simd: resize: %w", err)
		}
		done = end
	}
	return p.read(), nil
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
			h01, l01 := pair(c)
			h23, l23 := pair(c[min(2, len(c)):])
			coefficients = append(coefficients, h01, h23, l01, l23)
			c = c[min(4, len(c)):]
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
			h, l := pair(c[2*j:])
			coefficients = append(coefficients, h, l)
		}
	}
	return taps, coefficients, 8 * pairs
}

// pair takes the first two coefficients apart, c = h·2^11 + l with 0 ≤ l < 2^11, those that are missing being zero. All
// four are below 2^15.
func pair(c []int32) (h, l uint32) {
	for i := range min(len(c), 2) {
		h |= uint32(uint16(c[i]>>11)) << (16 * i)
		l |= uint32(c[i]&(1<<11-1)) << (16 * i)
	}
	return h, l
}
