//go:build js || cgo

package gpu

import (
	"context"
	"fmt"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
	"github.com/cogentcore/webgpu/wgpu"
)

// Bounds on one pass, beside those of time.
const (
	maxImages         = 32
	maxSoftwareImages = 16 // more leave the CPU's caches: the starter's 32 took half as long again as twice 16
	maxTextTokens     = 1024
	// textStep is what the tokens of a pass are rounded up to a multiple of, shortText how many a short text has.
	textStep, shortText = 8, 16
	// maxPrograms are kept with their buffers.
	maxPrograms = 8
)

// encoder is a recorded tower with the inputs it reads. It runs once at a time.
type encoder struct {
	*program
	pixels       *slot     // images
	resizing     *resizing // nil before the first picture that is resized on the GPU
	tokens, ends *slot     // texts
}

// Compile makes the programs that encode one picture, one short text, and a few of them, so that the first calls find them.
// A tower may be nil. No weights are needed.
func (d *Device) Compile(image *model.ImageTower, text *model.TextTower) error {
	if text != nil {
		n := min(shortText, text.Config.Context)
		for _, batch := range []int{1, d.batchStep()} {
			_, giveBack, err := d.textEncoder(text, recording.Key{Tower: text, Batch: batch, Rows: n, Longest: n})
			if err != nil {
				return err
			}
			giveBack()
		}
	}
	if image != nil {
		_, giveBack, err := d.imageEncoder(image, 1)
		if err != nil {
			return err
		}
		giveBack()
	}
	return nil
}

// EncodeImages implements model.Device.
func (d *Device) EncodeImages(ctx context.Context, t *model.ImageTower, px []model.Picture) ([][]float32, error) {
	size := t.Config.Size
	px = px[:d.imageBatch(t, len(px))]
	for i, p := range px {
		if _, ok := p.Data.(*original); p.Size != size || !ok && len(p.RGBA) != 4*size*size {
			return nil, fmt.Errorf("gpu: picture %d is %d px with %d bytes, the encoder takes %d px RGBA", i, p.Size, len(p.RGBA), size)
		}
	}
	y, err := d.encodeImages(ctx, t, px)
	if err != nil {
		return nil, err
	}
	return recording.Split(y, len(px)), nil
}

// imageBatch is how many of so many pictures go into one pass.
func (d *Device) imageBatch(t *model.ImageTower, pictures int) int {
	most := d.most(recording.Key{Tower: t}, func(o model.Ops) model.Tensor {
		return t.Encode(o, model.Pixels{B: 1, Size: t.Config.Size})
	})
	if d.info.Software {
		most = min(most, maxSoftwareImages)
	}
	return recording.Batch(pictures, min(maxImages, most))
}

// encodeImages encodes pictures in one pass.
func (d *Device) encodeImages(ctx context.Context, t *model.ImageTower, px []model.Picture) ([]float32, error) {
	e, giveBack, err := d.imageEncoder(t, len(px))
	if err != nil {
		return nil, err
	}
	defer giveBack()
	d.resizing.Lock() // until the last picture is resized
	defer d.resizing.Unlock()
	last, err := d.load(e, px)
	if err != nil {
		return nil, err
	}
	defer d.resizer.trim()
	return e.run(ctx, last...)
}

func (d *Device) imageEncoder(t *model.ImageTower, n int) (*encoder, func(), error) {
	return d.programs.Borrow(recording.Key{Tower: t, Batch: n}, func() (*encoder, error) {
		e := &encoder{}
		var err error
		e.program, err = d.record(func(r *recorder) model.Tensor {
			size := t.Config.Size
			e.pixels = r.fixed("pixels", 4*uint64(n*size*size))
			return t.Encode(r.metered(), model.Pixels{B: n, Size: size, Data: e.pixels})
		})
		return e, err
	})
}

// load puts pictures into an encoder's input. Those that are resized on the GPU share the resizer, so that each but the
// last is submitted; last is the one that is left to go with the encoder's own commands.
func (d *Device) load(e *encoder, px []model.Picture) (last []span, err error) {
	size := 4 * px[0].Size * px[0].Size
	for i := 0; i < len(px); {
		at := i
		if o, ok := px[i].Data.(*original); ok {
			if last != nil {
				if err = e.submit(last); err != nil {
					return nil, err
				}
			}
			if err = d.resizer.load(e, i, o); err == nil {
				last = []span{e.resizing.all()}
			}
			i++
		} else {
			var levels [][]byte
			for ; i < len(px) && px[i].Data == nil; i++ {
				levels = append(levels, px[i].RGBA)
			}
			err = d.writeAll(e.pixels.buffer, uint64(at*size), levels)
		}
		if err != nil {
			return nil, fmt.Errorf("gpu: load picture %d: %w", at, err)
		}
	}
	return last, nil
}

// EncodeTexts implements model.Device.
func (d *Device) EncodeTexts(ctx context.Context, t *model.TextTower, texts [][]uint32) ([][]float32, error) {
	tree, key, err := recording.Texts(t, texts, d.textRows(t), textStep, d.batchStep())
	if err != nil {
		return nil, err
	}
	n := len(tree.Ends)
	tree.Pad(key.Rows, key.Batch)
	e, giveBack, err := d.textEncoder(t, key)
	if err != nil {
		return nil, err
	}
	defer giveBack()
	if err := d.write(e.tokens.buffer, 0, wgpu.ToBytes(tree.Tokens)); err != nil {
		return nil, fmt.Errorf("gpu: write tokens: %w", err)
	}
	if err := d.write(e.ends.buffer, 0, wgpu.ToBytes(tree.Ends)); err != nil {
		return nil, fmt.Errorf("gpu: write end tokens: %w", err)
	}
	y, err := e.run(ctx)
	if err != nil {
		return nil, err
	}
	return recording.Split(y, key.Batch)[:n], nil
}

// batchStep is what a pass's texts are rounded up to a multiple of, if they are several: the rows of the last layer, which
// kernels of few rows make. Those of software adapters are compiled for their rows, up to registerRows.
func (d *Device) batchStep() int {
	if d.info.Software {
		return registerRows
	}
	return rowTileRows
}

// textRows is how many tokens go into one pass at most.
func (d *Device) textRows(t *model.TextTower) int {
	n := min(shortText, t.Config.Context)
	most := d.most(recording.Key{Tower: t}, func(o model.Ops) model.Tensor {
		return t.Encode(o, model.Tokens{N: n, Longest: t.Config.Context}, model.Indices{N: 1})
	})
	return min(maxTextTokens, most*n)
}

func (d *Device) textEncoder(t *model.TextTower, key recording.Key) (*encoder, func(), error) {
	return d.programs.Borrow(key, func() (*encoder, error) {
		e := &encoder{}
		var err error
		e.program, err = d.record(func(r *recorder) model.Tensor {
			e.tokens, e.ends = r.fixed("tokens", recording.TokenBytes*uint64(key.Rows)), r.fixed("end tokens", 4*uint64(key.Batch))
			return t.Encode(r.metered(), model.Tokens{N: key.Rows, Longest: key.Longest, Data: e.tokens}, model.Indices{N: key.Batch, Data: e.ends})
		})
		return e, err
	})
}

// Release frees the encoder's buffers.
func (e *encoder) Release() {
	if e.resizing != nil {
		e.resizing.Release()
	}
	e.program.Release()
}
