package preprocess

import (
	"errors"
	"hash/crc32"
	"math"
	"runtime"
	"slices"
	"testing"
)

// noise is a picture of pseudo-random RGB bytes, the top byte of a linear congruential generator.
func noise(width, height int) *Image {
	m := NewImage(width, height)
	v := uint32(1)
	for i := range m.Pix {
		if i%4 != 3 { // alpha stays 0: it must not matter
			v = v*1664525 + 1013904223
			m.Pix[i] = byte(v >> 24)
		}
	}
	return m
}

// The checksums are of the RGB bytes that Pillow 9.4 makes of the same noise with torchvision's sizes and offsets.
func TestRunEqualsPillowOnNoise(t *testing.T) {
	tests := []struct {
		width, height, size int
		crc                 uint32
	}{
		{1, 1, 224, 0xa9a6fbb8},
		{2, 3, 5, 0xd07bd684},
		{3, 2, 64, 0xaefd9061},
		{7, 5, 7, 0xb8f403e1},
		{5, 7, 5, 0x16269beb}, // no resize, crop only
		{224, 224, 224, 0x8831f166},
		{301, 224, 224, 0x80794003}, // offset 38.5 rounds to 38
		{224, 227, 224, 0xca51449b}, // offset 1.5 rounds to 2
		{640, 427, 224, 0xa7ffe342},
		{427, 640, 64, 0xd600c22b},
		{333, 500, 288, 0x896f7df5},
		{100, 61, 224, 0xa6b7873b}, // upscaling
		{1, 40, 16, 0x4bd4369e},
		{40, 1, 16, 0xc407c2a5},
		{1000, 3, 4, 0x162675c7},
		{3, 1000, 4, 0x9da6cbb2},
		{257, 256, 255, 0x80bf84a0},
		{256, 257, 1, 0xe54d3674},
		{31, 17, 16, 0x4a262633},
		{511, 512, 336, 0x7d5c3b92},
	}
	for _, tt := range tests {
		pix, err := Square(noise(tt.width, tt.height), tt.size)
		if err != nil {
			t.Fatalf("%d×%d to %d: %v", tt.width, tt.height, tt.size, err)
		}
		var rgb []byte
		for p := range slices.Chunk(pix, 4) {
			rgb = append(rgb, p[:3]...)
			if p[3] != 255 {
				t.Fatalf("%d×%d to %d: alpha %d, want 255", tt.width, tt.height, tt.size, p[3])
			}
		}
		if len(rgb) != 3*tt.size*tt.size {
			t.Errorf("%d×%d to %d: %d bytes of RGB", tt.width, tt.height, tt.size, len(rgb))
		}
		if crc := crc32.ChecksumIEEE(rgb); crc != tt.crc {
			t.Errorf("%d×%d to %d: checksum %08x, Pillow's is %08x", tt.width, tt.height, tt.size, crc, tt.crc)
		}
	}
}

// Coefficients worked out by hand from the kernel, 1.5d³ − 2.5d² + 1 below 1 and −0.5d³ + 2.5d² − 4d + 2 below 2.
// In 128ths it is 111 at distance 1/4, 29 at 3/4, −9 at 5/4, −3 at 7/4; those within the picture are divided by their
// sum.
func TestFilterCoefficients(t *testing.T) {
	tests := []struct {
		name         string
		source       int
		full, offset int64
		first        int32     // of the one output asked for
		weights      []float64 // before division by their sum
	}{
		{"same size copies the pixel", 5, 5, 3, 3, []float64{1}},
		{"one pixel enlarged is that pixel", 1, 2, 1, 0, []float64{1}},
		// Centre at 1.75: pixels 0 to 3 at 5/4, 1/4, 3/4, 7/4.
		{"four doubled, inner output", 4, 8, 3, 0, []float64{-9, 111, 29, -3}},
		// Centre at 0.25: pixels 0 and 1 at 1/4 and 5/4, the others off the edge.
		{"four doubled, first output", 4, 8, 0, 0, []float64{111, -9}},
		{"four doubled, last output", 4, 8, 7, 2, []float64{-9, 111}},
		// Centre at 3, kernel twice as wide: pixels 0 to 6 at 5/4, 3/4, 1/4, 1/4, 3/4, 5/4, 7/4.
		{"eight halved, second output", 8, 4, 1, 0, []float64{-9, 29, 111, 111, 29, -9, -3}},
		// Centre at 9: the whole kernel is inside.
		{"eighteen halved, inner output", 18, 9, 4, 5, []float64{-3, -9, 29, 111, 111, 29, -9, -3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sum := 0.0
			for _, w := range tt.weights {
				sum += w
			}
			var want []int32
			for _, w := range tt.weights {
				want = append(want, int32(math.Round(w/sum*(1<<22))))
			}
			f := newFilter(tt.source, tt.full, tt.offset, 1)
			if f.Stride != len(want) || f.First[0] != tt.first || int(f.Count[0]) != len(want) || !slices.Equal(f.Coeffs, want) {
				t.Errorf("got %+v, want first %d coefficients %v", f, tt.first, want)
			}
		})
	}
}

func TestFixedRoundsHalfAwayFromZero(t *testing.T) {
	const unit = 1.0 / (1 << CoeffBits)
	for _, tt := range []struct {
		x    float64
		want int32
	}{{0, 0}, {0.5, 1}, {-0.5, -1}, {1.5, 2}, {-1.5, -2}, {0.499, 0}, {-0.499, 0}, {-2.6, -3}} {
		if got := fixed(tt.x * unit); got != tt.want {
			t.Errorf("%v units: %d, want %d", tt.x, got, tt.want)
		}
	}
}

func TestNewPlanRefusesImpossibleSizes(t *testing.T) {
	tests := []struct {
		width, height, size int
		what                string
	}{
		{0, 5, 224, "width"},
		{-1, 5, 224, "width"},
		{MaxSide + 1, 1, 224, "width"},
		{5, 0, 224, "height"},
		{1, MaxSide + 1, 224, "height"},
		{1 << 15, 1<<13 + 1, 224, "pixels"},
		{MaxSide, MaxSide, 224, "pixels"},
		{5, 5, 0, "size"},
		{5, 5, MaxSize + 1, "size"},
	}
	for _, tt := range tests {
		_, err := NewPlan(tt.width, tt.height, tt.size)
		if e, ok := errors.AsType[*SizeError](err); !ok || e.What != tt.what {
			t.Errorf("%d×%d to %d: error %v, want a *SizeError about %s", tt.width, tt.height, tt.size, err, tt.what)
		}
	}
}

func TestRunRefusesPicturesThatDoNotFit(t *testing.T) {
	p, err := NewPlan(4, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*Image{
		"other size":   NewImage(3, 4),
		"short stride": {Width: 4, Height: 3, Stride: 15, Pix: make([]byte, 100)},
		"short memory": {Width: 4, Height: 3, Stride: 20, Pix: make([]byte, 55)},
		"no pixels":    {},
	} {
		if _, err := p.Run(m); err == nil {
			t.Errorf("%s: no error", name)
		} else if _, ok := errors.AsType[*SizeError](err); !ok {
			t.Errorf("%s: error %v is no *SizeError", name, err)
		}
	}
	// The last row needs no padding.
	if _, err := p.Run(&Image{Width: 4, Height: 3, Stride: 20, Pix: make([]byte, 56)}); err != nil {
		t.Error(err)
	}
}

func TestRunRowsReadsEachRowOfTheWindowOnceInOrder(t *testing.T) {
	src := noise(10, 100)
	p, err := NewPlan(10, 100, 4)
	if err != nil {
		t.Fatal(err)
	}
	if p.Window.Width != 10 || p.Window.Height > 50 {
		t.Errorf("window %+v: want all columns and about 40 rows", p.Window)
	}
	next := p.Window.Y
	reused := make([]byte, 40)
	got := make([]byte, 4*4*4)
	err = p.RunRows(got, func(y int) ([]byte, error) {
		if y != next {
			t.Errorf("row %d asked for, want %d", y, next)
		}
		next++
		copy(reused, src.Pix[y*src.Stride+4*p.Window.X:])
		return reused, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if next != p.Window.Y+p.Window.Height {
		t.Errorf("ended before row %d, window is %+v", next, p.Window)
	}
	want, err := p.Run(src)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Error("rows from a reused buffer give another picture")
	}
}

func TestRunRowsReportsTheSourcesError(t *testing.T) {
	p, err := NewPlan(4, 4, 2)
	if err != nil {
		t.Fatal(err)
	}
	lost := errors.New("lost")
	if err := p.RunRows(make([]byte, 16), func(int) ([]byte, error) { return nil, lost }); !errors.Is(err, lost) {
		t.Errorf("error %v, want %v", err, lost)
	}
	short := func(int) ([]byte, error) { return make([]byte, 15), nil }
	if _, ok := errors.AsType[*SizeError](p.RunRows(make([]byte, 16), short)); !ok {
		t.Error("a short row is accepted")
	}
	if _, ok := errors.AsType[*SizeError](p.RunRows(make([]byte, 15), short)); !ok {
		t.Error("a short destination is accepted")
	}
}

// Resized whole, a picture of one pixel by a million would be 224 × 234 881 024.
func TestThinPicturesTakeLittleMemory(t *testing.T) {
	for _, tt := range []struct{ width, height, size int }{
		{1, MaxSide, 224}, {MaxSide, 1, 224}, {1, MaxSide, MaxSize}, {256, MaxSide, 1}, {MaxSide, 256, 336},
	} {
		row := make([]byte, 4*tt.width)
		dst := make([]byte, 4*tt.size*tt.size)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, err := NewPlan(tt.width, tt.height, tt.size)
		if err == nil {
			err = p.RunRows(dst, func(int) ([]byte, error) { return row, nil })
		}
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%d×%d to %d allocates %d bytes", tt.width, tt.height, tt.size, n)
		}
	}
}

// Premultiplied as browsers do it, every level under every alpha becomes what it would have become straight.
func TestPremultipliedOverWhiteEqualsOverWhite(t *testing.T) {
	straight, premultiplied := make([]byte, 4*256*256), make([]byte, 4*256*256)
	for i := range 256 * 256 {
		c, a := i%256, i/256
		straight[4*i], straight[4*i+3] = byte(c), byte(a)
		premultiplied[4*i], premultiplied[4*i+3] = byte((c*a+127)/255), byte(a)
	}
	OverWhite(straight)
	PremultipliedOverWhite(premultiplied)
	for i := 0; i < len(straight); i += 4 {
		if straight[i] != premultiplied[i] || premultiplied[i+3] != 255 {
			t.Fatalf("level %d under alpha %d becomes %v, want %v", i/4%256, i/4/256, premultiplied[i:i+4], straight[i:i+4])
		}
	}
}

func TestOverWhite(t *testing.T) {
	pix := []byte{
		10, 20, 30, 255,
		10, 20, 30, 0,
		0, 100, 255, 128,
		0, 0, 0, 254,
	}
	// 255·127/255 = 127; (100·128 + 255·127)/255 = 177.2; 255·1/255 = 1.
	want := []byte{
		10, 20, 30, 255,
		255, 255, 255, 255,
		127, 177, 255, 255,
		1, 1, 1, 255,
	}
	OverWhite(pix)
	if !slices.Equal(pix, want) {
		t.Errorf("got %v, want %v", pix, want)
	}
}

// FuzzPlan checks what a GPU relies on: reads within the window and in order, sums within int32, and a uniform
// picture left as it is.
func FuzzPlan(f *testing.F) {
	f.Add(640, 427, 224)
	f.Add(1, MaxSide, 224)
	f.Add(MaxSide, 256, 1)
	f.Add(3, 2, 336)
	f.Add(224, 224, 224)
	f.Add(2, 2, 4096)
	f.Add(0, -1, 5)
	f.Fuzz(func(t *testing.T, width, height, size int) {
		p, err := NewPlan(width, height, size)
		if err != nil {
			if _, ok := errors.AsType[*SizeError](err); !ok {
				t.Fatalf("error %v is no *SizeError", err)
			}
			return
		}
		w := p.Window
		if w.X < 0 || w.Y < 0 || w.Width < 1 || w.Height < 1 || w.X+w.Width > width || w.Y+w.Height > height {
			t.Fatalf("window %+v outside %d×%d", w, width, height)
		}
		checkFilter(t, &p.Horizontal, size, w.X, w.Width)
		checkFilter(t, &p.Vertical, size, w.Y, w.Height)
	})
}

func checkFilter(t *testing.T, f *Filter, size, from, n int) {
	t.Helper()
	if len(f.First) != size || len(f.Count) != size || len(f.Coeffs) != size*f.Stride {
		t.Fatalf("%d, %d, %d entries, stride %d, for size %d", len(f.First), len(f.Count), len(f.Coeffs), f.Stride, size)
	}
	for i, first := range f.First {
		count := f.Count[i]
		if count < 1 || int(count) > f.Stride || int(first) < from || int(first+count) > from+n {
			t.Fatalf("output %d reads %d from %d on, outside %d from %d on", i, count, first, n, from)
		}
		if i > 0 && (first < f.First[i-1] || first+count < f.First[i-1]+f.Count[i-1]) {
			t.Fatalf("output %d reads before output %d", i, i-1)
		}
		var positive, negative int64
		for j, c := range f.Coeffs[i*f.Stride : (i+1)*f.Stride] {
			if j >= int(count) && c != 0 {
				t.Fatalf("output %d has a coefficient beyond its count", i)
			}
			positive += max(int64(c), 0)
			negative += min(int64(c), 0)
		}
		const half = 1 << (CoeffBits - 1)
		// The samples that drive the sum highest and lowest are 255 where coefficients have one sign, 0 elsewhere.
		if 255*positive+half > math.MaxInt32 || 255*negative+half < math.MinInt32 {
			t.Fatalf("output %d may leave int32: coefficients sum to %d and %d", i, positive, negative)
		}
		// Over some ten thousand coefficients, rounding adds up to a level, in Pillow too.
		if white := (255*(positive+negative) + half) >> CoeffBits; white != 255 && count < 1<<13 {
			t.Fatalf("output %d makes %d of white", i, white)
		}
	}
}

// Twelve megapixels, a phone's photo, to the size of ViT-B/32.
func BenchmarkSquare12Megapixels(b *testing.B) {
	m := noise(4000, 3000)
	b.SetBytes(int64(len(m.Pix)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Square(m, 224); err != nil {
			b.Fatal(err)
		}
	}
}
