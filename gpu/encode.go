//go:build js || cgo

package gpu

import (
	"context"
	"fmt"
	"slices"

	"github.com/clipside/clipside/model"
	"github.com/cogentcore/webgpu/wgpu"
)

// Bounds on one pass. A batch beyond them is split: no pass should hold a slow GPU for long, and the activations of
// 16 pictures already fill a fast one.
const (
	maxImages     = 16
	maxTextTokens = 1024 // texts × length
	// textStep rounds text lengths up, so that a few recordings serve all lengths: what follows a text's end token
	// costs time and changes nothing.
	textStep = 8
	// maxPrograms are kept; beyond, the one unused for longest is dropped with its buffers.
	maxPrograms = 8
)

// programKey tells recordings apart.
type programKey struct {
	tower any // *model.ImageTower or *model.TextTower
	batch int
	n     int // tokens of a text; 0 for images
}

// encoder is a recorded tower with the inputs it reads.
type encoder struct {
	*program
	pixels    *slot // images
	ids, ends *slot // texts
	busy      bool  // lent; guarded by Device.recording
}

// borrow returns a recording, making it when it is new, and keeps it from being dropped until it is given back. When
// there are too many, the one unused for longest goes with its buffers.
func (d *Device) borrow(key programKey, record func() (*encoder, error)) (*encoder, error) {
	d.recording.Lock()
	defer d.recording.Unlock()
	if i := slices.Index(d.recent, key); i >= 0 {
		d.recent = append(slices.Delete(d.recent, i, i+1), key)
		e := d.programs[key]
		e.busy = true
		return e, nil
	}
	e, err := record()
	if err != nil {
		return nil, err
	}
	for i, k := range d.recent {
		if len(d.recent) < maxPrograms {
			break
		}
		if old := d.programs[k]; !old.busy {
			old.release()
			delete(d.programs, k)
			d.recent = slices.Delete(d.recent, i, i+1)
			break
		}
	}
	d.programs[key] = e
	d.recent = append(d.recent, key)
	e.busy = true
	return e, nil
}

func (d *Device) giveBack(e *encoder) {
	d.recording.Lock()
	defer d.recording.Unlock()
	e.busy = false
}

// EncodeImages implements model.Device. Pictures that Prepare made are consumed: their buffers are free again when
// the call returns, whatever it returns.
func (d *Device) EncodeImages(ctx context.Context, t *model.ImageTower, px []model.Picture) ([][]float32, error) {
	defer d.Discard(px)
	size := t.Config.Size
	for i, p := range px {
		if _, ok := p.Data.(*prepared); p.Size != size || !ok && len(p.RGBA) != 4*size*size {
			return nil, fmt.Errorf("gpu: picture %d is %d px with %d bytes, the encoder takes %d px RGBA", i, p.Size, len(p.RGBA), size)
		}
	}
	out := make([][]float32, 0, len(px))
	for len(px) > 0 {
		n := batch(len(px), maxImages)
		y, err := d.encodeImages(ctx, t, px[:n])
		if err != nil {
			return nil, err
		}
		out = appendRows(out, y, n)
		px = px[n:]
	}
	return out, nil
}

// encodeImages encodes pictures in one pass.
func (d *Device) encodeImages(ctx context.Context, t *model.ImageTower, px []model.Picture) ([]float32, error) {
	e, err := d.imageEncoder(t, len(px))
	if err != nil {
		return nil, err
	}
	defer d.giveBack(e)
	if err := d.load(e.pixels, px); err != nil {
		return nil, err
	}
	return e.run(ctx)
}

// batch is the largest power of two that is at most n and limit, so that few recordings serve every count.
func batch(n, limit int) int {
	b := 1
	for 2*b <= min(n, limit) {
		b *= 2
	}
	return b
}

func (d *Device) imageEncoder(t *model.ImageTower, n int) (*encoder, error) {
	return d.borrow(programKey{t, n, 0}, func() (*encoder, error) {
		e := &encoder{}
		var err error
		e.program, err = d.record(func(r *recorder) model.Tensor {
			size := t.Config.Size
			e.pixels = r.fixed("pixels", 4*uint64(n*size*size))
			return t.Encode(r, model.Pixels{B: n, Size: size, Data: e.pixels})
		})
		return e, err
	})
}

// load puts pictures into an encoder's input.
func (d *Device) load(pixels *slot, px []model.Picture) error {
	size := uint64(4 * px[0].Size * px[0].Size)
	enc, err := d.dev.CreateCommandEncoder(nil)
	if err != nil {
		return fmt.Errorf("gpu: command encoder: %w", err)
	}
	defer enc.Release()
	copies := 0
	for i, p := range px {
		if b, ok := p.Data.(*prepared); ok {
			err = enc.CopyBufferToBuffer(b.buffer, 0, pixels.buffer, uint64(i)*size, size)
			copies++
		} else {
			err = d.queue.WriteBuffer(pixels.buffer, uint64(i)*size, p.RGBA)
		}
		if err != nil {
			return fmt.Errorf("gpu: load picture %d: %w", i, err)
		}
	}
	if copies == 0 {
		return nil
	}
	cmd, err := enc.Finish(nil)
	if err != nil {
		return fmt.Errorf("gpu: load pictures: %w", err)
	}
	defer cmd.Release()
	d.queue.Submit(cmd)
	return nil
}

// EncodeTexts implements model.Device.
func (d *Device) EncodeTexts(ctx context.Context, t *model.TextTower, texts [][]uint32) ([][]float32, error) {
	longest := 1
	for _, ids := range texts {
		if err := t.CheckIDs(ids); err != nil {
			return nil, err
		}
		longest = max(longest, model.End(ids)+1)
	}
	n := min((longest+textStep-1)/textStep*textStep, t.Config.Context)
	out := make([][]float32, 0, len(texts))
	for len(texts) > 0 {
		b := batch(len(texts), max(maxTextTokens/n, 1))
		y, err := d.encodeTexts(ctx, t, texts[:b], n)
		if err != nil {
			return nil, err
		}
		out = appendRows(out, y, b)
		texts = texts[b:]
	}
	return out, nil
}

// encodeTexts encodes texts of at most n tokens in one pass.
func (d *Device) encodeTexts(ctx context.Context, t *model.TextTower, texts [][]uint32, n int) ([]float32, error) {
	e, err := d.textEncoder(t, len(texts), n)
	if err != nil {
		return nil, err
	}
	defer d.giveBack(e)
	ids, ends := make([]uint32, len(texts)*n), make([]uint32, len(texts))
	for i, text := range texts {
		end := model.End(text)
		copy(ids[i*n:], text[:end+1])
		ends[i] = uint32(i*n + end)
	}
	if err := d.queue.WriteBuffer(e.ids.buffer, 0, wgpu.ToBytes(ids)); err != nil {
		return nil, fmt.Errorf("gpu: write token ids: %w", err)
	}
	if err := d.queue.WriteBuffer(e.ends.buffer, 0, wgpu.ToBytes(ends)); err != nil {
		return nil, fmt.Errorf("gpu: write end tokens: %w", err)
	}
	return e.run(ctx)
}

func (d *Device) textEncoder(t *model.TextTower, b, n int) (*encoder, error) {
	return d.borrow(programKey{t, b, n}, func() (*encoder, error) {
		e := &encoder{}
		var err error
		e.program, err = d.record(func(r *recorder) model.Tensor {
			e.ids = r.fixed("token ids", 4*uint64(b*n))
			e.ends = r.fixed("end tokens", 4*uint64(b))
			return t.Encode(r, model.Indices{N: b * n, Data: e.ids}, n, model.Indices{N: b, Data: e.ends})
		})
		return e, err
	})
}

// appendRows cuts y, n rows of one length, apart.
func appendRows(out [][]float32, y []float32, n int) [][]float32 {
	w := len(y) / n
	for i := range n {
		out = append(out, y[i*w:(i+1)*w:(i+1)*w])
	}
	return out
}
