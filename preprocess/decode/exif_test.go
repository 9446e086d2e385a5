package decode

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"testing"
)

func deflate(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exifOf is a TIFF structure of two entries, of which the second is the orientation.
func exifOf(order binary.AppendByteOrder, orientation uint16) []byte {
	out := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		out = []byte("MM\x00*")
	}
	out = order.AppendUint32(out, 8)
	out = order.AppendUint16(out, 2)
	for _, entry := range [][2]uint16{{0x0100, 37}, {0x0112, orientation}} {
		out = order.AppendUint16(out, entry[0])
		out = order.AppendUint16(out, 3)
		out = order.AppendUint32(out, 1)
		out = order.AppendUint16(out, entry[1])
		out = order.AppendUint16(out, 0)
	}
	return order.AppendUint32(out, 0)
}

// withEXIF puts an EXIF segment at the start of a JPEG.
func withEXIF(jpg, exif []byte) []byte {
	body := append([]byte("Exif\x00\x00"), exif...)
	segment := append(binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2)), body...)
	return bytes.Join([][]byte{jpg[:2], segment, jpg[2:]}, nil)
}

// The stored picture is six squares of 8×8,
//
//	A B C
//	D E F
//
// and each orientation says how it is to be seen.
var orientations = []struct {
	value uint16
	seen  []string
}{
	{1, []string{"ABC", "DEF"}},
	{2, []string{"CBA", "FED"}},
	{3, []string{"FED", "CBA"}},
	{4, []string{"DEF", "ABC"}},
	{5, []string{"AD", "BE", "CF"}},
	{6, []string{"DA", "EB", "FC"}},
	{7, []string{"FC", "EB", "DA"}},
	{8, []string{"CF", "BE", "AD"}},
	{0, []string{"ABC", "DEF"}}, // not an orientation
	{9, []string{"ABC", "DEF"}},
}

func squares() *image.Gray {
	m := image.NewGray(image.Rect(0, 0, 24, 16))
	for i := range m.Pix {
		m.Pix[i] = byte(30 * (1 + i%24/8 + i/24/8*3)) // A is 30, B 60, … F 180
	}
	return m
}

func TestOrientation(t *testing.T) {
	jpg, pngData := encoded(t, squares(), asJPEG), encoded(t, squares(), asPNG)
	tif := encoded(t, squares(), asTIFF)
	containers := map[string]func(o uint16) []byte{
		"JPEG little-endian": func(o uint16) []byte { return withEXIF(jpg, exifOf(binary.LittleEndian, o)) },
		"JPEG big-endian":    func(o uint16) []byte { return withEXIF(jpg, exifOf(binary.BigEndian, o)) },
		"PNG before pixels": func(o uint16) []byte {
			const ihdrEnd = 8 + 25
			return bytes.Join([][]byte{pngData[:ihdrEnd], pngChunk("eXIf", exifOf(binary.BigEndian, o)), pngData[ihdrEnd:]}, nil)
		},
		"PNG after pixels": func(o uint16) []byte {
			iend := len(pngData) - 12
			return bytes.Join([][]byte{pngData[:iend], pngChunk("eXIf", exifOf(binary.BigEndian, o)), pngData[iend:]}, nil)
		},
		"TIFF": func(o uint16) []byte { return tiffWithOrientation(tif, o) },
	}
	for name, file := range containers {
		for _, tt := range orientations {
			m, err := Decode(file(tt.value))
			if err != nil {
				t.Fatalf("%s, orientation %d: %v", name, tt.value, err)
			}
			pixels := rgb(t, m)
			if m.Width != 8*len(tt.seen[0]) || m.Height != 8*len(tt.seen) {
				t.Errorf("%s, orientation %d: %d×%d, want %q", name, tt.value, m.Width, m.Height, tt.seen)
				continue
			}
			for i, p := range pixels {
				letter := tt.seen[i/m.Width/8][i%m.Width/8]
				if want := 30 * (letter - 'A' + 1); p != [3]byte{want, want, want} {
					t.Errorf("%s, orientation %d: pixel (%d, %d) is %v, want %c, %d", name, tt.value, i%m.Width, i/m.Width, p, letter, want)
					break
				}
			}
		}
	}
}

// tiffWithOrientation moves the directory of a little-endian TIFF to its end and adds the tag.
func tiffWithOrientation(data []byte, o uint16) []byte {
	le := binary.LittleEndian
	at := le.Uint32(data[4:])
	n := le.Uint16(data[at:])
	entries := data[at+2:][:12*int(n)]
	out := bytes.Clone(data)
	le.PutUint32(out[4:], uint32(len(data)))
	out = le.AppendUint16(out, n+1)
	added := le.AppendUint16(le.AppendUint32([]byte{0x12, 0x01, 3, 0}, 1), o)
	added = append(added, 0, 0)
	for ; len(entries) > 0; entries = entries[12:] {
		if added != nil && le.Uint16(entries) > 0x0112 { // entries rise by tag
			out, added = append(out, added...), nil
		}
		out = append(out, entries[:12]...)
	}
	return le.AppendUint32(append(out, added...), 0)
}

func TestOrientationOfWebP(t *testing.T) {
	still := readFile(t, "testdata/lossy.webp") // 37 × 29, one chunk
	upright, err := Decode(still)
	if err != nil {
		t.Fatal(err)
	}
	want := rgb(t, upright)
	for _, prefix := range []string{"", "Exif\x00\x00"} {
		riff := appendChunk([]byte("WEBP"), "VP8X", []byte{8, 0, 0, 0, 36, 0, 0, 28, 0, 0})
		riff = append(riff, still[12:]...)
		riff = appendChunk(riff, "EXIF", append([]byte(prefix), exifOf(binary.LittleEndian, 3)...))
		m, err := Decode(appendChunk(nil, "RIFF", riff))
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range rgb(t, m) {
			if p != want[len(want)-1-i] {
				t.Fatalf("prefix %q: pixel %d is not the turned picture's", prefix, i)
			}
		}
	}
}

func TestBrokenEXIFIsIgnored(t *testing.T) {
	whole := exifOf(binary.LittleEndian, 6)
	if o := orientation(whole); o != 6 {
		t.Fatalf("orientation %d, want 6", o)
	}
	edit := func(at int, v ...byte) []byte {
		out := bytes.Clone(whole)
		copy(out[at:], v)
		return out
	}
	for name, data := range map[string][]byte{
		"empty":                    nil,
		"cut in the header":        whole[:7],
		"cut in the entry":         whole[:8+2+12+11],
		"no byte order":            edit(0, 'X'),
		"directory beyond the end": edit(4, 255, 255, 255, 255),
		"directory at the end":     edit(4, byte(len(whole)-1)),
		"entry of type long":       edit(8+2+12+2, 4),
		"entry of two values":      edit(8+2+12+4, 2),
		"other tags only":          edit(8+2+12, 0x13),
	} {
		if o := orientation(data); o != 1 {
			t.Errorf("%s: orientation %d, want 1", name, o)
		}
	}
}
