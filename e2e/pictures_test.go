package e2e

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// makePictures makes a folder of odd pictures: every EXIF orientation, palette, grey, 16 bits, transparency, colour profiles,
// animated, very thin, and larger than a texture may be.
func makePictures(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	encodePNG := func(img image.Image) []byte {
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}

	// A JPEG of a smooth picture that no turn or mirror leaves as it is, with each orientation.
	var b bytes.Buffer
	if err := jpeg.Encode(&b, smooth(120, 80), &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	for o := byte(1); o <= 8; o++ {
		write("orientation-"+string('0'+rune(o))+".jpg", withOrientation(b.Bytes(), o))
	}

	img := smooth(90, 70)
	grey, grey16, deep, clear := image.NewGray(img.Rect), image.NewGray16(img.Rect), image.NewNRGBA64(img.Rect), image.NewNRGBA(img.Rect)
	colours := make(color.Palette, 0, 216)
	for i := range 216 {
		colours = append(colours, color.NRGBA{uint8(i / 36 * 51), uint8(i / 6 % 6 * 51), uint8(i % 6 * 51), 255})
	}
	palette := image.NewPaletted(img.Rect, colours)
	for y := range 70 {
		for x := range 90 {
			c := img.NRGBAAt(x, y)
			grey.Set(x, y, c)
			grey16.Set(x, y, c)
			deep.Set(x, y, c)
			palette.Set(x, y, c)
			c.A = uint8(x * 255 / 89)
			clear.SetNRGBA(x, y, c)
		}
	}
	write("grey.png", encodePNG(grey))
	write("grey16.png", encodePNG(grey16))
	write("deep.png", encodePNG(deep))
	write("palette.png", encodePNG(palette))
	write("translucent.png", encodePNG(clear))
	write("1x300.png", encodePNG(smooth(1, 300)))
	write("300x1.png", encodePNG(smooth(300, 1)))
	write("tiny.png", encodePNG(smooth(1, 1)))
	write("wide.png", encodePNG(smooth(9000, 40))) // wider than SwiftShader's largest texture

	// With a colour profile, by which nobody is to convert.
	icc := profileOf(t, photo("rocket.jpg"))
	write("profile.jpg", withSegment(b.Bytes(), 0xe2, append([]byte("ICC_PROFILE\x00\x01\x01"), icc...)))
	write("profile.png", withPNGProfile(encodePNG(img), icc))
	lossy := filepath.Join(root, "preprocess/decode/testdata/lossy")
	write("profile-of.webp", withWebPProfile(read(t, lossy+".webp"), icc))
	write("profile-of.pil.png", read(t, lossy+".pil.png"))

	var g bytes.Buffer
	second := image.NewPaletted(img.Rect, colours)
	if err := gif.EncodeAll(&g, &gif.GIF{Image: []*image.Paletted{palette, second}, Delay: []int{10, 10}}); err != nil {
		t.Fatal(err)
	}
	write("animated.gif", g.Bytes())
	return dir
}

// smooth is a picture of slow waves, different in every corner.
func smooth(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			img.SetNRGBA(x, y, color.NRGBA{
				uint8(255 * u), uint8(127 + 120*math.Sin(5*u+9*v)), uint8(255 * v * (1 - u)), 255,
			})
		}
	}
	return img
}

// withOrientation inserts an EXIF segment that says how the picture is to be turned.
func withOrientation(jpg []byte, orientation byte) []byte {
	var s bytes.Buffer
	s.WriteString("Exif\x00\x00MM\x00*")
	for _, v := range []any{uint32(8), uint16(1), uint16(0x0112), uint16(3), uint32(1), uint16(orientation), uint16(0), uint32(0)} {
		if err := binary.Write(&s, binary.BigEndian, v); err != nil {
			panic(err) // a bytes.Buffer takes everything
		}
	}
	return withSegment(jpg, 0xe1, s.Bytes())
}

// withSegment inserts a segment at the beginning of a JPEG.
func withSegment(jpg []byte, marker byte, data []byte) []byte {
	n := len(data) + 2
	return slices.Concat(jpg[:2], []byte{0xff, marker, byte(n >> 8), byte(n)}, data, jpg[2:])
}

// profileOf is the colour profile in a JPEG.
func profileOf(t testing.TB, file string) []byte {
	t.Helper()
	const tag = "ICC_PROFILE\x00\x01\x01"
	jpg := read(t, file)
	at := bytes.Index(jpg, []byte(tag))
	if at < 0 {
		t.Fatalf("%s has no profile", file)
	}
	end := at - 2 + int(binary.BigEndian.Uint16(jpg[at-2:]))
	return jpg[at+len(tag) : end]
}

// withPNGProfile inserts chunk iCCP after IHDR.
func withPNGProfile(file, icc []byte) []byte {
	var data bytes.Buffer
	data.WriteString("iCCPprofile\x00\x00")
	z := zlib.NewWriter(&data)
	z.Write(icc) // a bytes.Buffer takes everything
	z.Close()
	const header = 8 + 12 + 13
	chunk := binary.BigEndian.AppendUint32(nil, uint32(data.Len()-4))
	chunk = append(chunk, data.Bytes()...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(data.Bytes()))
	return slices.Concat(file[:header], chunk, file[header:])
}

// withWebPProfile makes a simple WebP an extended one with chunk ICCP.
func withWebPProfile(file, icc []byte) []byte {
	le := binary.LittleEndian
	w, h := le.Uint16(file[26:])&0x3fff, le.Uint16(file[28:])&0x3fff // VP8's frame header
	extended := slices.Concat([]byte("WEBPVP8X\x0a\x00\x00\x00\x20\x00\x00\x00"), le.AppendUint32(nil, uint32(w-1))[:3], le.AppendUint32(nil, uint32(h-1))[:3],
		[]byte("ICCP"), le.AppendUint32(nil, uint32(len(icc))), icc, make([]byte, len(icc)%2), file[12:])
	return slices.Concat([]byte("RIFF"), le.AppendUint32(nil, uint32(len(extended))), extended)
}
