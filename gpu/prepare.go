//go:build js || cgo

package gpu

import (
	"encoding/binary"
	"fmt"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
	"github.com/cogentcore/webgpu/wgpu"
)

var (
	resizeHorizontal = kernel{"resize_horizontal", "trrwu"}
	resizeVertical   = kernel{"resize_vertical", "rrrwu"}
)

// prepared is a picture that was resized on the GPU and waits there for the encoder.
type prepared struct{ buffer *wgpu.Buffer }

func (p *prepared) release() {
	if p.buffer != nil {
		p.buffer.Destroy()
		p.buffer.Release()
		p.buffer = nil
	}
}

// Discard frees pictures that Prepare made, unless that was done.
func (d *Device) Discard(px []model.Picture) {
	for _, p := range px {
		if b, ok := p.Data.(*prepared); ok {
			b.release()
		}
	}
}

// prepare resizes and crops what plan reads of a picture, plan.Window, which fill puts into a texture of just that
// size.
func (d *Device) prepare(plan *preprocess.Plan, fill func(*wgpu.Texture) error) (model.Picture, error) {
	if err := d.alive(); err != nil {
		return model.Picture{}, err
	}
	w := plan.Window
	if side := d.MaxTextureSide(); w.Width > side || w.Height > side {
		return model.Picture{}, fmt.Errorf("gpu: a picture of %d×%d, textures are at most %d a side", w.Width, w.Height, side)
	}
	var out *prepared
	err := d.checked(func() error {
		texture, err := d.dev.CreateTexture(&wgpu.TextureDescriptor{
			Label: "picture", Dimension: wgpu.TextureDimension2D, Format: wgpu.TextureFormatRGBA8Unorm, MipLevelCount: 1, SampleCount: 1,
			// Copies from a browser's pictures are render passes underneath, and ask for that usage.
			Usage: wgpu.TextureUsageTextureBinding | wgpu.TextureUsageCopyDst | wgpu.TextureUsageRenderAttachment,
			Size:  wgpu.Extent3D{Width: uint32(w.Width), Height: uint32(w.Height), DepthOrArrayLayers: 1},
		})
		if err != nil {
			return fmt.Errorf("gpu: texture of %d×%d: %w", w.Width, w.Height, err)
		}
		defer d.destroyTexture(texture)
		if err := fill(texture); err != nil {
			return err
		}
		view, err := texture.CreateView(nil)
		if err != nil {
			return fmt.Errorf("gpu: texture view: %w", err)
		}
		defer view.Release()
		out, err = d.resize(plan, view)
		return err
	})
	if err != nil {
		return model.Picture{}, err
	}
	return model.Picture{Size: plan.Size, Data: out}, nil
}

// resize runs both passes over a texture that holds the plan's window.
func (d *Device) resize(plan *preprocess.Plan, source *wgpu.TextureView) (*prepared, error) {
	size := plan.Size
	var square *slot
	defer d.programs.Lock()()
	p, err := d.record(func(r *recorder) model.Tensor {
		// A row of size pixels counts as a row of size values: a pixel is as wide as a float32.
		lines := r.tensor(plan.Window.Height, size)
		bounds, coefficients := r.filter(&plan.Horizontal, plan.Window.X)
		r.dispatch(resizeHorizontal, nil, []operand{{texture: source}, bounds, coefficients, r.out(lines)},
			[]uint32{uint32(size), uint32(plan.Window.Height), uint32(plan.Horizontal.Stride)},
			r.grid(resizeHorizontal, ceil(size, 8), ceil(plan.Window.Height, 8), 1))
		out := r.tensor(size, size)
		bounds, coefficients = r.filter(&plan.Vertical, plan.Window.Y)
		r.dispatch(resizeVertical, nil, []operand{r.in(lines), bounds, coefficients, r.out(out)},
			[]uint32{uint32(size), uint32(plan.Vertical.Stride)},
			r.grid(resizeVertical, ceil(size, 8), ceil(size, 8), 1))
		square = out.Data.(*slot)
		return out
	})
	if err != nil {
		return nil, err
	}
	defer p.Release()
	if err := p.submit(p.commands, false); err != nil {
		return nil, err
	}
	p.keep(square)
	return &prepared{square.buffer}, nil
}

// keep takes a slot's buffer out of what the program owns.
func (p *program) keep(s *slot) {
	for i, b := range p.buffers {
		if b == s.buffer {
			p.buffers = append(p.buffers[:i], p.buffers[i+1:]...)
			return
		}
	}
}

// filter uploads a filter's bounds, counted from the window's edge, and its coefficients.
func (r *recorder) filter(f *preprocess.Filter, edge int) (bounds, coefficients operand) {
	var b, c []byte
	for i, first := range f.First {
		b = binary.LittleEndian.AppendUint32(b, uint32(first)-uint32(edge))
		b = binary.LittleEndian.AppendUint32(b, uint32(f.Count[i]))
	}
	for _, v := range f.Coeffs {
		c = binary.LittleEndian.AppendUint32(c, uint32(v))
	}
	return r.read(r.constant("filter bounds", b)), r.read(r.constant("filter coefficients", c))
}
