//go:build js || cgo

package gpu

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/clipside/clipside/preprocess"
	"github.com/cogentcore/webgpu/wgpu"
)

// TestPrepareEqualsGo asks for equal bytes: both do Pillow's integer arithmetic.
func TestPrepareEqualsGo(t *testing.T) {
	dev := adapter(t, Options{})
	rng := rand.New(rand.NewPCG(3, 3))
	for _, c := range []struct{ width, height, size int }{
		{1, 1, 1}, {64, 64, 64}, {300, 200, 64}, {200, 301, 64}, {20, 33, 96}, {1, 500, 32}, {700, 3, 32}, {1001, 17, 33}, {640, 480, 224},
	} {
		t.Run(fmt.Sprintf("%d×%d to %d", c.width, c.height, c.size), func(t *testing.T) {
			img := preprocess.NewImage(c.width, c.height)
			for i := range img.Pix {
				img.Pix[i] = byte(rng.IntN(256))
			}
			plan, err := preprocess.NewPlan(c.width, c.height, c.size)
			if err != nil {
				t.Fatal(err)
			}
			p, err := dev.prepare(plan, func(texture *wgpu.Texture) error {
				w := plan.Window
				return dev.queue.WriteTexture(
					&wgpu.ImageCopyTexture{Texture: texture, Aspect: wgpu.TextureAspectAll}, img.Pix[w.Y*img.Stride+4*w.X:],
					&wgpu.TextureDataLayout{BytesPerRow: uint32(img.Stride), RowsPerImage: uint32(w.Height)},
					&wgpu.Extent3D{Width: uint32(w.Width), Height: uint32(w.Height), DepthOrArrayLayers: 1})
			})
			if err != nil {
				t.Fatal(err)
			}
			got := readBack(t, dev, p.Data.(*prepared).buffer, 4*c.size*c.size)
			p.Data.(*prepared).release()

			preprocess.OverWhite(img.Pix)
			want, err := plan.Run(img)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("byte %d of %d is %d, want %d", i, len(want), got[i], want[i])
					}
				}
			}
		})
	}
}

func readBack(t *testing.T, dev *Device, b *wgpu.Buffer, size int) []byte {
	t.Helper()
	staging, err := dev.buffer("read-back", uint64(size), wgpu.BufferUsageMapRead|wgpu.BufferUsageCopyDst)
	if err != nil {
		t.Fatal(err)
	}
	defer staging.Destroy()
	enc, err := dev.dev.CreateCommandEncoder(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := enc.CopyBufferToBuffer(b, 0, staging, 0, uint64(size)); err != nil {
		t.Fatal(err)
	}
	cmd, err := enc.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	dev.queue.Submit(cmd)
	data, err := dev.read(t.Context(), staging, size)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
