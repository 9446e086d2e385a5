package decode

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/clipside/clipside/preprocess"
)

// opaque converts what the standard decoders return, except for YCbCr, whose conversion depends on the file format.
// Transparency goes over white.
func opaque(m image.Image) (*preprocess.Image, error) {
	b := m.Bounds()
	out := preprocess.NewImage(b.Dx(), b.Dy())
	// convert takes each row of a picture that has n bytes a pixel, its first pixel being at pix[0].
	convert := func(pix []byte, stride, n int, pixel func(dst, src []byte)) {
		for y := range out.Height {
			dst, src := out.Pix[y*out.Stride:][:out.Stride], pix[y*stride:][:n*out.Width]
			for ; len(dst) > 0; dst, src = dst[4:], src[n:] {
				pixel(dst[:4:4], src[:n:n])
			}
		}
	}
	switch m := m.(type) {
	case *image.Gray:
		convert(m.Pix, m.Stride, 1, func(d, s []byte) { d[0], d[1], d[2], d[3] = s[0], s[0], s[0], 255 })
	case *image.Gray16:
		convert(m.Pix, m.Stride, 2, func(d, s []byte) { d[0], d[1], d[2], d[3] = s[0], s[0], s[0], 255 })
	case *image.NRGBA:
		convert(m.Pix, m.Stride, 4, func(d, s []byte) { copy(d, s) })
		preprocess.OverWhite(out.Pix)
	case *image.NRGBA64:
		convert(m.Pix, m.Stride, 8, func(d, s []byte) { d[0], d[1], d[2], d[3] = s[0], s[2], s[4], s[6] })
		preprocess.OverWhite(out.Pix)
	case *image.RGBA:
		convert(m.Pix, m.Stride, 4, func(d, s []byte) { copy(d, s) })
		preprocess.PremultipliedOverWhite(out.Pix)
	case *image.RGBA64:
		convert(m.Pix, m.Stride, 8, func(d, s []byte) { d[0], d[1], d[2], d[3] = s[0], s[2], s[4], s[6] })
		preprocess.PremultipliedOverWhite(out.Pix)
	case *image.CMYK:
		convert(m.Pix, m.Stride, 4, func(d, s []byte) { cmyk(d, s[0], s[1], s[2], s[3]) })
	case *image.Paletted:
		var table [256][4]byte
		for i, c := range m.Palette {
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			table[i] = [4]byte{n.R, n.G, n.B, n.A}
			preprocess.OverWhite(table[i][:])
		}
		convert(m.Pix, m.Stride, 1, func(d, s []byte) { copy(d, table[s[0]][:]) })
	default:
		return nil, fmt.Errorf("%w: pixels of type %T", errPixelType, m)
	}
	return out, nil
}

var errPixelType = errors.New("unexpected pixel layout")

// cmyk is PIL's conversion without a colour profile: (255−k)·(255−ink)/255, the product rounded.
func cmyk(d []byte, c, m, y, k byte) {
	light := 255 - int(k)
	// light − round(light·ink/255) is within 0..light.
	ink := func(v byte) byte { return byte(light - (int(v)*light+127)/255) }
	d[0], d[1], d[2], d[3] = ink(c), ink(m), ink(y), 255
}

func clip8(v int) byte { return byte(min(max(v, 0), 255)) }

// isUnsupported reports a decoder's complaint that a file is well-formed but of a variant that it does not read.
func isUnsupported(err error) bool {
	if _, ok := errors.AsType[jpeg.UnsupportedError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tiff.UnsupportedError](err); ok {
		return true
	}
	if _, ok := errors.AsType[png.UnsupportedError](err); ok {
		return true
	}
	return errors.Is(err, bmp.ErrUnsupported) || errors.Is(err, errPixelType)
}
