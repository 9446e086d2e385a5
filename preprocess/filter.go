package preprocess

import "math"

// CoeffBits is the number of fraction bits of a [Filter]'s coefficients: 32 less 8 for the samples and 2 for the
// overshoot of a filter with negative lobes.
const CoeffBits = 22

// Filter is one pass of a resize, for a run of output columns (or rows). Output i is
//
//	clip((1<<(CoeffBits-1) + Σ_j src[First[i]+j]·Coeffs[i·Stride+j]) >> CoeffBits)   for j in 0..Count[i]−1
//
// in 32-bit signed arithmetic with an arithmetic shift and clip to 0..255, on each channel. The sum never leaves
// int32, whatever the samples: positive weights add up to less than 1.2, rounding adds at most half a unit for each of
// at most MaxSide coefficients, and 255·(1.2·2²² + 2¹⁹) + 2²¹ < 2³¹.
//
// First and First+Count never fall from one output to the next. Coefficients from Count[i] to Stride are zero, so
// that a reader may run to Stride if it clamps the source index.
type Filter struct {
	First  []int32 // first source column that counts
	Count  []int32 // how many count, 1 to Stride
	Coeffs []int32 // len(First)·Stride
	Stride int
}

// support is the half width of the bicubic kernel at scale 1, in source pixels.
const support = 2

// bicubic is Keys' cubic convolution kernel with a = −1/2.
//
// Every product is rounded by an explicit conversion before it is added to: Go may otherwise fuse the two on some
// architectures, and the last bit decides the rounding of a coefficient.
func bicubic(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64((float64(1.5*x)-2.5)*x)*x) + 1
	case x < 2:
		return (float64((float64((x-5)*x)+8)*x) - 4) * -0.5
	}
	return 0
}

// newFilter makes the filter that resizes a line of source pixels to full pixels, for the outputs from offset to
// offset+n−1 only. The arithmetic follows the order of Pillow's Resample.c, so that coefficients are equal to the bit.
func newFilter(source int, full, offset int64, n int) Filter {
	f := Filter{First: make([]int32, n), Count: make([]int32, n)}
	if int64(source) == full {
		// Pillow skips the pass.
		f.Stride, f.Coeffs = 1, make([]int32, n)
		for i := range f.First {
			f.First[i], f.Count[i], f.Coeffs[i] = int32(offset)+int32(i), 1, 1<<CoeffBits
		}
		return f
	}

	scale := float64(source) / float64(full)
	widen := max(scale, 1)
	radius := support * widen
	center := func(i int) float64 { return float64((float64(offset+int64(i)) + 0.5) * scale) }
	for i := range f.First {
		c := center(i)
		first := max(int(c-radius+0.5), 0)
		last := min(int(c+radius+0.5), source)
		f.First[i], f.Count[i] = int32(first), int32(last-first)
		f.Stride = max(f.Stride, last-first)
	}

	f.Coeffs = make([]int32, n*f.Stride)
	weights := make([]float64, f.Stride)
	shrink := 1 / widen
	for i := range f.First {
		c, w := center(i), weights[:f.Count[i]]
		sum := 0.0
		for j := range w {
			w[j] = bicubic(float64((float64(j+int(f.First[i])) - c + 0.5) * shrink))
			sum += w[j]
		}
		out := f.Coeffs[i*f.Stride:]
		for j := range w {
			out[j] = fixed(w[j] / sum)
		}
	}
	return f
}

// fixed is x·2^CoeffBits, rounded half away from zero.
func fixed(x float64) int32 {
	if x < 0 {
		return int32(x*(1<<CoeffBits) - 0.5)
	}
	return int32(x*(1<<CoeffBits) + 0.5)
}

// clip8 ends a sum: it drops the fraction and clips to a byte.
func clip8(sum int32) byte { return byte(min(max(sum>>CoeffBits, 0), 255)) }

// rgb filters one row of RGBA pixels, of which src has those from column edge on, into len(f.First) RGB pixels.
func (f *Filter) rgb(dst, src []byte, edge int) {
	for i, first := range f.First {
		k := f.Coeffs[i*f.Stride:][:f.Count[i]]
		s := src[4*(int(first)-edge):][:4*len(k)]
		r, g, b := int32(1<<(CoeffBits-1)), int32(1<<(CoeffBits-1)), int32(1<<(CoeffBits-1))
		for _, c := range k {
			r += int32(s[0]) * c
			g += int32(s[1]) * c
			b += int32(s[2]) * c
			s = s[4:]
		}
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[1], d[2] = clip8(r), clip8(g), clip8(b)
	}
}
