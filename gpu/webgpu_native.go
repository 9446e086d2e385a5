//go:build cgo && !js

package gpu

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
	"github.com/cogentcore/webgpu/wgpu"
)

// This file is what differs natively, on wgpu-native: everything is synchronous, and errors come back from the calls.

// instance is the process's only one. It must be made without a descriptor: this binding leaves parts of those
// uninitialised.
var instance = sync.OnceValue(func() *wgpu.Instance {
	wgpu.SetLogLevel(wgpu.LogLevelOff) // it would write to stderr what the errors say anyway
	return wgpu.CreateInstance(nil)
})

func open(o Options) (*Device, error) {
	adapter, err := instance().RequestAdapter(&wgpu.RequestAdapterOptions{PowerPreference: wgpu.PowerPreferenceHighPerformance})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer adapter.Release()
	i := adapter.GetInfo()
	name := strings.TrimSpace(i.DriverDescription) // wgpu-native puts the name there, and numbers in Name
	if name == "" {
		name = i.Name
	}
	info := model.DeviceInfo{Kind: "webgpu", Adapter: name, Software: i.AdapterType == wgpu.AdapterTypeCPU}
	if info.Software && !o.Software {
		return nil, fmt.Errorf("%w: the only adapter is software (%s), slower than the CPU itself", ErrUnavailable, info.Adapter)
	}
	limits := wgpu.DefaultLimits()
	have := adapter.GetLimits().Limits
	limits.MaxBufferSize = have.MaxBufferSize
	limits.MaxStorageBufferBindingSize = have.MaxStorageBufferBindingSize
	limits.MaxTextureDimension2D = have.MaxTextureDimension2D
	limits.MaxPushConstantSize = 0
	// The binding's device-lost callback breaks cgo's pointer rules; a lost device shows in the next call's error.
	dev, err := adapter.RequestDevice(&wgpu.DeviceDescriptor{RequiredLimits: &wgpu.RequiredLimits{Limits: limits}})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	// This wgpu's shader compiler knows no f16, whatever the adapter: weights are unpacked.
	store := shaders.Packed
	if info.Software {
		store = shaders.F32
	}
	d := &Device{}
	d.init(dev, info, store)
	return d, nil
}

func (d *Device) write(b *wgpu.Buffer, at uint64, data []byte) error {
	return d.queue.WriteBuffer(b, at, data)
}

// writeAll writes parts one after the other.
func (d *Device) writeAll(b *wgpu.Buffer, at uint64, parts [][]byte) error {
	for _, p := range parts {
		if err := d.write(b, at, p); err != nil {
			return err
		}
		at += uint64(len(p))
	}
	return nil
}

// Checked runs f; natively each call reports its own errors.
func (d *Device) Checked(f func() error) error {
	d.scopes.Lock()
	defer d.scopes.Unlock()
	return f()
}

func (d *Device) compile(p *pipeline, source string) {
	defer close(p.ready)
	module, err := d.dev.CreateShaderModule(&wgpu.ShaderModuleDescriptor{
		Label: p.kernel.name, WGSLDescriptor: &wgpu.ShaderModuleWGSLDescriptor{Code: source},
	})
	if err != nil {
		p.err = fmt.Errorf("gpu: compile %s: %w", p.kernel.name, err)
		return
	}
	defer module.Release()
	p.gpu, err = d.dev.CreateComputePipeline(&wgpu.ComputePipelineDescriptor{
		Label: p.kernel.name, Layout: p.layout.pipeline,
		Compute: wgpu.ProgrammableStageDescriptor{Module: module, EntryPoint: "main"},
	})
	if err != nil {
		p.err = fmt.Errorf("gpu: compile %s: %w", p.kernel.name, err)
	}
}

// read maps the first size bytes of a read-back buffer and copies them out.
func (d *Device) read(b *wgpu.Buffer, size int) ([]byte, error) {
	// The binding hands C a pointer to the callback's handle and forgets it, so the garbage collector must not run
	// before the callback has: the GPU is left to finish first, and then mapping is brief.
	d.dev.Poll(true, nil)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	status := wgpu.BufferMapAsyncStatusUnknown
	if err := b.MapAsync(wgpu.MapModeRead, 0, uint64(size), func(s wgpu.BufferMapAsyncStatus) { status = s }); err != nil {
		return nil, err
	}
	d.dev.Poll(true, nil)
	if status != wgpu.BufferMapAsyncStatusSuccess {
		return nil, fmt.Errorf("map: %v", status)
	}
	out := append([]byte(nil), b.GetMappedRange(0, uint(size))...)
	return out, b.Unmap()
}

// commandList is a program's commands in the form in which they are submitted.
type commandList []*command

func newCommandList(commands []*command) commandList { return commands }

func (l commandList) setGrid(i int, grid [3]uint32) { l[i].grid = grid }

// submit encodes spans in one pass. After the last command of a program its result, if it has one, is copied to where
// it can be read.
func (d *Device) submit(spans []span) error {
	enc, err := d.dev.CreateCommandEncoder(nil)
	if err != nil {
		return fmt.Errorf("gpu: command encoder: %w", err)
	}
	defer enc.Release()
	pass := enc.BeginComputePass(nil)
	for _, s := range spans {
		for _, c := range s.list[s.from:s.to] {
			pass.SetPipeline(c.compute)
			pass.SetBindGroup(0, c.group, nil)
			pass.DispatchWorkgroups(c.grid[0], c.grid[1], c.grid[2])
		}
	}
	if err := pass.End(); err != nil {
		return fmt.Errorf("gpu: encode: %w", err)
	}
	pass.Release()
	for _, s := range spans {
		if s.outSlot != nil && s.to == len(s.list) {
			if err := enc.CopyBufferToBuffer(s.outSlot.buffer, 0, s.staging, 0, uint64(s.outBytes())); err != nil {
				return fmt.Errorf("gpu: copy result: %w", err)
			}
		}
	}
	cmd, err := enc.Finish(nil)
	if err != nil {
		return fmt.Errorf("gpu: encode: %w", err)
	}
	defer cmd.Release()
	d.queue.Submit(cmd)
	return nil
}

// timed runs commands one by one. This binding has no timestamps.
func (d *Device) timed(s span) ([]time.Duration, error) { return d.timeEach(s) }

// finish waits until the GPU has done all that it was given.
func (d *Device) finish() error {
	d.dev.Poll(true, nil)
	return nil
}

func (d *Device) destroyTexture(t *wgpu.Texture) { t.Release() }

func (d *Device) destroy() { d.dev.Release() }
