//go:build js || cgo

package gpu

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
	"github.com/cogentcore/webgpu/wgpu"
	"github.com/x448/float16"
)

// Device is a GPU as a model.Device.
type Device struct {
	dev    *wgpu.Device
	queue  *wgpu.Queue
	limits wgpu.Limits
	info   model.DeviceInfo
	store  shaders.Store

	programs  recording.Programs[recording.Key, *encoder] // whose lock guards layouts and pipelines too
	layouts   map[string]*layout
	pipelines map[string]*pipeline

	tuned       map[shape]tuning // the fastest tiles of products, as measured
	refused     []tile           // by the adapter, when they were measured
	only        *tile            // what all products are made with, while tiles are measured or tested
	onlySharing *sharing         // of all attentions, in tests
	rate        float64          // FLOP a second: what the adapter does at least of large products
	costs       map[recording.Key]cost

	weights []*weight
	profile *model.Profile

	resizing sync.Mutex // held while pictures are resized; guards resizer
	resizer  resizer

	scopes sync.Mutex // held by checked

	mu   sync.Mutex
	lost error // why the device is gone; guarded by mu
}

var _ model.Profiler = (*Device)(nil)

// Features of adapters.
const (
	shaderF16  = "shader-f16"
	subgroups  = "subgroups"
	timestamps = "timestamp-query"
)

// Open returns a device of the default adapter, with the features and limits that the kernels profit from.
func Open(o Options) (*Device, error) { return open(o) }

func (d *Device) init(dev *wgpu.Device, info model.DeviceInfo, store shaders.Store) {
	d.dev, d.queue, d.limits, d.info, d.store = dev, dev.GetQueue(), dev.GetLimits().Limits, info, store
	d.layouts, d.pipelines = map[string]*layout{}, map[string]*pipeline{}
	d.programs.Max = maxPrograms
	d.resizer.d = d
	d.costs = map[recording.Key]cost{}
	d.rate = unmeasuredRate
	if info.Software {
		d.rate = softwareRate
	}
}

// Info implements model.Device.
func (d *Device) Info() model.DeviceInfo { return d.info }

// MaxTextureSide is the largest picture side that Prepare takes.
func (d *Device) MaxTextureSide() int { return int(d.limits.MaxTextureDimension2D) }

// fail records why the device is gone; only the first reason counts.
func (d *Device) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lost == nil {
		d.lost = err
	}
}

// alive returns why the device is gone, or nil.
func (d *Device) alive() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
}

// Release implements model.Device.
func (d *Device) Release() {
	d.fail(fmt.Errorf("%w: released", ErrLost))
	d.programs.Release()
	for _, w := range d.weights {
		release(w.buffer)
	}
	d.weights = nil
	d.resizer.release()
	d.destroy()
}

// weight is a parameter's storage on the GPU: fp16, or float32 where the store says so.
type weight struct {
	buffer  *wgpu.Buffer
	total   int64 // fp16 bytes, padding included
	arrived int64
}

// NewParam implements model.Device.
func (d *Device) NewParam(name string, shape ...int) (*model.Param, error) {
	if err := d.alive(); err != nil {
		return nil, err
	}
	p := model.NewParam(name, shape...)
	row := shape[len(shape)-1]
	halves := int64(p.Len()/row) * int64(padded(row)/4)
	size := uint64(halves) * uint64(d.store.HalvesBytes())
	if limit := d.mostBound(); size > limit {
		return nil, fmt.Errorf("gpu: %w: %s takes %d MiB, and this adapter binds at most %d MiB", model.ErrMemory, name, size>>20, limit>>20)
	}
	b, err := d.buffer(name, size, wgpu.BufferUsageStorage|wgpu.BufferUsageCopyDst)
	if err != nil {
		return nil, err
	}
	w := &weight{buffer: b, total: halves * 8}
	d.weights = append(d.weights, w)
	p.Data = w
	return p, nil
}

// mostBound is how many bytes a kernel is given in one buffer at most.
func (d *Device) mostBound() uint64 {
	return min(d.limits.MaxStorageBufferBindingSize, d.limits.MaxBufferSize)
}

// Fill implements model.Device.
func (d *Device) Fill(p *model.Param, at int64, f16 []byte) error {
	if err := d.alive(); err != nil {
		return err
	}
	w := p.Data.(*weight)
	if at != w.arrived || at+int64(len(f16)) > w.total || len(f16)%8 != 0 {
		return fmt.Errorf("gpu: %s: %d bytes at %d, have %d of %d", p.Name, len(f16), at, w.arrived, w.total)
	}
	if err := d.upload(w.buffer, at, f16); err != nil {
		return fmt.Errorf("gpu: upload %s: %w", p.Name, err)
	}
	w.arrived += int64(len(f16))
	if w.arrived == w.total {
		p.Arrived(nil)
	}
	return nil
}

// upload writes fp16 values, widened if the store asks for it.
func (d *Device) upload(b *wgpu.Buffer, at int64, f16 []byte) error {
	if d.store != shaders.F32 {
		return d.write(b, uint64(at), f16)
	}
	const step = 64 << 10 // bytes of fp16 widened at a time
	table, buf := widened(), make([]byte, 2*step)
	for len(f16) > 0 {
		n := min(step, len(f16))
		wide := buf[:2*n]
		for i := 0; i < n; i += 2 {
			binary.LittleEndian.PutUint32(wide[2*i:], table[binary.LittleEndian.Uint16(f16[i:])])
		}
		if err := d.write(b, uint64(at)*2, wide); err != nil {
			return err
		}
		at, f16 = at+int64(n), f16[n:]
	}
	return nil
}

// widened has every fp16 value's fp32 bits: looking one up is three times as fast in WebAssembly as computing it.
var widened = sync.OnceValue(func() *[1 << 16]uint32 {
	var table [1 << 16]uint32
	for i := range table {
		table[i] = math.Float32bits(float16.Frombits(uint16(i)).Float32())
	}
	return &table
})

// buffer makes a GPU buffer of at least 16 bytes.
func (d *Device) buffer(label string, size uint64, usage wgpu.BufferUsage) (*wgpu.Buffer, error) {
	size = max((size+3)&^3, 16)
	b, err := d.dev.CreateBuffer(&wgpu.BufferDescriptor{Label: label, Size: size, Usage: usage})
	if err != nil {
		return nil, fmt.Errorf("gpu: buffer %s of %d bytes: %w", label, size, err)
	}
	return b, nil
}

// padded is a row's length in memory: n rounded up to a multiple of 4.
func padded(n int) int { return (n + 3) &^ 3 }
