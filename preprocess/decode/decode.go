// Package decode turns the bytes of a picture file into pixels, as PIL's Image.open(…).convert("RGB") does where that
// is sensible:
//
//   - JPEG: baseline and progressive; grey, YCbCr, RGB, CMYK and YCCK. Chroma is interpolated and colours converted
//     exactly as libjpeg-turbo does; only its inverse DCT may differ, by one level.
//   - PNG: every colour type and depth, interlaced. 16-bit samples keep their high byte (PIL clips 16-bit grey to
//     255 instead, which turns most of such a picture white).
//   - GIF and animated WebP: the first frame on its canvas. WebP equals libwebp.
//   - BMP, TIFF: what golang.org/x/image reads.
//
// Two things differ from PIL on purpose: transparent pixels are laid over white, see [preprocess.OverWhite], and the
// EXIF orientation (JPEG, PNG, WebP, TIFF) is applied, so that the picture is upright. Colour profiles are ignored, as
// PIL ignores them.
package decode

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/clipside/clipside/preprocess"
)

// Kinds of failure; every error of this package is an [*Error] that wraps one.
var (
	ErrUnsupported = errors.New("unsupported") // not a format, or not a variant of one, that is read here
	ErrTruncated   = errors.New("truncated")   // the file ends before the picture does
	ErrCorrupt     = errors.New("corrupt")     // the file breaks its format's rules
	ErrTooLarge    = errors.New("too large")   // more than preprocess.MaxPixels, a side above MaxSide, or above MaxBytes
)

// MaxBytes bounds what [Read] takes from a reader.
const MaxBytes = 1 << 28

// Error is a picture that cannot be decoded. Its message says what is wrong and what to do.
type Error struct {
	Format  string // "JPEG", "PNG", …; "" where it is not known
	Problem string
	Kind    error // one of the kinds above
	Err     error // the cause, may be nil
}

func (e *Error) Error() string {
	what := "picture"
	if e.Format != "" {
		what = e.Format
	}
	return fmt.Sprintf("decode %s: %s", what, e.Problem)
}

func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Read is [Decode] of everything that r gives, at most [MaxBytes]. An error of r itself is returned wrapped and is no
// [*Error].
func Read(r io.Reader) (*preprocess.Image, error) { return read(r, MaxBytes) }

func read(r io.Reader, most int64) (*preprocess.Image, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, fmt.Errorf("decode picture: reading it: %w", err)
	}
	if int64(len(data)) > most {
		return nil, &Error{Problem: fmt.Sprintf("the file has more than %d bytes: scale the picture down", most), Kind: ErrTooLarge}
	}
	return Decode(data)
}

// Decode returns the pixels of a picture file, upright and opaque. Dimensions are read from the header and checked
// before any memory is taken for pixels. At its peak it takes about 8 bytes a pixel, 12 where samples have 16 bits, 15 in
// a progressive JPEG. The error is an [*Error].
func Decode(data []byte) (*preprocess.Image, error) {
	return decode(data, preprocess.MaxPixels)
}

// format is a kind of file that can be read. Its functions return the decoders' own errors.
type format struct {
	name        string
	dimensions  func(data []byte) (width, height int, err error)
	pixels      func(data []byte) (*preprocess.Image, error)
	orientation func(data []byte) int // EXIF, 1 to 8
}

var (
	jpegFormat = &format{"JPEG", dimensions(jpeg.DecodeConfig), jpegPixels, jpegOrientation}
	pngFormat  = &format{"PNG", dimensions(png.DecodeConfig), pixels(png.Decode), pngOrientation}
	gifFormat  = &format{"GIF", dimensions(gif.DecodeConfig), gifPixels, upright}
	webpFormat = &format{"WebP", webpDimensions, webpPixels, webpOrientation}
	bmpFormat  = &format{"BMP", dimensions(bmp.DecodeConfig), pixels(bmp.Decode), upright}
	tiffFormat = &format{"TIFF", dimensions(tiff.DecodeConfig), pixels(tiff.Decode), orientation}
)

// signatures tell formats by their first bytes; '?' stands for any byte. Those without a reader are recognised only
// to be named in the error.
var signatures = []struct {
	magic  string
	name   string
	format *format
}{
	{"\xff\xd8", "JPEG", jpegFormat},
	{"\x89PNG\r\n\x1a\n", "PNG", pngFormat},
	{"GIF8?a", "GIF", gifFormat},
	{"RIFF????WEBP", "WebP", webpFormat},
	{"BM", "BMP", bmpFormat},
	{"II*\x00", "TIFF", tiffFormat},
	{"MM\x00*", "TIFF", tiffFormat},
	{"????ftypavi", "AVIF", nil},
	{"????ftyphei", "HEIC", nil},
	{"????ftyphev", "HEIC", nil},
	{"????ftypmif1", "HEIF", nil},
	{"????ftyp", "MP4 video", nil},
	{"\xff\x0a", "JPEG XL", nil},
	{"\x00\x00\x00\x0cJXL ", "JPEG XL", nil},
	{"\x00\x00\x00\x0cjP  ", "JPEG 2000", nil},
	{"8BPS", "Photoshop", nil},
	{"%PDF", "PDF", nil},
	{"<svg", "SVG", nil},
	{"<?xml", "SVG (or other XML)", nil},
}

const supported = "JPEG, PNG, GIF, WebP, BMP and TIFF"

func sniff(data []byte) (*format, error) {
	if len(data) == 0 {
		return nil, &Error{Problem: "the file is empty", Kind: ErrTruncated}
	}
next:
	for _, s := range signatures {
		if len(data) < len(s.magic) {
			continue
		}
		for i := range len(s.magic) {
			if s.magic[i] != '?' && s.magic[i] != data[i] {
				continue next
			}
		}
		if s.format == nil {
			return nil, &Error{Format: s.name, Problem: "the format is not supported: save the picture as one of " + supported, Kind: ErrUnsupported}
		}
		return s.format, nil
	}
	return nil, &Error{Problem: "the file is in no known picture format: " + supported + " are supported", Kind: ErrUnsupported}
}

func decode(data []byte, maxPixels int64) (*preprocess.Image, error) {
	f, err := sniff(data)
	if err != nil {
		return nil, err
	}
	w, h, err := f.dimensions(data)
	if err != nil {
		return nil, f.failed(err, len(data))
	}
	if w < 1 || h < 1 {
		return nil, &Error{Format: f.name, Problem: fmt.Sprintf("the file claims %d×%d pixels: %s", w, h, again), Kind: ErrCorrupt}
	}
	if err := preprocess.CheckSize(w, h); err != nil || int64(w)*int64(h) > maxPixels {
		return nil, &Error{Format: f.name, Kind: ErrTooLarge, Err: err, Problem: fmt.Sprintf(
			"%d×%d pixels are too many (at most %d, and %d a side): scale the picture down", w, h, maxPixels, preprocess.MaxSide)}
	}
	img, err := f.pixels(data)
	if err != nil {
		return nil, f.failed(err, len(data))
	}
	return orient(img, f.orientation(data)), nil
}

const again = "copy or download it again, or re-export it"

// failed classifies a decoder's error.
func (f *format) failed(err error, size int) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	e := &Error{Format: f.name, Err: err}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.Kind, e.Problem = ErrTruncated, fmt.Sprintf("the file is cut short after %d bytes: %s", size, again)
	case isUnsupported(err):
		e.Kind, e.Problem = ErrUnsupported, fmt.Sprintf("the file uses a variant that is not supported (%v): re-export it as an ordinary JPEG or PNG", err)
	default:
		e.Kind, e.Problem = ErrCorrupt, fmt.Sprintf("the file is damaged or cut short (%v): %s", err, again)
	}
	return e
}

// dimensions and pixels adapt a standard decoder.
func dimensions(config func(io.Reader) (image.Config, error)) func([]byte) (int, int, error) {
	return func(data []byte) (int, int, error) {
		c, err := config(bytes.NewReader(data))
		return c.Width, c.Height, err
	}
}

func pixels(decode func(io.Reader) (image.Image, error)) func([]byte) (*preprocess.Image, error) {
	return func(data []byte) (*preprocess.Image, error) {
		src := &source{r: bytes.NewReader(data)}
		m, err := decode(src)
		if err != nil {
			return nil, src.explain(err)
		}
		return opaque(m)
	}
}

// source is a file that remembers whether its end was passed, for decoders that call a file too short just invalid.
type source struct {
	r      *bytes.Reader
	passed bool
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.passed = s.passed || err == io.EOF
	return n, err
}

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.r.ReadAt(p, off)
	s.passed = s.passed || err == io.EOF
	return n, err
}

// explain adds io.ErrUnexpectedEOF to a decoder's error where the decoder wanted more than the file has.
func (s *source) explain(err error) error {
	if s.passed {
		return fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
	}
	return err
}

// gifPixels is the first frame on the logical screen, white where the frame does not reach.
func gifPixels(data []byte) (*preprocess.Image, error) {
	screen, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	src := &source{r: bytes.NewReader(data)}
	m, err := gif.Decode(src)
	if err != nil {
		return nil, src.explain(err)
	}
	frame, err := opaque(m)
	if err != nil {
		return nil, err
	}
	return place(frame, m.Bounds().Min, screen.Width, screen.Height), nil
}

// place puts a frame, which fits, on a white canvas.
func place(frame *preprocess.Image, at image.Point, width, height int) *preprocess.Image {
	if at == (image.Point{}) && frame.Width == width && frame.Height == height {
		return frame
	}
	canvas := preprocess.NewImage(width, height)
	for i := range canvas.Pix {
		canvas.Pix[i] = 255
	}
	for y := range frame.Height {
		copy(canvas.Pix[(at.Y+y)*canvas.Stride+4*at.X:], frame.Pix[y*frame.Stride:][:4*frame.Width])
	}
	return canvas
}
