package gpu

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall/js"
	"testing"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
)

// TestBitmapsAreResizedAsInGo goes the way of a browser's pictures to a GPU, which those for a software adapter do not go.
func TestBitmapsAreResizedAsInGo(t *testing.T) {
	dev := adapter(t, Options{})
	rng := rand.New(rand.NewPCG(4, 4))
	for _, c := range []struct {
		width, height, size int
		opaque              bool
	}{
		{300, 200, 64, true}, {301, 500, 33, true}, {300, 200, 64, false}, {20, 33, 96, false},
	} {
		t.Run(fmt.Sprintf("%d×%d to %d, opaque %v", c.width, c.height, c.size, c.opaque), func(t *testing.T) {
			img := preprocess.NewImage(c.width, c.height)
			for i := range img.Pix {
				img.Pix[i] = byte(rng.IntN(256))
				if c.opaque && i%4 == 3 {
					img.Pix[i] = 255
				}
			}
			pixels := js.Global().Get("Uint8ClampedArray").New(len(img.Pix))
			js.CopyBytesToJS(pixels, img.Pix)
			bitmap, err := await(js.Global().Call("createImageBitmap", js.Global().Get("ImageData").New(pixels, c.width, c.height),
				object("premultiplyAlpha", "premultiply", "colorSpaceConversion", "none")))
			if err != nil {
				t.Fatal(err)
			}
			plan, err := preprocess.NewPlan(c.width, c.height, c.size)
			if err != nil {
				t.Fatal(err)
			}
			p, err := dev.Prepare(bitmap, plan)
			if err != nil {
				t.Fatal(err)
			}
			preprocess.OverWhite(img.Pix)
			want, err := plan.Run(img)
			if err != nil {
				t.Fatal(err)
			}
			apart := 0
			if !c.opaque && strings.Contains(js.Global().Get("navigator").Get("userAgent").String(), "Firefox") {
				apart = 3 // it rounds up what it multiplies by alpha, and the cubic filter adds such levels up
			}
			compareLooks(t, looker(t, dev, 1, c.size), []model.Picture{p}, [][]byte{want}, apart)
		})
	}
}
