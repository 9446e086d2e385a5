// Package preprocess makes the square 8-bit picture that CLIP's image encoder takes, byte for byte as PIL and
// torchvision do: the short side resized to the model's size with PIL's antialiased bicubic filter, then the centre
// square cropped. Pure integer arithmetic on pixels; the float64 arithmetic that makes the coefficients is ordered as
// Pillow orders it. Normalisation, (x/255 − mean)/std, belongs to the encoder.
//
// The package imports no image codec, so that a browser build, where the browser decodes, stays small; package
// preprocess/decode has them.
package preprocess

import "fmt"

// Plan is the resize and crop of pictures of one size. It is read-only and may be shared.
//
// A GPU does the same in two passes over the source's Window: Horizontal on each row of the window into an 8-bit
// picture of Size × Window.Height, then Vertical on that picture. First of both filters counts in source pixels;
// subtract Window.X or Window.Y where the window is what was uploaded.
type Plan struct {
	Width, Height int // source, pixels
	Size          int // side of the square, pixels

	Horizontal, Vertical Filter // one entry an output column, row: Size of them
	Window               Window // what the filters read
}

// Window is a rectangle of source pixels.
type Window struct{ X, Y, Width, Height int }

// NewPlan plans the way from pictures of width × height to a square of size. It takes memory in proportion to
// width + height + size, however thin the picture. The error is a *SizeError.
func NewPlan(width, height, size int) (*Plan, error) {
	if err := CheckSize(width, height); err != nil {
		return nil, err
	}
	if err := checkRange("size", size, MaxSize); err != nil {
		return nil, err
	}
	p := &Plan{Width: width, Height: height, Size: size}
	short := min(width, height)
	p.Horizontal = cropped(width, short, size)
	p.Vertical = cropped(height, short, size)
	p.Window.X, p.Window.Width = p.Horizontal.reads()
	p.Window.Y, p.Window.Height = p.Vertical.reads()
	return p, nil
}

// cropped is the filter of one side: resized in the ratio size : short with the fraction dropped, then cropped to
// size in the middle, an odd remainder split as Python's round does, half to even.
func cropped(side, short, size int) Filter {
	full := int64(size) * int64(side) / int64(short)
	half := (full - int64(size)) / 2
	if (full-int64(size))%2 == 1 {
		half += half & 1
	}
	return newFilter(side, full, half, size)
}

// reads is the run of source pixels that the filter reads. Monotonic First and First+Count put it between the first
// output and the last.
func (f *Filter) reads() (first, n int) {
	last := len(f.First) - 1
	first = int(f.First[0])
	return first, int(f.First[last]+f.Count[last]) - first
}

// Run returns src resized and cropped: RGBA, Size × Size, no padding. The alpha of src is ignored (see [OverWhite]);
// that of the result is 255. The error, a *SizeError, is a src that is not the plan's size.
func (p *Plan) Run(src *Image) ([]byte, error) {
	if err := src.check(); err != nil {
		return nil, err
	}
	if src.Width != p.Width || src.Height != p.Height {
		return nil, &SizeError{"image", fmt.Sprintf("is %d×%d, the plan is for %d×%d", src.Width, src.Height, p.Width, p.Height)}
	}
	dst := make([]byte, 4*p.Size*p.Size)
	err := p.RunRows(dst, func(y int) ([]byte, error) { return src.Pix[y*src.Stride+4*p.Window.X:], nil })
	return dst, err
}

// RunRows is Run for a picture that need not be in memory at once. It calls row for y from Window.Y to
// Window.Y+Window.Height−1, each once, in rising order; row returns the RGBA of at least the Window.Width pixels from
// Window.X on, which are not read after the next call. An error of row ends the run and is returned wrapped. dst takes
// 4·Size·Size bytes.
func (p *Plan) RunRows(dst []byte, row func(y int) ([]byte, error)) error {
	if len(dst) < 4*p.Size*p.Size {
		return &SizeError{"destination", fmt.Sprintf("has %d bytes, %d×%d RGBA takes %d", len(dst), p.Size, p.Size, 4*p.Size*p.Size)}
	}
	v := &p.Vertical
	width := 3 * p.Size
	// The last v.Stride rows after the horizontal pass; row y is at y mod v.Stride. An output row is made as soon
	// as the last row that it reads is there, when the first is still there, Count being at most Stride.
	ring := make([]byte, v.Stride*width)
	sum := make([]int32, width)
	done := 0
	for y := p.Window.Y; y < p.Window.Y+p.Window.Height; y++ {
		src, err := row(y)
		if err != nil {
			return fmt.Errorf("preprocess: reading row %d of the picture: %w", y, err)
		}
		if len(src) < 4*p.Window.Width {
			return &SizeError{"image", fmt.Sprintf("has %d bytes in row %d, must be %d", len(src), y, 4*p.Window.Width)}
		}
		p.Horizontal.rgb(ring[y%v.Stride*width:][:width], src, p.Window.X)

		for ; done < p.Size && int(v.First[done]+v.Count[done]) == y+1; done++ {
			for i := range sum {
				sum[i] = 1 << (CoeffBits - 1)
			}
			for j, c := range v.Coeffs[done*v.Stride:][:v.Count[done]] {
				line := ring[(int(v.First[done])+j)%v.Stride*width:][:len(sum)]
				for i, s := range line {
					sum[i] += int32(s) * c
				}
			}
			out := dst[4*p.Size*done:][:4*p.Size]
			for i, s := 0, sum; i < len(out); i, s = i+4, s[3:] {
				out[i], out[i+1], out[i+2], out[i+3] = clip8(s[0]), clip8(s[1]), clip8(s[2]), 255
			}
		}
	}
	return nil
}

// Square is the picture that an encoder of the given size takes: [NewPlan], then [Plan.Run].
func Square(img *Image, size int) ([]byte, error) {
	p, err := NewPlan(img.Width, img.Height, size)
	if err != nil {
		return nil, err
	}
	return p.Run(img)
}
