package main

import (
	"context"
	"fmt"
	"os"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
	"github.com/clipside/clipside/preprocess/decode"
)

// photosAtOnce is how many photos a device gets in one call. Only the squares that the model sees are kept that long.
const photosAtOnce = 8

// readPhoto reads a photo's file and makes the square picture that an image encoder of the given size takes. An
// interruption is not kept waiting by a pipe that nothing comes from.
func readPhoto(ctx context.Context, file string, size int) (model.Picture, error) {
	type photo struct {
		picture model.Picture
		err     error
	}
	read := make(chan photo, 1)
	go func() {
		p, err := squarePhoto(file, size)
		read <- photo{p, err}
	}()
	select {
	case p := <-read:
		return p.picture, p.err
	case <-ctx.Done():
		return model.Picture{}, ctx.Err()
	}
}

func squarePhoto(file string, size int) (model.Picture, error) {
	f, err := os.Open(file)
	if err != nil {
		return model.Picture{}, err // names the file
	}
	defer f.Close()
	img, err := decode.Read(f)
	if err != nil {
		return model.Picture{}, fmt.Errorf("%s: %w", file, err)
	}
	rgba, err := preprocess.Square(img, size)
	if err != nil {
		return model.Picture{}, fmt.Errorf("%s: %w", file, err)
	}
	return model.Picture{Size: size, RGBA: rgba}, nil
}
