package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/webp"

	"github.com/clipside/clipside/preprocess"
)

var errFrame = errors.New("the first frame does not lie on the canvas")

// chunks calls yield for every RIFF chunk of body, a body cut short included; yield returns false to stop.
func chunks(body []byte, yield func(id string, body []byte) bool) {
	for len(body) >= 8 {
		id, n := string(body[:4]), uint64(binary.LittleEndian.Uint32(body[4:]))
		body = body[8:]
		if n > uint64(len(body)) {
			yield(id, body)
			return
		}
		if !yield(id, body[:n]) {
			return
		}
		body = body[min(n+n%2, uint64(len(body))):]
	}
}

func webpOrientation(data []byte) int {
	o := 1
	chunks(data[12:], func(id string, body []byte) bool {
		if id != "EXIF" {
			return true
		}
		o = orientation(bytes.TrimPrefix(body, []byte("Exif\x00\x00")))
		return false
	})
	return o
}

var webpDimensions = dimensions(webp.DecodeConfig)

func webpPixels(data []byte) (*preprocess.Image, error) {
	var frame []byte // of an animation, the first
	chunks(data[12:], func(id string, body []byte) bool {
		if id == "ANMF" {
			frame = body
		}
		return frame == nil
	})
	if frame != nil {
		return webpFrame(data, frame)
	}
	m, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	switch m := m.(type) {
	case *image.YCbCr:
		return webpYCbCr(m), nil
	case *image.NYCbCrA:
		out := webpYCbCr(&m.YCbCr)
		for y := range out.Height {
			dst, src := out.Pix[y*out.Stride:], m.A[y*m.AStride:]
			for x := range out.Width {
				dst[4*x+3] = src[x]
			}
		}
		preprocess.OverWhite(out.Pix)
		return out, nil
	}
	return opaque(m)
}

// webpFrame decodes a frame of an animation, an ANMF chunk, as the still picture that it would be, and puts it on the
// canvas.
func webpFrame(data, anmf []byte) (*preprocess.Image, error) {
	const header = 16 // x/2, y/2, width−1, height−1 and duration of 24 bits each, flags of 8
	if len(anmf) < header {
		return nil, io.ErrUnexpectedEOF
	}
	u24 := func(i int) int { return int(anmf[i]) | int(anmf[i+1])<<8 | int(anmf[i+2])<<16 }
	at := image.Pt(2*u24(0), 2*u24(3))
	frame := image.Rectangle{at, at.Add(image.Pt(u24(6)+1, u24(9)+1))}
	w, h, err := webpDimensions(data)
	if err != nil {
		return nil, err
	}
	if !frame.In(image.Rect(0, 0, w, h)) {
		return nil, fmt.Errorf("%w: %v on %d×%d", errFrame, frame, w, h)
	}

	var flags byte
	var still []byte
	chunks(anmf[header:], func(id string, body []byte) bool {
		if id == "ANMF" {
			return true
		}
		if id == "ALPH" {
			flags = 1 << 4
		}
		still = appendChunk(still, id, body)
		return true
	})
	extended := append([]byte{flags, 0, 0, 0}, anmf[6:12]...)
	riff := append([]byte("WEBP"), append(appendChunk(nil, "VP8X", extended), still...)...)
	m, err := webpPixels(appendChunk(nil, "RIFF", riff))
	if err != nil {
		return nil, err
	}
	return place(m, at, w, h), nil
}

func appendChunk(dst []byte, id string, body []byte) []byte {
	dst = append(dst, id...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(body)))
	dst = append(dst, body...)
	if len(body)%2 == 1 {
		dst = append(dst, 0)
	}
	return dst
}

// webpYCbCr converts as libwebp does. Unlike JPEG's, these samples have video range (black 16, white 235), which
// image.YCbCr does not know.
func webpYCbCr(m *image.YCbCr) *preprocess.Image {
	out := preprocess.NewImage(m.Rect.Dx(), m.Rect.Dy())
	cw, ch := (out.Width+1)/2, (out.Height+1)/2
	cb := plane{m.Cb, m.CStride, cw, ch}
	cr := plane{m.Cr, m.CStride, cw, ch}
	bu, bv := make([]byte, 2*cw), make([]byte, 2*cw)
	for y := range out.Height {
		cb.upsampleWebP(bu, y)
		cr.upsampleWebP(bv, y)
		luma, dst := m.Y[y*m.YStride:][:out.Width], out.Pix[y*out.Stride:][:out.Stride]
		for x, l := range luma {
			d := dst[4*x : 4*x+4 : 4*x+4]
			d[0], d[1], d[2] = videoYCC(l, bu[x], bv[x])
			d[3] = 255
		}
	}
	return out
}

// videoYCC is BT.601 with video range: coefficients with 14 fraction bits of which each product drops 8, and 6 remain.
func videoYCC(y, u, v byte) (r, g, b byte) {
	part := func(s byte, c int) int { return int(s) * c >> 8 }
	l := part(y, 19077)
	return clip8((l + part(v, 26149) - 14234) >> 6),
		clip8((l - part(u, 6419) - part(v, 13320) + 8708) >> 6),
		clip8((l + part(u, 33050) - 17685) >> 6)
}

// upsampleWebP fills dst with row y of the plane doubled both ways, with libwebp's own rounding of the weights
// 9 : 3 : 3 : 1. dst takes 2·width samples.
func (p *plane) upsampleWebP(dst []byte, y int) {
	near := p.row(y / 2)
	far := near
	if f := y/2 + y%2*2 - 1; f >= 0 && f < p.height {
		far = p.row(f)
	}
	edge := func(x int) byte { return byte((3*int(near[x]) + int(far[x]) + 2) >> 2) }
	last := p.width - 1
	dst[0], dst[2*last+1] = edge(0), edge(last)
	for x := range last {
		// Left and right, near and far row.
		ln, rn, lf, rf := int(near[x]), int(near[x+1]), int(far[x]), int(far[x+1])
		all := ln + rn + lf + rf + 8
		dst[2*x+1] = byte(((all+2*(rn+lf))>>3 + ln) >> 1)
		dst[2*x+2] = byte(((all+2*(ln+rf))>>3 + rn) >> 1)
	}
}
