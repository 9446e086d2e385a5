// Package simd runs CLIP's operations on the CPU through a small hand-written WebAssembly SIMD module, kernels.wat:
// Go decides, the module computes. It is what package cpu would be if Go's compiler vectorised, and is tested against
// it.
//
// As in package gpu, a forward pass is recorded once for a batch of one size, as commands in the module's
// memory; a call writes its inputs, makes one call into the module, and reads the embeddings.
package simd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
)

// ErrUnavailable is returned, wrapped, where WebAssembly SIMD is not to be had.
var ErrUnavailable = errors.New("WebAssembly SIMD is not available")

// machine is an instance of kernels.wasm with its memory.
type machine interface {
	// grow makes the memory at least size bytes.
	grow(size uint64) error
	write(at uint32, data []byte)
	read(at uint32, data []byte)
	// offer lets other threads begin with a command, once the one before is done. The next offer or run sees to the
	// rest of it.
	offer(at uint32) error
	// run runs the commands in [at, end) on all threads that are there, after what was offered.
	run(at, end uint32) error
	// pack, packTransposed, widen and winogradWeights are the module's functions of these names: pack0, or where panels
	// stay fp16 pack1.
	pack(halves bool, src, count, panels, from, k uint32) error
	packTransposed(src, count, panels, from, k, n uint32) error
	widen(src, count, dst uint32) error
	winogradWeights(src, n, k, dst uint32) error
	// rest lets others have the thread, unless they have had it since the last run: in a browser, an abort can only
	// arrive then.
	rest()
	threads() int
	close()
}

// Device is the CPU, by way of the module, as a model.Device.
type Device struct {
	m        machine
	features []string
	mostWide int // of the constant's name, for tests to change

	mu       sync.Mutex // guards memory; the module itself runs one call at a time
	memory   memory
	staging  uint32 // where arriving weights are put for pack and widen
	programs recording.Programs[recording.Key, *encoder]
	resizes  recording.Programs[resizable, *resizing]
	profile  *model.Profile
}

var _ model.Profiler = (*Device)(nil)

const (
	// stagingBytes of fp16 are packed at a time.
	stagingBytes = 256 << 10
	maxPrograms  = 8
	maxResizes   = 4
	// mostWide is how many values a matrix has at most to be kept as float32; larger ones stay fp16, so that half as much
	// is held, and read from memory, for 1 or 2 % more arithmetic with a picture's rows. Models whose matrices are all
	// smaller fit a cache.
	mostWide = 1 << 18
	// maxTextTokens bounds a pass over texts. Half of it fills the matrix kernel; more leaves more for threads to share.
	maxTextTokens = 512
	textStep      = 4 // the matrix kernel's rows
	// maxImageTokens bounds a pass over pictures, beside their memory.
	maxImageTokens = 256
	// cachedActivations is how many bytes of the widest layer's activations may be at work at once.
	cachedActivations = 2 << 20
)

func newDevice(m machine, features ...string) (*Device, error) {
	d := &Device{m: m, features: features, mostWide: mostWide}
	d.memory.grow = m.grow
	d.programs.Max, d.resizes.Max = maxPrograms, maxResizes
	var err error
	d.staging, _, err = d.memory.alloc(stagingBytes)
	return d, err
}

// storage is a parameter in the module's memory.
type storage struct {
	at      uint32
	form    form
	total   int64 // fp16 bytes, padding included
	arrived int64
	staging uint32 // where fp16 waits for the rest of it; of form winograd alone, while it arrives
}

// form is how a parameter lies in memory.
type form int

const (
	panels        form = iota // a matrix: [⌈n/8⌉][k][8] float32
	halfPanels                // the same in fp16: a large matrix
	wide                      // a vector: float32, zero up to a multiple of 8
	halves                    // a table: fp16 as it came
	winograd                  // a convolution's 16 matrices of Winograd's filtering, each as panels
	keysAndValues             // an attention pool's: the transpose of the first half, then the second half, each as panels
)

// NewParam implements model.Device.
func (d *Device) NewParam(name string, shape ...int) (*model.Param, error) {
	p := model.NewParam(name, shape...)
	row := padded(shape[len(shape)-1])
	count := p.Len() / shape[len(shape)-1] * row
	s := &storage{total: int64(count) * 2}
	var size uint64
	switch {
	case winogradShape(shape):
		s.form = winograd
		size = 16 * uint64((shape[0]+7)&^7) * uint64(row) * 4
	case p.Matrix():
		if s.form = panels; p.KeysAndValues() && shape[1]%8 == 0 {
			s.form = keysAndValues
		}
		size = uint64((shape[0]+7)&^7) * uint64(count/shape[0]) * 4
		if s.form == panels && count > d.mostWide {
			s.form = halfPanels
			size /= 2
		}
	case len(shape) == 1:
		s.form = wide
		size = uint64(count+7) &^ 7 * 4
	default:
		s.form = halves
		size = uint64(count) * 2
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at, fresh, err := d.memory.alloc(size)
	if err != nil {
		return nil, fmt.Errorf("simd: %s: %w", name, err)
	}
	if !fresh { // what is fresh is touched by its values only: a first touch costs more than the packing
		d.clear(at, size)
	}
	s.at, p.Data = at, s
	return p, nil
}

// clear zeroes memory that may have been used before.
func (d *Device) clear(at uint32, size uint64) {
	var zeros [64 << 10]byte
	for size > 0 {
		n := min(size, uint64(len(zeros)))
		d.m.write(at, zeros[:n])
		at, size = at+uint32(n), size-n
	}
}

// Fill implements model.Device.
func (d *Device) Fill(p *model.Param, at int64, f16 []byte) error {
	s := p.Data.(*storage)
	if at != s.arrived || at+int64(len(f16)) > s.total || len(f16)%8 != 0 {
		return fmt.Errorf("simd: %s: %d bytes at %d, have %d of %d", p.Name, len(f16), at, s.arrived, s.total)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.form == winograd {
		return d.fillWinograd(p, s, f16)
	}
	for len(f16) > 0 {
		n := min(len(f16), stagingBytes)
		if half := s.total / 2; s.form == keysAndValues && s.arrived < half {
			n = min(n, int(half-s.arrived)) // the halves are stored in different ways
		}
		if err := d.store(p, s, f16[:n]); err != nil {
			return fmt.Errorf("simd: %s: %w", p.Name, err)
		}
		s.arrived += int64(n)
		f16 = f16[n:]
	}
	if s.arrived == s.total {
		p.Arrived(nil)
	}
	return nil
}

// fillWinograd keeps what comes until all is there, and transforms it.
func (d *Device) fillWinograd(p *model.Param, s *storage, f16 []byte) (err error) {
	if s.arrived == 0 {
		if s.staging, _, err = d.memory.alloc(uint64(s.total)); err != nil {
			return fmt.Errorf("simd: %s: %w", p.Name, err)
		}
	}
	d.m.write(s.staging+uint32(s.arrived), f16)
	if s.arrived += int64(len(f16)); s.arrived < s.total {
		return nil
	}
	defer d.memory.release(s.staging)
	if err := d.m.winogradWeights(s.staging, uint32(p.Shape[0]), uint32(padded(p.Shape[3])), s.at); err != nil {
		return fmt.Errorf("simd: %s: %w", p.Name, err)
	}
	p.Arrived(nil)
	return nil
}

// store puts the next values of p into its form.
func (d *Device) store(p *model.Param, s *storage, f16 []byte) error {
	from, count := uint32(s.arrived/2), uint32(len(f16)/2)
	if s.form == halves {
		d.m.write(s.at+2*from, f16)
		return nil
	}
	d.m.write(d.staging, f16)
	if s.form == wide {
		return d.m.widen(d.staging, count, s.at+4*from)
	}
	at, k := s.at, uint32(s.total/2)/uint32(p.Shape[0])
	if half := k * k; s.form == keysAndValues {
		if from < half {
			return d.m.packTransposed(d.staging, count, at, from, k, k)
		}
		at, from = at+4*half, from-half
	}
	return d.m.pack(s.form == halfPanels, d.staging, count, at, from, k)
}

// encoder is a recorded tower with the inputs it reads.
type encoder struct {
	*program
	pixels, tokens, ends uint32 // addresses
}

// EncodeImages implements model.Device.
func (d *Device) EncodeImages(ctx context.Context, t *model.ImageTower, px []model.Picture) ([][]float32, error) {
	size := t.Config.Size
	px = px[:recording.Batch(len(px), maxImages(&t.Config))]
	for i, p := range px {
		if p.Size != size || len(p.RGBA) != 4*size*size {
			return nil, fmt.Errorf("simd: picture %d is %d px with %d bytes, the encoder takes %d px RGBA", i, p.Size, len(p.RGBA), size)
		}
	}
	d.m.rest()
	y, err := d.encodeImages(ctx, t, px)
	if err != nil {
		return nil, err
	}
	return recording.Split(y, len(px)), nil
}

// maxImages is how many pictures are encoded at once: as many as share a reading of the weights without their
// activations leaving the cache.
func maxImages(c *model.ImageConfig) int {
	rows, widest := c.Tokens(), 4*c.Tokens()*c.Width
	if c.Kind == model.ResNet {
		rows, widest = c.Tokens(), c.Size/2*c.Size/2*c.Width
	}
	return max(1, min(maxImageTokens/rows, cachedActivations/(4*widest)))
}

// encodeImages encodes pictures in one pass.
func (d *Device) encodeImages(ctx context.Context, t *model.ImageTower, px []model.Picture) ([]float32, error) {
	size, bytes := px[0].Size, len(px[0].RGBA)
	e, giveBack, err := d.programs.Borrow(recording.Key{Tower: t, Batch: len(px)}, func() (*encoder, error) {
		e := &encoder{}
		var err error
		e.program, err = d.record(func(r *recorder) model.Tensor {
			e.pixels = r.fixed(uint64(len(px) * bytes))
			return t.Encode(r.metered(), model.Pixels{B: len(px), Size: size, Data: e.pixels})
		})
		return e, err
	})
	if err != nil {
		return nil, err
	}
	defer giveBack()
	for i, p := range px {
		d.m.write(e.pixels+uint32(i*bytes), p.RGBA)
	}
	return e.run(ctx)
}

// EncodeTexts implements model.Device.
func (d *Device) EncodeTexts(ctx context.Context, t *model.TextTower, texts [][]uint32) ([][]float32, error) {
	tree, key, err := recording.Texts(t, texts, maxTextTokens, textStep, textStep)
	if err != nil {
		return nil, err
	}
	d.m.rest()
	n := len(tree.Ends)
	tree.Pad(key.Rows, key.Batch)
	e, giveBack, err := d.programs.Borrow(key, func() (*encoder, error) {
		e := &encoder{}
		var err error
		e.program, err = d.record(func(r *recorder) model.Tensor {
			e.tokens, e.ends = r.fixed(recording.TokenBytes*uint64(key.Rows)), r.fixed(4*uint64(key.Batch))
			return t.Encode(r.metered(), model.Tokens{N: key.Rows, Longest: key.Longest, Data: e.tokens}, model.Indices{N: key.Batch, Data: e.ends})
		})
		return e, err
	})
	if err != nil {
		return nil, err
	}
	defer giveBack()
	d.m.write(e.tokens, tokenWords(tree.Tokens))
	d.m.write(e.ends, words(tree.Ends...))
	y, err := e.run(ctx)
	if err != nil {
		return nil, err
	}
	return recording.Split(y, key.Batch)[:n], nil
}

// SetProfile implements model.Profiler.
func (d *Device) SetProfile(p *model.Profile) { d.profile = p }

// Info implements model.Device.
func (d *Device) Info() model.DeviceInfo {
	return model.DeviceInfo{Kind: "cpu", Features: d.features}
}

// Release implements model.Device. The memory goes when the module does.
func (d *Device) Release() {
	d.programs.Release()
	d.resizes.Release()
	d.m.close()
}

// padded is a row's length in memory: n rounded up to a multiple of 4.
func padded(n int) int { return (n + 3) &^ 3 }

// words are 32-bit words as the module's memory holds them.
func words(v ...uint32) []byte {
	var b []byte
	for _, w := range v {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func bits(f float32) uint32 { return math.Float32bits(f) }
