package model

import (
	"context"
	"errors"
)

// ErrMemory is returned, wrapped, by a device that has no room left.
var ErrMemory = errors.New("out of memory")

// Device runs encoders: package cpu's, cpu/simd's or gpu's. Its methods may be called from several goroutines, for one tower
// too, while parameters are still being filled; Fill itself is called by one goroutine at a time for a tower.
type Device interface {
	// NewParam reserves storage for a parameter. The error is of the device (such as ErrMemory), not of the model.
	NewParam(name string, shape ...int) (*Param, error)

	// Fill stores values of p that have arrived: fp16, little-endian, rows padded as package bundle lays them out,
	// from byte offset at on. Calls come in order and without gaps; the last one makes p ready.
	Fill(p *Param, at int64, f16 []byte) error

	// EncodeImages makes one pass: it returns the L2-normalised embeddings of the first of px, at least one, as many
	// as the device takes at once, [n][EmbedDim]. A pass is bounded in time, so that a call can be aborted between
	// passes.
	EncodeImages(ctx context.Context, t *ImageTower, px []Picture) ([][]float32, error)

	// EncodeTexts does the same for token sequences (start and end tokens included, no padding). What a text has in
	// common with the beginning of the one before it is computed once (see PrefixTree).
	EncodeTexts(ctx context.Context, t *TextTower, ids [][]uint32) ([][]float32, error)

	Info() DeviceInfo

	// Release frees everything that the device holds. Later calls fail.
	Release()
}

// Picture is one square picture, already resized and cropped: Size×Size, RGBA, 8 bits a channel, alpha ignored.
// A device that prepares pictures itself keeps its own form in Data and leaves RGBA nil.
type Picture struct {
	Size int
	RGBA []byte
	Data any
}

// DeviceInfo is what a user may want to know of the device in use.
type DeviceInfo struct {
	Kind     string   // "webgpu" or "cpu"
	Adapter  string   // the GPU's name as its driver gives it; "" for the CPU
	Software bool     // the adapter is a software rasteriser
	Features []string // adapter features in use: "shader-f16", …
}
