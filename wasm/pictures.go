//go:build js

package main

import (
	"context"
	"fmt"
	"syscall/js"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
)

// stripBytes is how much of a large picture's RGBA is fetched from JavaScript at a time.
const stripBytes = 4 << 20

// prepare makes the encoder's input of pictures (type Picture in site/clipside/engine.js): on the GPU, as they are
// encoded, where they are bitmaps, in Go where they are rows.
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
	plan, err := preprocess.NewPlan(source.Get("width").Int(), source.Get("height").Int(), s.clip.Image.Config.Size)
	if err != nil {
		return model.Picture{}, err
	}
	if bitmap.Truthy() {
		if s.gpu == nil {
			return model.Picture{}, fmt.Errorf("a bitmap, but the device is the CPU")
		}
		return s.gpu.Prepare(bitmap, plan)
	}
	rgba := make([]byte, 4*plan.Size*plan.Size)
	row := 4 * plan.Width
	rows := max(stripBytes/row, 1)
	end := plan.Window.Y + plan.Window.Height
	var strip []byte
	from, to := 0, 0 // rows in strip
	err = plan.RunRows(rgba, func(y int) ([]byte, error) {
		if y >= to {
			from, to = y, min(y+rows, end)
			strip = goBytes(p.Call("rows", from, to))
		}
		return strip[(y-from)*row:], nil
	})
	return model.Picture{Size: plan.Size, RGBA: rgba}, err
}
