package decode

import (
	"encoding/binary"

	"github.com/clipside/clipside/preprocess"
)

func upright([]byte) int { return 1 }

// orientation reads the orientation, 1 to 8, out of a TIFF structure: a TIFF file, or EXIF data without its
// "Exif\0\0" prefix. A structure that is broken or has none gives 1, for a picture need not be refused over it.
func orientation(tiff []byte) int {
	var order binary.ByteOrder
	switch {
	case len(tiff) < 8:
		return 1
	case string(tiff[:4]) == "II*\x00":
		order = binary.LittleEndian
	case string(tiff[:4]) == "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	offset := uint64(order.Uint32(tiff[4:]))
	if offset+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[offset+2:]
	for range order.Uint16(tiff[offset:]) {
		// Tag, type, count, value: 2 + 2 + 4 + 4 bytes.
		if len(entries) < 12 {
			return 1
		}
		const tagOrientation, typeShort = 0x0112, 3
		if order.Uint16(entries) == tagOrientation {
			if order.Uint16(entries[2:]) == typeShort && order.Uint32(entries[4:]) == 1 {
				if o := order.Uint16(entries[8:]); o >= 1 && o <= 8 {
					return int(o)
				}
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// pngOrientation looks for an eXIf chunk, which may stand before or after the pixels.
func pngOrientation(data []byte) int {
	data = data[8:] // signature
	for len(data) >= 12 {
		// Length of the body, type, body, CRC.
		n := uint64(binary.BigEndian.Uint32(data))
		if n > uint64(len(data)-12) {
			return 1
		}
		if string(data[4:8]) == "eXIf" {
			return orientation(data[8 : 8+n])
		}
		data = data[12+n:]
	}
	return 1
}

// orient returns the picture turned upright. EXIF numbers orientations by the side at which the stored row 0 and
// column 0 are seen: 1 top left, 2 top right, 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right bottom,
// 8 left bottom.
func orient(m *preprocess.Image, o int) *preprocess.Image {
	w, h := m.Width, m.Height
	// The upright picture's pixel (x, y) is the stored one numbered start + x·right + y·down.
	var start, right, down int
	switch o {
	case 2:
		start, right, down = w-1, -1, w
	case 3:
		start, right, down = w*h-1, -1, -w
	case 4:
		start, right, down = w*(h-1), 1, -w
	case 5:
		start, right, down = 0, w, 1
	case 6:
		start, right, down = w*(h-1), -w, 1
	case 7:
		start, right, down = w*h-1, -w, -1
	case 8:
		start, right, down = w-1, w, -1
	default:
		return m
	}
	if o >= 5 {
		w, h = h, w
	}
	out := preprocess.NewImage(w, h)
	for y := range h {
		src := start + y*down
		dst := out.Pix[y*out.Stride:][:out.Stride]
		for ; len(dst) > 0; dst, src = dst[4:], src+right {
			copy(dst[:4], m.Pix[4*src:4*src+4])
		}
	}
	return out
}
