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

// original is a picture that Prepare was given. It is resized on the GPU when it is encoded, in the same pass.
type original struct {
	plan *preprocess.Plan
	fill func(*wgpu.Texture) error // puts the plan's window into a texture's corner, alpha premultiplied
}

// prepared is a picture that is resized and cropped as it is encoded.
func (d *Device) prepared(plan *preprocess.Plan, fill func(*wgpu.Texture) error) (model.Picture, error) {
	w := plan.Window
	if side := d.MaxTextureSide(); w.Width > side || w.Height > side {
		return model.Picture{}, fmt.Errorf("gpu: a picture of %d×%d, textures are at most %d a side", w.Width, w.Height, side)
	}
	return model.Picture{Size: plan.Size, Data: &original{plan, fill}}, nil
}

// keptTexture is how many pixels of a picture's texture may be kept for the next one: those of most cameras.
const keptTexture = 16 << 20

// resizer has what pictures are resized with, one after the other: a texture for the original, both filters, and the
// rows between the two passes. They grow with the pictures and are kept, so that a picture like an earlier one makes
// no GPU object. Its methods are called with Device.resizing held.
type resizer struct {
	d                    *Device
	loaded               planned // whose filters are there
	texture              *wgpu.Texture
	view                 *wgpu.TextureView
	width, height        int // of the texture
	horizontal, vertical filterBuffers
	lines                kept
	grown                int // counts the times that something was replaced
}

// planned tells plans apart.
type planned struct{ width, height, size int }

type filterBuffers struct{ bounds, coefficients kept }

// kept is a buffer that is replaced by a larger one when need be.
type kept struct {
	*wgpu.Buffer
	size uint64
}

// resizing is an encoder's pass over a resizer's buffers into its pixels.
type resizing struct {
	*program
	grown int // as the resizer's when the pass was recorded
}

// load makes the resizer ready for a picture, and the encoder for resizing with it into its pixels.
func (r *resizer) load(e *encoder, index int, o *original) error {
	if err := r.fit(o.plan); err != nil {
		return err
	}
	if err := r.record(e, o.plan.Size); err != nil {
		return err
	}
	if plan := (planned{o.plan.Width, o.plan.Height, o.plan.Size}); r.loaded != plan {
		r.loaded = planned{}
		if err := r.write(o.plan); err != nil {
			return err
		}
		r.loaded = plan
	}
	p, w, size := e.resizing.program, o.plan.Window, o.plan.Size
	uniforms := make([]byte, uniformAlign, 2*uniformAlign)
	binary.LittleEndian.PutUint32(uniforms, uint32(size))
	binary.LittleEndian.PutUint32(uniforms[4:], uint32(w.Height))
	binary.LittleEndian.PutUint32(uniforms[8:], uint32(o.plan.Horizontal.Stride))
	for _, v := range []int{size, o.plan.Vertical.Stride, index * size * size, 0} {
		uniforms = binary.LittleEndian.AppendUint32(uniforms, uint32(v))
	}
	if err := r.d.write(p.uniforms, 0, uniforms); err != nil {
		return fmt.Errorf("gpu: write uniforms: %w", err)
	}
	p.list.setGrid(0, [3]uint32{uint32(ceil(size, 8)), uint32(ceil(w.Height, 8)), 1})
	for i, pass := range []struct{ read, written, taps int }{
		{w.Width * w.Height, size * w.Height, o.plan.Horizontal.Stride}, {size * w.Height, size * size, o.plan.Vertical.Stride},
	} {
		p.commands[i].work = model.Work{ // a pixel counts as one value, and has three to multiply
			Op:   fmt.Sprintf("resize %d×%d to %d: %s", w.Width, w.Height, size, p.commands[i].kernel.name),
			FLOP: 2 * 3 * float64(pass.written*pass.taps), Bytes: 4 * float64(pass.read+pass.written),
		}
	}
	return o.fill(r.texture)
}

// fit makes what is too small for a plan anew.
func (r *resizer) fit(plan *preprocess.Plan) error {
	w, size := plan.Window, plan.Size
	buffers := []struct {
		*kept
		label string
		size  int
		usage wgpu.BufferUsage
	}{
		{&r.horizontal.bounds, "filter bounds", 8 * size, wgpu.BufferUsageCopyDst},
		{&r.horizontal.coefficients, "filter coefficients", 4 * len(plan.Horizontal.Coeffs), wgpu.BufferUsageCopyDst},
		{&r.vertical.bounds, "filter bounds", 8 * size, wgpu.BufferUsageCopyDst},
		{&r.vertical.coefficients, "filter coefficients", 4 * len(plan.Vertical.Coeffs), wgpu.BufferUsageCopyDst},
		{&r.lines, "resized rows", 4 * size * w.Height, 0},
	}
	small := r.width < w.Width || r.height < w.Height
	for _, b := range buffers {
		small = small || b.kept.size < uint64(b.size)
	}
	if !small {
		return nil
	}
	r.loaded = planned{}
	r.grown++
	width, height := max(r.width, w.Width), max(r.height, w.Height)
	if width*height > keptTexture {
		width, height = w.Width, w.Height
	}
	err := r.d.Checked(func() error {
		for _, b := range buffers {
			if b.kept.size >= uint64(b.size) {
				continue
			}
			b.free()
			made, err := r.d.buffer(b.label, uint64(b.size), wgpu.BufferUsageStorage|b.usage)
			if err != nil {
				return err
			}
			*b.kept = kept{made, uint64(b.size)}
		}
		return r.fitTexture(width, height)
	})
	if err == nil {
		err = r.d.alive() // if it was released meanwhile, so were these
	}
	if err != nil {
		r.release() // in a browser what there was no memory for is there all the same, and of no use
	}
	return err
}

func (r *resizer) fitTexture(width, height int) error {
	if width == r.width && height == r.height {
		return nil
	}
	r.freeTexture()
	t, err := r.d.dev.CreateTexture(&wgpu.TextureDescriptor{
		Label: "picture", Dimension: wgpu.TextureDimension2D, Format: wgpu.TextureFormatRGBA8Unorm, MipLevelCount: 1, SampleCount: 1,
		// Copies from a browser's pictures are render passes underneath, and ask for that usage.
		Usage: wgpu.TextureUsageTextureBinding | wgpu.TextureUsageCopyDst | wgpu.TextureUsageRenderAttachment,
		Size:  wgpu.Extent3D{Width: uint32(width), Height: uint32(height), DepthOrArrayLayers: 1},
	})
	if err != nil {
		return fmt.Errorf("gpu: texture of %d×%d: %w", width, height, err)
	}
	view, err := t.CreateView(nil)
	if err != nil {
		r.d.destroyTexture(t)
		return fmt.Errorf("gpu: texture view: %w", err)
	}
	r.texture, r.view, r.width, r.height = t, view, width, height
	return nil
}

// record records the encoder's pass over the buffers that the resizer has now, unless it has that.
func (r *resizer) record(e *encoder, size int) error {
	if e.resizing != nil && e.resizing.grown == r.grown {
		return nil
	}
	if e.resizing != nil {
		e.resizing.Release()
		e.resizing = nil
	}
	defer r.d.programs.Lock()()
	p, err := r.d.record(func(rec *recorder) model.Tensor {
		borrowed := func(b kept) operand { return operand{slot: &slot{fixed: true, buffer: b.Buffer}} }
		// What the uniforms and the first grid are depends on the picture: load sets them.
		rec.dispatch(resizeHorizontal, nil,
			[]operand{{texture: r.view}, borrowed(r.horizontal.bounds), borrowed(r.horizontal.coefficients), borrowed(r.lines)},
			make([]uint32, 3), [3]uint32{})
		rec.dispatch(resizeVertical, nil,
			[]operand{borrowed(r.lines), borrowed(r.vertical.bounds), borrowed(r.vertical.coefficients), {slot: e.pixels}},
			make([]uint32, 3), rec.grid(resizeVertical, ceil(size, 8), ceil(size, 8), 1))
		return model.Tensor{}
	})
	if err != nil {
		return err
	}
	e.resizing = &resizing{p, r.grown}
	return nil
}

// write loads the plan's filters.
func (r *resizer) write(plan *preprocess.Plan) error {
	for _, f := range []struct {
		*preprocess.Filter
		*filterBuffers
		edge int // of the window, from which bounds are counted
	}{{&plan.Horizontal, &r.horizontal, plan.Window.X}, {&plan.Vertical, &r.vertical, plan.Window.Y}} {
		var bounds, coefficients []byte
		for i, first := range f.First {
			bounds = binary.LittleEndian.AppendUint32(bounds, uint32(first)-uint32(f.edge))
			bounds = binary.LittleEndian.AppendUint32(bounds, uint32(f.Count[i]))
		}
		for _, v := range f.Coeffs {
			coefficients = binary.LittleEndian.AppendUint32(coefficients, uint32(v))
		}
		if err := r.d.write(f.bounds.Buffer, 0, bounds); err != nil {
			return fmt.Errorf("gpu: write filter bounds: %w", err)
		}
		if err := r.d.write(f.coefficients.Buffer, 0, coefficients); err != nil {
			return fmt.Errorf("gpu: write filter coefficients: %w", err)
		}
	}
	return nil
}

// trim frees a texture that is too large to be kept.
func (r *resizer) trim() {
	if r.width*r.height > keptTexture {
		r.freeTexture()
		r.grown++
	}
}

func (r *resizer) freeTexture() {
	if r.texture != nil {
		r.view.Release()
		r.d.destroyTexture(r.texture)
	}
	r.texture, r.view, r.width, r.height = nil, nil, 0, 0
}

func (b *kept) free() {
	if b.Buffer != nil {
		release(b.Buffer)
	}
	*b = kept{}
}

func (r *resizer) release() {
	r.freeTexture()
	for _, b := range []*kept{
		&r.horizontal.bounds, &r.horizontal.coefficients, &r.vertical.bounds, &r.vertical.coefficients, &r.lines,
	} {
		b.free()
	}
}
