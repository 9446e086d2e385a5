package decode

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"

	"github.com/clipside/clipside/preprocess"
)

// jpegHeader is what stands before the first scan and which image/jpeg does not report.
type jpegHeader struct {
	orientation int  // 1 to 8
	components  int  // 0 where no frame header was seen
	halved      bool // the first component is sampled 2×2, as CMYK files' luma is
	adobe       int  // offset of the Adobe segment's transform byte, 0 where there is none
}

// readJPEGHeader reads segments up to the first scan. It stops at the first that does not parse: whether the file is
// broken is the decoder's judgement.
func readJPEGHeader(data []byte) jpegHeader {
	h := jpegHeader{orientation: 1}
	exif := false
	for at := 2; ; {
		for at < len(data) && data[at] != 0xff {
			at++
		}
		for at < len(data) && data[at] == 0xff {
			at++
		}
		if at+3 > len(data) {
			return h
		}
		marker := data[at]
		at++
		const sof0, dht, rst0, eoi, sos, app1, app14 = 0xc0, 0xc4, 0xd0, 0xd9, 0xda, 0xe1, 0xee
		if marker == 0 || rst0 <= marker && marker < rst0+8 {
			continue // no segment
		}
		n := int(binary.BigEndian.Uint16(data[at:]))
		if marker == sos || marker == eoi || n < 2 || n > len(data)-at {
			return h
		}
		body := data[at+2 : at+n]
		switch {
		case marker >= sof0 && marker < sof0+3 && len(body) >= 8:
			h.components, h.halved = int(body[5]), body[7] == 0x22
		case marker == app1 && !exif && bytes.HasPrefix(body, []byte("Exif\x00")) && len(body) > 6:
			exif = true
			h.orientation = orientation(body[6:])
		case marker == app14 && len(body) >= 12 && string(body[:5]) == "Adobe":
			h.adobe = at + 2 + 11
		}
		at += n
	}
}

func jpegOrientation(data []byte) int { return readJPEGHeader(data).orientation }

func jpegPixels(data []byte) (*preprocess.Image, error) {
	if h := readJPEGHeader(data); h.components == 4 {
		return jpegCMYK(data, h)
	}
	m, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if m, ok := m.(*image.YCbCr); ok {
		return jpegYCbCr(m)
	}
	return opaque(m)
}

// plane is a component as stored: width × height samples, in a buffer that may be wider.
type plane struct {
	pix                   []byte
	stride, width, height int
}

func (p *plane) row(y int) []byte { return p.pix[y*p.stride:][:p.width] }

// jpegYCbCr interpolates chroma and converts, where image.YCbCr itself would repeat chroma samples.
func jpegYCbCr(m *image.YCbCr) (*preprocess.Image, error) {
	var rx, ry int // luma samples to a chroma sample
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio444:
		rx, ry = 1, 1
	case image.YCbCrSubsampleRatio422:
		rx, ry = 2, 1
	case image.YCbCrSubsampleRatio420:
		rx, ry = 2, 2
	case image.YCbCrSubsampleRatio440:
		rx, ry = 1, 2
	case image.YCbCrSubsampleRatio411:
		rx, ry = 4, 1
	case image.YCbCrSubsampleRatio410:
		rx, ry = 4, 2
	default:
		return nil, fmt.Errorf("%w: chroma subsampling %v", errPixelType, m.SubsampleRatio)
	}
	out := preprocess.NewImage(m.Rect.Dx(), m.Rect.Dy())
	cw, ch := (out.Width+rx-1)/rx, (out.Height+ry-1)/ry
	cb := plane{m.Cb, m.CStride, cw, ch}
	cr := plane{m.Cr, m.CStride, cw, ch}
	bu, bv := make([]byte, cw*rx), make([]byte, cw*rx)
	for y := range out.Height {
		cb.upsample(bu, y, rx, ry)
		cr.upsample(bv, y, rx, ry)
		luma := m.Y[y*m.YStride:][:out.Width]
		u, v := bu[:len(luma)], bv[:len(luma)]
		dst := out.Pix[y*out.Stride:][:out.Stride]
		for x, l := range luma {
			d := dst[4*x : 4*x+4 : 4*x+4]
			d[0], d[1], d[2] = ycc(l, u[x], v[x])
			d[3] = 255
		}
	}
	return out, nil
}

// ycc is JFIF's YCbCr to RGB with 16 fraction bits: red and blue are rounded half up before luma is added; green
// rounds the sum of both its terms.
func ycc(y, cb, cr byte) (r, g, b byte) {
	const (
		crR, cbG, crG, cbB = 91881, 22554, 46802, 116130 // 1.402, 0.34414, 0.71414, 1.772
		half               = 1 << 15
	)
	l, u, v := int(y), int(cb)-128, int(cr)-128
	return clip8(l + (crR*v+half)>>16), clip8(l + (half-cbG*u-crG*v)>>16), clip8(l + (cbB*u+half)>>16)
}

// upsample fills dst with row y of the plane enlarged rx by ry times. dst takes rx·width samples.
//
// Doubling is libjpeg's "fancy" triangle filter: an output sample is 3/4 of the nearer input and 1/4 of the further,
// in each doubled direction, edges repeated. Halves round down and up by turns, which keeps the mean. Planes up to 2
// samples wide and ratios of 4 are repeated, as libjpeg does.
func (p *plane) upsample(dst []byte, y, rx, ry int) {
	near := p.row(y / ry)
	if rx == 1 && ry == 1 {
		copy(dst, near)
		return
	}
	far := near // the row on the other side of y
	if ry == 2 {
		if f := y/2 + y%2*2 - 1; f >= 0 && f < p.height {
			far = p.row(f)
		}
	}
	switch {
	case rx == 1 && ry == 2:
		bias := 1 + y%2
		for x, s := range near {
			dst[x] = byte((3*int(s) + int(far[x]) + bias) >> 2)
		}
	case rx == 2 && ry == 1 && p.width > 2:
		last := p.width - 1
		for x, s := range near {
			v := 3 * int(s)
			dst[2*x] = byte((v + int(near[max(x-1, 0)]) + 1) >> 2)
			dst[2*x+1] = byte((v + int(near[min(x+1, last)]) + 2) >> 2)
		}
	case rx == 2 && ry == 2 && p.width > 2:
		// Sixteenths: columns first, without rounding between.
		column := func(x int) int { return 3*int(near[x]) + int(far[x]) }
		before, this := column(0), column(0)
		for x := range near {
			after := this
			if x+1 < p.width {
				after = column(x + 1)
			}
			dst[2*x] = byte((3*this + before + 8) >> 4)
			dst[2*x+1] = byte((3*this + after + 7) >> 4)
			before, this = this, after
		}
	default:
		for x := range dst {
			dst[x] = near[x/rx]
		}
	}
}

// jpegCMYK decodes four components, which PIL always takes for Adobe's, stored inverted (255 is no ink).
//
// image/jpeg would convert YCCK with repeated chroma and refuse a file without an Adobe segment. Told in a copy of the
// file that nothing is transformed, it hands over the components themselves, each as 255 less its value and repeated
// to full size; every second sample of those is the stored plane again.
func jpegCMYK(data []byte, h jpegHeader) (*preprocess.Image, error) {
	ycck := false
	if h.adobe != 0 {
		ycck = data[h.adobe] != 0
		data = bytes.Clone(data)
		data[h.adobe] = 0
	} else {
		data = bytes.Join([][]byte{data[:2], []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"), data[2:]}, nil)
	}
	decoded, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	m, ok := decoded.(*image.CMYK)
	if !ok {
		return nil, fmt.Errorf("%w: four components decoded to %T", errPixelType, decoded)
	}

	// The second and third component are halved where the first and the fourth are not.
	r := 1
	if h.halved {
		r = 2
	}
	out := preprocess.NewImage(m.Rect.Dx(), m.Rect.Dy())
	var second, third plane
	for i, p := range []*plane{&second, &third} {
		w, h := (out.Width+r-1)/r, (out.Height+r-1)/r
		*p = plane{make([]byte, w*h), w, w, h}
		for y := range h {
			src, dst := m.Pix[y*r*m.Stride:], p.row(y)
			for x := range dst {
				dst[x] = 255 - src[4*r*x+1+i]
			}
		}
	}
	b2, b3 := make([]byte, second.width*r), make([]byte, second.width*r)
	for y := range out.Height {
		second.upsample(b2, y, r, r)
		third.upsample(b3, y, r, r)
		src, dst := m.Pix[y*m.Stride:], out.Pix[y*out.Stride:]
		for x := range out.Width {
			s, d := src[4*x:4*x+4:4*x+4], dst[4*x:4*x+4:4*x+4]
			// Inks as PIL has them: 255 is full.
			if ycck {
				// YCbCr of the inks' complement, so that the two inversions cancel.
				c, m, y := ycc(255-s[0], b2[x], b3[x])
				cmyk(d, c, m, y, s[3])
			} else {
				cmyk(d, s[0], 255-b2[x], 255-b3[x], s[3])
			}
		}
	}
	return out, nil
}
