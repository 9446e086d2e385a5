package preprocess_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/clipside/clipside/preprocess"
	"github.com/clipside/clipside/preprocess/decode"
)

// square decodes and prepares a picture of testdata.
func square(t *testing.T, path string, size int) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../testdata", path))
	if err != nil {
		t.Fatal(err)
	}
	img, err := decode.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	pix, err := preprocess.Square(img, size)
	if err != nil {
		t.Fatal(err)
	}
	return pix
}

// The pictures after PIL's resize and crop. From the same pixels (PNG) the bytes are equal; a JPEG's pixels differ by
// what the inverse DCTs of two decoders round differently.
func TestSquareEqualsPIL(t *testing.T) {
	tests := []struct {
		golden, photo string
		tolerance     int
	}{
		{"vit-hf/pre_chelsea.png", "chelsea.png", 0},
		{"vit-hf/pre_coffee.png", "coffee.png", 0},
		{"vit-hf/pre_rocket.png", "rocket.jpg", 1},
		{"rn-openclip/pre_chelsea.png", "chelsea.png", 0},
		{"rn-openclip/pre_astronaut.png", "astronaut.png", 0},
		{"rn-openclip/pre_rocket.png", "rocket.jpg", 1},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			f, err := os.Open(filepath.Join("../testdata/golden", tt.golden))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			m, err := png.Decode(f)
			if err != nil {
				t.Fatal(err)
			}
			want := m.(*image.RGBA)
			got := square(t, filepath.Join("photos", tt.photo), want.Rect.Dx())
			if len(got) != len(want.Pix) {
				t.Fatalf("%d bytes, want %d", len(got), len(want.Pix))
			}
			worst, differ := 0, 0
			for i := range got {
				d := int(got[i]) - int(want.Pix[i])
				if d != 0 {
					differ++
				}
				worst = max(worst, d, -d)
			}
			t.Logf("%d of %d bytes differ, by at most %d", differ, len(got), worst)
			if worst > tt.tolerance {
				t.Errorf("differs from PIL by up to %d levels, want at most %d", worst, tt.tolerance)
			}
		})
	}
}

// The model input that OpenAI CLIP's own preprocessing makes of a JPEG, normalised, compared in 8-bit levels.
func TestSquareEqualsCLIPPreprocessing(t *testing.T) {
	const size = 224
	data, err := os.ReadFile("../testdata/preprocess/expected_preprocessed_image.npy")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data[:128], []byte("'<f4', 'fortran_order': False, 'shape': (1, 3, 224, 224)")) {
		t.Fatalf("unexpected array header %q", data[:128])
	}
	want := data[10+int(binary.LittleEndian.Uint16(data[8:])):]
	if len(want) != 4*3*size*size {
		t.Fatalf("array has %d bytes", len(want))
	}
	mean := [3]float64{0.48145466, 0.4578275, 0.40821073}
	std := [3]float64{0.26862954, 0.26130258, 0.27577711}
	got := square(t, "preprocess/franz-kafka.jpg", size)
	worst, differ := 0.0, 0
	for c := range 3 {
		for i := range size * size {
			w := float64(math.Float32frombits(binary.LittleEndian.Uint32(want[4*(c*size*size+i):])))
			level := (w*std[c] + mean[c]) * 255
			d := math.Abs(float64(got[4*i+c]) - level)
			if d > 0.01 {
				differ++
			}
			worst = max(worst, d)
		}
	}
	t.Logf("%d of %d values differ, by at most %.3f levels", differ, 3*size*size, worst)
	if worst > 1.01 {
		t.Errorf("differs by up to %.3f levels, want at most 1", worst)
	}
}
