package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/clipside/clipside/preprocess"
)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// encoded is a picture as a file, by the given encoder.
func encoded(t testing.TB, m image.Image, encode func(*bytes.Buffer, image.Image) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(b *bytes.Buffer, m image.Image) error  { return png.Encode(b, m) }
func asBMP(b *bytes.Buffer, m image.Image) error  { return bmp.Encode(b, m) }
func asTIFF(b *bytes.Buffer, m image.Image) error { return tiff.Encode(b, m, nil) }
func asGIF(b *bytes.Buffer, m image.Image) error  { return gif.Encode(b, m, nil) }
func asJPEG(b *bytes.Buffer, m image.Image) error {
	return jpeg.Encode(b, m, &jpeg.Options{Quality: 100})
}

// rgb returns the colours of a picture, whose alpha has to be 255 throughout.
func rgb(t testing.TB, m *preprocess.Image) [][3]byte {
	t.Helper()
	if m.Stride != 4*m.Width || len(m.Pix) != m.Stride*m.Height {
		t.Fatalf("%d×%d with stride %d in %d bytes", m.Width, m.Height, m.Stride, len(m.Pix))
	}
	out := make([][3]byte, m.Width*m.Height)
	for i := range out {
		out[i] = [3]byte(m.Pix[4*i:])
		if a := m.Pix[4*i+3]; a != 255 {
			t.Fatalf("pixel %d has alpha %d", i, a)
		}
	}
	return out
}

func wantPixels(t *testing.T, data []byte, width, height int, want [][3]byte) {
	t.Helper()
	m, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	got := rgb(t, m)
	if m.Width != width || m.Height != height {
		t.Fatalf("%d×%d, want %d×%d", m.Width, m.Height, width, height)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("pixel (%d, %d) is %v, want %v", i%width, i/width, got[i], want[i])
		}
	}
}

// Chroma interpolation, colour conversion, CMYK and WebP to the byte; see testdata/README.md.
func TestDecodeEqualsPIL(t *testing.T) {
	refs, err := filepath.Glob("testdata/*.pil.png")
	if err != nil || len(refs) < 15 {
		t.Fatalf("%d fixtures (%v)", len(refs), err)
	}
	for _, ref := range refs {
		name := strings.TrimSuffix(filepath.Base(ref), ".pil.png")
		ext := ".jpg"
		if !strings.HasPrefix(name, "blocks-") {
			ext = ".webp"
		}
		t.Run(name+ext, func(t *testing.T) {
			want, err := png.Decode(bytes.NewReader(readFile(t, ref)))
			if err != nil {
				t.Fatal(err)
			}
			b := want.Bounds()
			var colours [][3]byte
			for y := range b.Dy() {
				for x := range b.Dx() {
					c := color.NRGBAModel.Convert(want.At(x, y)).(color.NRGBA)
					colours = append(colours, [3]byte{c.R, c.G, c.B})
				}
			}
			wantPixels(t, readFile(t, "testdata/"+name+ext), b.Dx(), b.Dy(), colours)
		})
	}
}

func TestPixelLayouts(t *testing.T) {
	two := image.Rect(0, 0, 2, 1)
	palette := color.Palette{color.NRGBA{200, 100, 0, 255}, color.NRGBA{200, 100, 0, 0}, color.NRGBA{0, 0, 0, 128}}
	tests := []struct {
		name   string
		m      image.Image
		encode func(*bytes.Buffer, image.Image) error
		want   [][3]byte
	}{
		{"PNG grey", &image.Gray{Pix: []byte{7, 250}, Stride: 2, Rect: two}, asPNG, [][3]byte{{7, 7, 7}, {250, 250, 250}}},
		{"PNG 16-bit grey keeps the high byte", &image.Gray16{Pix: []byte{7, 255, 1, 0}, Stride: 4, Rect: two}, asPNG, [][3]byte{{7, 7, 7}, {1, 1, 1}}},
		{"PNG colour", &image.RGBA{Pix: []byte{1, 2, 3, 255, 4, 5, 6, 255}, Stride: 8, Rect: two}, asPNG, [][3]byte{{1, 2, 3}, {4, 5, 6}}},
		{"PNG alpha over white", &image.NRGBA{Pix: []byte{0, 100, 255, 128, 9, 9, 9, 0}, Stride: 8, Rect: two}, asPNG, [][3]byte{{127, 177, 255}, {255, 255, 255}}},
		{"PNG 16-bit colour keeps the high byte", &image.RGBA64{Pix: []byte{1, 200, 2, 200, 3, 200, 255, 255, 4, 0, 5, 0, 6, 0, 255, 255}, Stride: 16, Rect: two}, asPNG, [][3]byte{{1, 2, 3}, {4, 5, 6}}},
		{"PNG 16-bit alpha over white", &image.NRGBA64{Pix: []byte{0, 9, 100, 9, 255, 9, 128, 9, 9, 9, 9, 9, 9, 9, 0, 9}, Stride: 16, Rect: two}, asPNG, [][3]byte{{127, 177, 255}, {255, 255, 255}}},
		{"PNG palette", &image.Paletted{Pix: []byte{0, 2}, Stride: 2, Rect: two, Palette: palette}, asPNG, [][3]byte{{200, 100, 0}, {127, 127, 127}}},
		{"PNG palette, transparent entry", &image.Paletted{Pix: []byte{1, 0}, Stride: 2, Rect: two, Palette: palette[:2]}, asPNG, [][3]byte{{255, 255, 255}, {200, 100, 0}}},
		{"BMP colour", &image.RGBA{Pix: []byte{1, 2, 3, 255, 4, 5, 6, 255}, Stride: 8, Rect: two}, asBMP, [][3]byte{{1, 2, 3}, {4, 5, 6}}},
		{"BMP grey", &image.Gray{Pix: []byte{7, 250}, Stride: 2, Rect: two}, asBMP, [][3]byte{{7, 7, 7}, {250, 250, 250}}},
		{"TIFF colour", &image.RGBA{Pix: []byte{1, 2, 3, 255, 4, 5, 6, 255}, Stride: 8, Rect: two}, asTIFF, [][3]byte{{1, 2, 3}, {4, 5, 6}}},
		{"TIFF premultiplied alpha over white", &image.RGBA{Pix: []byte{0, 50, 128, 128, 0, 0, 0, 0}, Stride: 8, Rect: two}, asTIFF, [][3]byte{{127, 177, 255}, {255, 255, 255}}},
		{"TIFF 16-bit premultiplied alpha over white", &image.RGBA64{Pix: []byte{0, 9, 50, 9, 128, 9, 128, 9, 0, 0, 0, 0, 0, 0, 0, 0}, Stride: 16, Rect: two}, asTIFF, [][3]byte{{127, 177, 255}, {255, 255, 255}}},
		{"TIFF 16-bit grey", &image.Gray16{Pix: []byte{7, 255, 1, 0}, Stride: 4, Rect: two}, asTIFF, [][3]byte{{7, 7, 7}, {1, 1, 1}}},
		{"TIFF palette", &image.Paletted{Pix: []byte{0, 1}, Stride: 2, Rect: two, Palette: color.Palette{color.RGBA{1, 2, 3, 255}, color.RGBA{4, 5, 6, 255}}}, asTIFF, [][3]byte{{1, 2, 3}, {4, 5, 6}}},
		{"JPEG grey", &image.Gray{Pix: []byte{90, 90}, Stride: 2, Rect: two}, asJPEG, [][3]byte{{90, 90, 90}, {90, 90, 90}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantPixels(t, encoded(t, tt.m, tt.encode), 2, 1, tt.want) })
	}
}

// pngChunk is a chunk with its checksum.
func pngChunk(id string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, id...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// pngOf is a PNG of the given header fields and compressed rows.
func pngOf(width, height uint32, depth, colour, interlace byte, idat []byte) []byte {
	ihdr := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	ihdr = append(ihdr, depth, colour, 0, 0, interlace)
	return bytes.Join([][]byte{[]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", ihdr), pngChunk("IDAT", idat), pngChunk("IEND", nil)}, nil)
}

func TestInterlacedPNG(t *testing.T) {
	// Adam7 of 3×3 grey pixels 0..8; passes that are empty at this size have no rows.
	rows := []byte{
		0, 0, // 1: (0,0)
		// 2, 3: x ≥ 4, y ≥ 4
		0, 2, // 4: x = 2, y = 0
		0, 6, 8, // 5: y = 2, x = 0, 2
		0, 1, // 6: x = 1 on even rows
		0, 7,
		0, 3, 4, 5, // 7: odd rows
	}
	var want [][3]byte
	for v := range byte(9) {
		want = append(want, [3]byte{v, v, v})
	}
	wantPixels(t, pngOf(3, 3, 8, 0, 1, deflate(t, rows)), 3, 3, want)
}

func TestGreyPNGWithFewBitsFillsTheRange(t *testing.T) {
	// One row of four 2-bit pixels: 0, 1, 2, 3.
	wantPixels(t, pngOf(4, 1, 2, 0, 0, deflate(t, []byte{0, 0b00011011})), 4, 1, [][3]byte{{0, 0, 0}, {85, 85, 85}, {170, 170, 170}, {255, 255, 255}})
}

func TestAnimatedGIFGivesItsFirstFrameOnTheScreen(t *testing.T) {
	palette := color.Palette{color.RGBA{10, 20, 30, 255}, color.RGBA{}, color.RGBA{200, 0, 0, 255}}
	frame := func(r image.Rectangle, pix ...byte) *image.Paletted {
		return &image.Paletted{Pix: pix, Stride: r.Dx(), Rect: r, Palette: palette}
	}
	var b bytes.Buffer
	err := gif.EncodeAll(&b, &gif.GIF{
		Image:  []*image.Paletted{frame(image.Rect(1, 1, 3, 2), 0, 1), frame(image.Rect(0, 0, 3, 2), 2, 2, 2, 2, 2, 2)},
		Delay:  []int{10, 10},
		Config: image.Config{ColorModel: palette, Width: 3, Height: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := [3]byte{255, 255, 255}
	wantPixels(t, b.Bytes(), 3, 2, [][3]byte{w, w, w, w, {10, 20, 30}, w})
}

func TestAnimatedWebPPlacesItsFirstFrame(t *testing.T) {
	still := readFile(t, "testdata/lossy.webp") // 37 × 29
	want, err := Decode(still)
	if err != nil {
		t.Fatal(err)
	}
	frame := func(x, y byte) []byte {
		anmf := []byte{x / 2, 0, 0, y / 2, 0, 0, 36, 0, 0, 28, 0, 0, 100, 0, 0, 0}
		return appendChunk(nil, "ANMF", append(anmf, still[12:]...))
	}
	animation := func(x, y byte) []byte {
		riff := appendChunk([]byte("WEBP"), "VP8X", []byte{2, 0, 0, 0, 49, 0, 0, 39, 0, 0})
		riff = appendChunk(riff, "ANIM", make([]byte, 6))
		return appendChunk(nil, "RIFF", append(append(riff, frame(x, y)...), frame(0, 0)...))
	}
	m, err := Decode(animation(4, 10))
	if err != nil {
		t.Fatal(err)
	}
	if m.Width != 50 || m.Height != 40 {
		t.Fatalf("%d×%d, want the canvas, 50×40", m.Width, m.Height)
	}
	pixels, inner := rgb(t, m), rgb(t, want)
	for y := range 40 {
		for x := range 50 {
			w := [3]byte{255, 255, 255}
			if image.Pt(x, y).In(image.Rect(4, 10, 41, 39)) {
				w = inner[(y-10)*37+x-4]
			}
			if pixels[y*50+x] != w {
				t.Fatalf("pixel (%d, %d) is %v, want %v", x, y, pixels[y*50+x], w)
			}
		}
	}
	if _, err := Decode(animation(4, 12)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a frame beyond the canvas: %v, want %v", err, ErrCorrupt)
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	grey := &image.Gray{Pix: make([]byte, 64*64), Stride: 64, Rect: image.Rect(0, 0, 64, 64)}
	for i := range grey.Pix {
		grey.Pix[i] = byte(i * i >> 3)
	}
	cut := func(encode func(*bytes.Buffer, image.Image) error) []byte {
		data := encoded(t, grey, encode)
		return data[:len(data)*2/3]
	}
	jpg := encoded(t, grey, asJPEG)
	arithmetic := bytes.Clone(jpg)
	arithmetic[bytes.Index(arithmetic, []byte{0xff, 0xc0})+1] = 0xc9
	twelveBits := bytes.Clone(jpg)
	twelveBits[bytes.Index(twelveBits, []byte{0xff, 0xc0})+4] = 12
	badSum := encoded(t, grey, asPNG)
	badSum[len(badSum)-20] ^= 1
	webp := readFile(t, "testdata/lossy.webp")

	tests := []struct {
		name, format string
		data         []byte
		kind         error
		says         string
	}{
		{"truncated photo", "JPEG", readFile(t, "../../testdata/photos/truncated.jpg"), ErrTruncated, "cut short after 400 bytes"},
		{"JPEG without its end", "JPEG", jpg[:len(jpg)-2], ErrTruncated, "re-export"},
		{"PNG cut", "PNG", cut(asPNG), ErrTruncated, "re-export"},
		{"GIF cut", "GIF", cut(asGIF), ErrTruncated, "re-export"},
		{"BMP cut", "BMP", cut(asBMP), ErrTruncated, "re-export"},
		{"TIFF cut", "TIFF", cut(asTIFF), ErrTruncated, "re-export"},
		{"WebP cut", "WebP", webp[:len(webp)*2/3], ErrTruncated, "re-export"},
		{"signature only", "JPEG", []byte("\xff\xd8"), ErrTruncated, "2 bytes"},
		{"PNG with a wrong checksum", "PNG", badSum, ErrCorrupt, "damaged"},
		{"empty", "", nil, ErrTruncated, "empty"},
		{"text", "", []byte("hello"), ErrUnsupported, "JPEG, PNG, GIF, WebP, BMP and TIFF"},
		{"phone photo", "HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), ErrUnsupported, "JPEG, PNG"},
		{"AVIF", "AVIF", []byte("\x00\x00\x00\x18ftypavif\x00\x00\x00\x00"), ErrUnsupported, "JPEG, PNG"},
		{"arithmetic-coded JPEG", "JPEG", arithmetic, ErrUnsupported, "re-export"},
		{"12-bit JPEG", "JPEG", twelveBits, ErrUnsupported, "re-export"},
		{"absurd GIF", "GIF", []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), ErrTooLarge, "scale the picture down"},
		{"long PNG", "PNG", pngOf(1<<20+1, 1, 8, 0, 0, nil), ErrTooLarge, "scale the picture down"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Decode(tt.data)
			e, ok := errors.AsType[*Error](err)
			if !ok || m != nil {
				t.Fatalf("picture %v, error %v; want an *Error alone", m, err)
			}
			if e.Format != tt.format || !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %q (format %q, kind %v), want format %q, kind %v and words %q", err, e.Format, e.Kind, tt.format, tt.kind, tt.says)
			}
		})
	}
}

// A dimension is refused before memory is taken for it: exactly the limit passes, a pixel more does not.
func TestPixelLimit(t *testing.T) {
	data := encoded(t, image.NewGray(image.Rect(0, 0, 8, 8)), asPNG)
	if _, err := decode(data, 64); err != nil {
		t.Error(err)
	}
	if _, err := decode(data, 63); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want %v", err, ErrTooLarge)
	}
}

func TestRead(t *testing.T) {
	data := encoded(t, image.NewGray(image.Rect(0, 0, 8, 8)), asPNG)
	if m, err := Read(iotest.OneByteReader(bytes.NewReader(data))); err != nil || m.Width != 8 {
		t.Errorf("picture %v, error %v", m, err)
	}
	if _, err := read(bytes.NewReader(data), int64(len(data))); err != nil {
		t.Error(err)
	}
	if _, err := read(bytes.NewReader(data), int64(len(data))-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want %v", err, ErrTooLarge)
	}
	lost := errors.New("lost")
	_, err := Read(iotest.ErrReader(lost))
	if _, ok := errors.AsType[*Error](err); ok || !errors.Is(err, lost) {
		t.Errorf("error %v, want the reader's own", err)
	}
}

// A phone's photo: 12 megapixels, chroma halved both ways.
func BenchmarkDecodeJPEG12Megapixels(b *testing.B) {
	m := image.NewYCbCr(image.Rect(0, 0, 4000, 3000), image.YCbCrSubsampleRatio420)
	for i := range m.Y {
		m.Y[i] = byte(i*7>>4 ^ i>>9)
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = byte(i>>5), byte(i>>12)
	}
	data := encoded(b, m, func(w *bytes.Buffer, m image.Image) error { return jpeg.Encode(w, m, nil) })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzDecode looks for panics and for pictures whose memory does not match their size.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(files, "../../testdata/photos/truncated.jpg") {
		f.Add(readFile(f, name))
	}
	grey := image.NewGray(image.Rect(0, 0, 9, 5))
	for _, encode := range []func(*bytes.Buffer, image.Image) error{asPNG, asBMP, asTIFF, asGIF, asJPEG} {
		f.Add(encoded(f, grey, encode))
	}
	f.Add(withEXIF(encoded(f, grey, asJPEG), exifOf(binary.BigEndian, 6)))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decode(data, 1<<14)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("error %v is no *Error", err)
			}
			return
		}
		rgb(t, m)
	})
}
