//go:build js || cgo

package gpu

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
	"github.com/cogentcore/webgpu/wgpu"
)

// photo is a picture of noise, in which a colour may be above its alpha, and what Go makes of it.
func photo(t *testing.T, rng *rand.Rand, dev *Device, width, height, size int) (p model.Picture, want []byte) {
	t.Helper()
	img := preprocess.NewImage(width, height)
	for i := range img.Pix {
		img.Pix[i] = byte(rng.IntN(256))
	}
	plan, err := preprocess.NewPlan(width, height, size)
	if err != nil {
		t.Fatal(err)
	}
	p, err = dev.prepared(plan, func(texture *wgpu.Texture) error {
		w := plan.Window
		return dev.queue.WriteTexture(
			&wgpu.ImageCopyTexture{Texture: texture, Aspect: wgpu.TextureAspectAll}, img.Pix[w.Y*img.Stride+4*w.X:],
			&wgpu.TextureDataLayout{BytesPerRow: uint32(img.Stride), RowsPerImage: uint32(w.Height)},
			&wgpu.Extent3D{Width: uint32(w.Width), Height: uint32(w.Height), DepthOrArrayLayers: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	white := preprocess.NewImage(width, height)
	copy(white.Pix, img.Pix)
	preprocess.PremultipliedOverWhite(white.Pix)
	if want, err = plan.Run(white); err != nil {
		t.Fatal(err)
	}
	return p, want
}

// looker is an encoder of n pictures that returns them as it has got them.
func looker(t *testing.T, dev *Device, n, size int) *encoder {
	t.Helper()
	e := &encoder{}
	var err error
	e.program, err = dev.record(func(r *recorder) model.Tensor {
		e.pixels = r.fixed("pixels", uint64(4*n*size*size))
		const level = 1. / 255
		return r.metered().Patches(model.Pixels{B: n, Size: size, Data: e.pixels}, 1, model.Preprocess{Std: [3]float32{level, level, level}})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Release)
	return e
}

// TestPicturesAreResizedAsInGo asks for equal bytes: both do Pillow's integer arithmetic. What an earlier picture left
// in the resizer's buffers, larger or smaller, must not matter.
func TestPicturesAreResizedAsInGo(t *testing.T) {
	dev := adapter(t, Options{})
	rng := rand.New(rand.NewPCG(3, 3))
	for _, c := range []struct{ width, height, size int }{
		{1, 1, 1}, {64, 64, 64}, {300, 200, 64}, {200, 301, 64}, {20, 33, 96}, {1, 500, 32}, {700, 3, 32}, {1001, 17, 33}, {640, 480, 224}, {64, 64, 64},
	} {
		t.Run(fmt.Sprintf("%d×%d to %d", c.width, c.height, c.size), func(t *testing.T) {
			e := looker(t, dev, 4, c.size)
			px, want := make([]model.Picture, 4), make([][]byte, 4)
			px[0], want[0] = photo(t, rng, dev, c.width, c.height, c.size)
			px[1], want[1] = photo(t, rng, dev, c.height, c.width, c.size)
			_, want[2] = photo(t, rng, dev, c.size, c.size, c.size)
			px[2] = model.Picture{Size: c.size, RGBA: want[2]}
			px[3], want[3] = photo(t, rng, dev, c.width+1, c.height, c.size)
			for range 2 {
				compareLooks(t, e, px, want, 0)
			}
		})
	}
}

// TestManyPicturesOfTheEncodersSizeArriveAsTheyAre: from a megabyte on they may go through memory that stays mapped, which
// is there from the second round on, is too small for a larger batch, and must not hold an earlier call's pictures.
func TestManyPicturesOfTheEncodersSizeArriveAsTheyAre(t *testing.T) {
	dev := adapter(t, Options{})
	rng := rand.New(rand.NewPCG(5, 5))
	const size = 256 // four are a megabyte
	for _, n := range []int{1, 4, 4, 4, 9, 4, 9, 9} {
		e := looker(t, dev, n+6, size)
		px, want := make([]model.Picture, n+6), make([][]byte, n+6)
		for i := range px {
			if i == n { // in between, so that both runs are written to where they belong
				px[i], want[i] = photo(t, rng, dev, 300, 400, size)
				continue
			}
			want[i] = make([]byte, 4*size*size)
			for at := range want[i] {
				want[i][at] = byte(rng.Uint32())
			}
			px[i] = model.Picture{Size: size, RGBA: want[i]}
		}
		compareLooks(t, e, px, want, 0)
	}
}

func TestAProfileNamesWhatPicturesAreResizedWith(t *testing.T) {
	dev := adapter(t, Options{})
	var p model.Profile
	dev.SetProfile(&p)
	rng := rand.New(rand.NewPCG(7, 7))
	e := looker(t, dev, 2, 32)
	px, want := make([]model.Picture, 2), make([][]byte, 2)
	px[0], want[0] = photo(t, rng, dev, 300, 200, 32)
	px[1], want[1] = photo(t, rng, dev, 100, 50, 32)
	compareLooks(t, e, px, want, 0)
	resized := 0
	for _, op := range p.Table() {
		if strings.HasPrefix(op.Op, "resize ") && op.Runs == 1 && op.FLOP > 0 && op.Bytes > 0 {
			resized++
		} else if op.Op == "" {
			t.Errorf("%v is without a name", op.Time)
		}
	}
	if resized != 4 {
		t.Errorf("%d passes of two pictures, want 4: %+v", resized, p.Table())
	}
}

// compareLooks compares what a looker gets of pictures with what it should, in RGBA bytes that many levels apart at most.
func compareLooks(t *testing.T, e *encoder, px []model.Picture, want [][]byte, apart int) {
	t.Helper()
	last, err := e.d.load(e, px)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.run(t.Context(), last...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range px {
		compareLevels(t, i, got[i*len(got)/len(px):(i+1)*len(got)/len(px)], want[i], apart)
	}
}

// compareLevels compares RGB levels with RGBA bytes.
func compareLevels(t *testing.T, picture int, got []float32, want []byte, apart int) {
	t.Helper()
	if len(got)/3*4 != len(want) {
		t.Fatalf("picture %d has %d values, want %d", picture, len(got), len(want)/4*3)
	}
	for i, v := range got {
		if w := want[i/3*4+i%3]; max(int(v+0.5)-int(w), int(w)-int(v+0.5)) > apart {
			t.Fatalf("picture %d: value %d of %d is %v, want %d", picture, i, len(got), v, w)
		}
	}
}
