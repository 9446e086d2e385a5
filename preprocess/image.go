package preprocess

import (
	"encoding/binary"
	"fmt"
)

// Bounds on pictures from untrusted sources.
const (
	MaxSide   = 1 << 20 // width or height, pixels
	MaxPixels = 1 << 28 // width · height: 268 million pixels, 1 GiB as RGBA
	MaxSize   = 4096    // side of the square that a model takes
)

// Image is a decoded picture: 8-bit RGBA, row-major, alpha not premultiplied. Row y starts at Pix[y*Stride].
type Image struct {
	Width, Height int
	Stride        int // bytes from one row to the next, at least 4·Width
	Pix           []byte
}

// NewImage returns a picture of zeros. The dimensions must have passed [CheckSize].
func NewImage(width, height int) *Image {
	return &Image{Width: width, Height: height, Stride: 4 * width, Pix: make([]byte, 4*width*height)}
}

// SizeError is a dimension out of bounds, or a picture whose memory does not match its dimensions.
type SizeError struct {
	What    string // "width", "height", "pixels", "size", "image", "destination"
	Problem string
}

func (e *SizeError) Error() string { return fmt.Sprintf("preprocess: %s %s", e.What, e.Problem) }

// CheckSize reports, as a *SizeError, a picture whose dimensions are not 1 to [MaxSide] or which has more than
// [MaxPixels] pixels.
func CheckSize(width, height int) error {
	if err := checkRange("width", width, MaxSide); err != nil {
		return err
	}
	if err := checkRange("height", height, MaxSide); err != nil {
		return err
	}
	if n := int64(width) * int64(height); n > MaxPixels {
		return &SizeError{"pixels", fmt.Sprintf("are %d (%d×%d), must be at most %d", n, width, height, MaxPixels)}
	}
	return nil
}

func checkRange(what string, v, most int) error {
	if v < 1 || v > most {
		return &SizeError{what, fmt.Sprintf("is %d, must be 1 to %d", v, most)}
	}
	return nil
}

// check reports memory too small for the dimensions.
func (m *Image) check() error {
	if err := CheckSize(m.Width, m.Height); err != nil {
		return err
	}
	if m.Stride < 4*m.Width {
		return &SizeError{"image", fmt.Sprintf("has a stride of %d bytes, a row takes %d", m.Stride, 4*m.Width)}
	}
	if need := int64(m.Stride)*int64(m.Height-1) + 4*int64(m.Width); int64(len(m.Pix)) < need {
		return &SizeError{"image", fmt.Sprintf("has %d bytes, %d×%d with stride %d takes %d", len(m.Pix), m.Width, m.Height, m.Stride, need)}
	}
	return nil
}

// Alpha is what a pixel's fourth byte is to its colours.
type Alpha int

const (
	Opaque        Alpha = iota // nothing: it is not looked at
	Straight                   // they have their full strength
	Premultiplied              // they are multiplied by it already, as browsers keep pictures: round(c·a / 255)
)

// OverWhite lays pixels, 8-bit RGBA with alpha not premultiplied, over a white background, in place: every colour
// becomes round((c·a + 255·(255−a)) / 255), alpha 255.
//
// CLIP's own preprocessing drops alpha, which uncovers whatever colour, mostly black, lies under transparent pixels;
// a picture cut out of its background is meant to be seen on paper.
func OverWhite(pix []byte) {
	// Most pictures have no alpha to speak of: two pixels at a time.
	const opaque = 0xff000000_ff000000
	i := 0
	for i+8 <= len(pix) && binary.LittleEndian.Uint64(pix[i:])&opaque == opaque {
		i += 8
	}
	for ; i+4 <= len(pix); i += 4 {
		p := pix[i : i+4 : i+4]
		a := uint32(p[3])
		if a == 255 {
			continue
		}
		white := 255*(255-a) + 127
		p[0] = byte((uint32(p[0])*a + white) / 255)
		p[1] = byte((uint32(p[1])*a + white) / 255)
		p[2] = byte((uint32(p[2])*a + white) / 255)
		p[3] = 255
	}
}

// PremultipliedOverWhite does the same to pixels whose colours are multiplied by alpha already. What was rounded then
// needs no rounding now, and so the result is that of [OverWhite] on the pixels as they were.
func PremultipliedOverWhite(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		p := pix[i : i+4 : i+4]
		white := 255 - uint32(p[3])
		for c, v := range p[:3] {
			p[c] = byte(min(uint32(v)+white, 255)) // broken files may hold a colour above its alpha
		}
		p[3] = 255
	}
}
