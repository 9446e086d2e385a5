//go:build js

package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall/js"

	"github.com/clipside/clipside/cpu/simd"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
)

// prepare makes the encoder's input of pictures (type Picture in site/clipside/engine.js): on the GPU, as they are
// encoded, where they are bitmaps, on the CPU where their pixels are to be read.
func (s *session) prepare(ctx context.Context, pictures js.Value) ([]model.Picture, error) {
	if s.clip.Image == nil {
		return nil, &model.InputError{Problem: "the image encoder was not loaded"}
	}
	px := make([]model.Picture, pictures.Length())
	for i := range px {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		var err error
		if px[i], err = s.prepareOne(pictures.Index(i)); err != nil {
			return nil, fmt.Errorf("picture %d: %w", i+1, err)
		}
	}
	return px, nil
}

func (s *session) prepareOne(p js.Value) (model.Picture, error) {
	bitmap := p.Get("bitmap")
	source := p
	if bitmap.Truthy() {
		source = bitmap
	}
	plan, err := planFor(source.Get("width").Int(), source.Get("height").Int(), s.clip.Image.Config.Size)
	if err != nil {
		return model.Picture{}, err
	}
	if bitmap.Truthy() {
		if s.gpu == nil {
			return model.Picture{}, fmt.Errorf("a bitmap, but the device is the CPU")
		}
		return s.gpu.Prepare(bitmap, plan)
	}
	alpha := alphas[p.Get("alpha").String()]
	rgba := wholePicture(p, plan, alpha)
	if rgba == nil {
		resizer, ok := s.clip.Device.(resizer)
		if !ok {
			resizer = spareResizer()
		}
		rgba, err = resizer.Resize(plan, alpha, func(strips ...any) error {
			return await(js.Global().Call("clipsideReadStrips", append([]any{p}, strips...)...))
		})
		if err != nil {
			return model.Picture{}, err
		}
	}
	if p.Get("bgr").Bool() {
		for i := 0; i < len(rgba); i += 4 {
			rgba[i], rgba[i+2] = rgba[i+2], rgba[i]
		}
	}
	return model.Picture{Size: plan.Size, RGBA: rgba}, nil
}

// plans are the last ones, newest first: albums have few sizes.
var plans []*preprocess.Plan

const maxPlans = 4

func planFor(width, height, size int) (*preprocess.Plan, error) {
	i := slices.IndexFunc(plans, func(p *preprocess.Plan) bool { return p.Width == width && p.Height == height && p.Size == size })
	if i >= 0 {
		p := plans[i]
		plans = slices.Insert(slices.Delete(plans, i, i+1), 0, p)
		return p, nil
	}
	p, err := preprocess.NewPlan(width, height, size)
	if err != nil {
		return nil, err
	}
	plans = slices.Insert(plans, 0, p)
	plans = plans[:min(len(plans), maxPlans)]
	return p, nil
}

// resizer is what package simd's Device can do beside being a model.Device.
type resizer interface {
	// Resize has read call readStrips of site/clipside/strips.js with the picture and the arguments that it passes.
	Resize(plan *preprocess.Plan, alpha preprocess.Alpha, read func(strips ...any) error) ([]byte, error)
}

// alphas are those of type Pixels in site/clipside/engine.js.
var alphas = map[string]preprocess.Alpha{
	"none": preprocess.Opaque, "straight": preprocess.Straight, "premultiplied": preprocess.Premultiplied,
}

// spareResizer is for models whose device is none. It has no weights, and stays until the Worker ends.
var spareResizer = sync.OnceValue(func() resizer {
	if d, err := simd.New(); err == nil {
		return d
	}
	return plainResizer{}
})

// plainResizer is in Go alone.
type plainResizer struct{}

// stripBytes is how much of a picture it reads at a time.
const stripBytes = 1 << 20

func (plainResizer) Resize(plan *preprocess.Plan, alpha preprocess.Alpha, read func(strips ...any) error) ([]byte, error) {
	rgba := make([]byte, 4*plan.Size*plan.Size)
	w := plan.Window
	row := 4 * w.Width
	rows := max(stripBytes/row, 1)
	end := w.Y + w.Height
	into := uint8Array.New(rows * row)
	strip := make([]byte, rows*row)
	from, to := 0, 0 // rows in strip
	err := plan.RunRows(rgba, func(y int) ([]byte, error) {
		if y >= to {
			from, to = y, min(y+rows, end)
			if err := read(w.X, from, w.Width, to-from, rows, into, into, nil, 0, 0); err != nil {
				return nil, err
			}
			js.CopyBytesToGo(strip, into)
			overWhite(strip, alpha)
		}
		return strip[(y-from)*row:], nil
	})
	return rgba, err
}

func overWhite(pix []byte, alpha preprocess.Alpha) {
	switch alpha {
	case preprocess.Straight:
		preprocess.OverWhite(pix)
	case preprocess.Premultiplied:
		preprocess.PremultipliedOverWhite(pix)
	}
}

// wholePicture is one that has the encoder's size and is in memory as it is; nil for others.
func wholePicture(p js.Value, plan *preprocess.Plan, alpha preprocess.Alpha) []byte {
	all := p.Get("all")
	if plan.Width != plan.Size || plan.Height != plan.Size || !all.Truthy() {
		return nil
	}
	rgba := make([]byte, 4*plan.Size*plan.Size)
	js.CopyBytesToGo(rgba, all)
	overWhite(rgba, alpha)
	return rgba
}
