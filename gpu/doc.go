// Package gpu runs CLIP's operations on WebGPU, in the browser (GOOS=js) and natively (wgpu-native, through cgo).
//
// An encoder's forward pass is recorded once for a batch of one size: each operation becomes a command, a
// pipeline with its buffers and grid. Buffers are shared out by liveness when the recording is complete, and from
// then on a call writes its inputs, replays the commands in one pass, and reads the embeddings back: it creates no
// GPU object but that pass's encoder. An operation's kernel is the .wgsl of the same name in package shaders; its twin
// in package cpu is the reference.
//
// This is the only package that imports cogentcore/webgpu. Built natively without cgo, it has no device to offer:
// Open returns ErrUnavailable.
package gpu

import "errors"

// ErrUnavailable is returned, wrapped, by Open where there is no WebGPU or no adapter.
var ErrUnavailable = errors.New("WebGPU is not available")

// ErrLost is returned, wrapped, by every call after the device was lost: the driver crashed, the GPU was unplugged, or
// the browser took it away. A new device must be opened and the weights loaded again.
var ErrLost = errors.New("the GPU device was lost")

// Options choose an adapter.
type Options struct {
	// Software allows an adapter that is a software rasteriser. It is slower than package cpu at most things.
	Software bool
	// Subgroups asks for them on a software adapter too, which has no use for them but to test the kernels that do.
	Subgroups bool
	// Timestamps asks the adapter to time operations itself, for a profile, where it can.
	Timestamps bool
}
