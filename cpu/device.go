// Package cpu runs CLIP's operations in plain Go, in float32: the readable reference that every other engine is
// tested against, and the fallback where there is no GPU. Each operation is the shortest code that is still honest
// about its cost; all of them assume nothing of the sizes.
package cpu

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/clipside/clipside/model"
	"github.com/x448/float16"
)

// Device is the CPU as a model.Device.
type Device struct{ profile *model.Profile }

var _ model.Profiler = (*Device)(nil)

// New returns the CPU.
func New() *Device { return &Device{} }

// storage is a parameter's values, in float32 and without padding.
type storage struct {
	values []float32
	bytes  int64 // arrived, padding included
}

// NewParam implements model.Device.
func (d *Device) NewParam(name string, shape ...int) (*model.Param, error) {
	p := model.NewParam(name, shape...)
	p.Data = &storage{values: make([]float32, p.Len())}
	return p, nil
}

// Fill implements model.Device.
func (d *Device) Fill(p *model.Param, at int64, f16 []byte) error {
	s := p.Data.(*storage)
	row := p.Shape[len(p.Shape)-1]
	padded := (row + 3) &^ 3
	total := int64(p.Len() / row * padded * 2)
	if at != s.bytes || at+int64(len(f16)) > total || len(f16)%2 != 0 {
		return fmt.Errorf("cpu: %s: %d bytes at %d, have %d of %d", p.Name, len(f16), at, s.bytes, total)
	}
	for i := 0; i < len(f16); i += 2 {
		k := int(at/2) + i/2
		if c := k % padded; c < row {
			s.values[k/padded*row+c] = float16.Frombits(binary.LittleEndian.Uint16(f16[i:])).Float32()
		}
	}
	s.bytes += int64(len(f16))
	if s.bytes == total {
		p.Arrived(nil)
	}
	return nil
}

// EncodeImages implements model.Device. A pass is one picture.
func (d *Device) EncodeImages(ctx context.Context, t *model.ImageTower, px []model.Picture) ([][]float32, error) {
	p := px[0]
	if want := 4 * p.Size * p.Size; len(p.RGBA) != want {
		return nil, fmt.Errorf("cpu: a picture holds %d bytes, %d×%d RGBA takes %d", len(p.RGBA), p.Size, p.Size, want)
	}
	y, err := Run(ctx, func(o model.Ops) model.Tensor {
		o = d.metered(o)
		return t.Encode(o, model.Pixels{B: 1, Size: p.Size, Data: p.RGBA})
	})
	if err != nil {
		return nil, err
	}
	return [][]float32{y}, nil
}

// EncodeTexts implements model.Device. A pass is one text.
func (d *Device) EncodeTexts(ctx context.Context, t *model.TextTower, ids [][]uint32) ([][]float32, error) {
	tree, err := t.Tree(ids[:1], len(ids[0]))
	if err != nil {
		return nil, err
	}
	y, err := Run(ctx, func(o model.Ops) model.Tensor {
		o = d.metered(o)
		return t.Encode(o, model.Tokens{N: len(tree.Tokens), Longest: tree.Longest, Data: tree.Tokens}, o.Index(tree.Ends))
	})
	if err != nil {
		return nil, err
	}
	return [][]float32{y}, nil
}

// SetProfile implements model.Profiler.
func (d *Device) SetProfile(p *model.Profile) { d.profile = p }

// metered is o, its operations timed if that is asked for.
func (d *Device) metered(o model.Ops) model.Ops {
	if d.profile == nil {
		return o
	}
	return model.Metered(o, func(w model.Work) func() {
		began := time.Now()
		return func() { d.profile.Add(w, time.Since(began)) }
	})
}

// Info implements model.Device.
func (d *Device) Info() model.DeviceInfo { return model.DeviceInfo{Kind: "cpu"} }

// Release implements model.Device; the garbage collector has nothing else to be told.
func (d *Device) Release() {}

// Run runs operations and returns the values of the tensor they end in, without padding. Shapes that do not fit come
// back as a *model.ShapeError.
func Run(ctx context.Context, f func(model.Ops) model.Tensor) (y []float32, err error) {
	defer model.Catch(&err)
	return values(f(&ops{ctx})), nil
}

// Tensor is a matrix of the given values, [rows, cols], for operations under Run.
func Tensor(rows, cols int, v []float32) model.Tensor {
	model.Check(len(v) == rows*cols, "tensor", "%d values for [%d, %d]", len(v), rows, cols)
	return model.Tensor{Rows: rows, Cols: cols, Data: v}
}

// ops runs each operation at once; a Tensor's Data is its []float32, Indices' its []uint32, Tokens' its []model.Token,
// Pixels' its RGBA bytes.
type ops struct{ ctx context.Context }

var _ model.Ops = (*ops)(nil)

func values(t model.Tensor) []float32 { return t.Data.([]float32) }

func tensor(rows, cols int) model.Tensor {
	return model.Tensor{Rows: rows, Cols: cols, Data: make([]float32, rows*cols)}
}

// row is row i of t.
func row(t model.Tensor, i int) []float32 { return values(t)[i*t.Cols : (i+1)*t.Cols] }

// weight is a parameter's values, once they have arrived.
func (o *ops) weight(p *model.Param) []float32 {
	if err := p.Wait(o.ctx); err != nil {
		model.Fail(err)
	}
	return p.Data.(*storage).values
}

// alive stops the pass when the caller has given up.
func (o *ops) alive() {
	if err := context.Cause(o.ctx); err != nil {
		model.Fail(err)
	}
}

// split runs work over [0, n) in as many pieces as there are processors.
func split(n int, work func(lo, hi int)) {
	pieces := min(runtime.GOMAXPROCS(0), n)
	if pieces <= 1 {
		work(0, n)
		return
	}
	var wg sync.WaitGroup
	for i := range pieces {
		wg.Go(func() { work(n*i/pieces, n*(i+1)/pieces) })
	}
	wg.Wait()
}
