package main

import (
	"fmt"
	"os"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
	"github.com/clipside/clipside/preprocess/decode"
)

// photosAtOnce is how many photos a device gets in one call. Only the squares that the model sees are kept that long.
const photosAtOnce = 8

// readPhoto reads a photo's file and makes the square picture that an image encoder of the given size takes.
func readPhoto(file string, size int) (model.Picture, error) {
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
