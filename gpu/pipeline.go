//go:build js || cgo

package gpu

import (
	"fmt"

	"github.com/clipside/clipside/shaders"
	"github.com/cogentcore/webgpu/wgpu"
)

// A kernel is named by its .wgsl file; binds has a letter a binding, in order:
// r read-only storage, w storage that is written, u uniform, t sampled texture.
type kernel struct {
	name  string
	binds string
}

// layout is the bind group layout for a string of binding letters, and the pipeline layout of it alone.
type layout struct {
	group    *wgpu.BindGroupLayout
	pipeline *wgpu.PipelineLayout
}

// pipeline is a compiled kernel, or one that is being compiled.
type pipeline struct {
	kernel kernel
	layout *layout
	ready  chan struct{} // closed when compiled
	gpu    *wgpu.ComputePipeline
	err    error
}

// wait returns the compiled pipeline.
func (p *pipeline) wait() (*wgpu.ComputePipeline, error) {
	<-p.ready
	return p.gpu, p.err
}

// pipeline starts compiling the kernel for this device, or returns the one there is.
func (d *Device) pipeline(k kernel, consts ...shaders.Const) (*pipeline, error) {
	key := fmt.Sprint(k.name, consts)
	if p := d.pipelines[key]; p != nil {
		return p, nil
	}
	source, err := shaders.Source(k.name, d.store, consts...)
	if err != nil {
		return nil, err
	}
	l, err := d.layout(k.binds)
	if err != nil {
		return nil, err
	}
	p := &pipeline{kernel: k, layout: l, ready: make(chan struct{})}
	d.pipelines[key] = p
	d.compile(p, source)
	return p, nil
}

func (d *Device) layout(binds string) (*layout, error) {
	if l := d.layouts[binds]; l != nil {
		return l, nil
	}
	var entries []wgpu.BindGroupLayoutEntry
	for i, b := range binds {
		e := wgpu.BindGroupLayoutEntry{Binding: uint32(i), Visibility: wgpu.ShaderStageCompute}
		switch b {
		case 'r':
			e.Buffer.Type = wgpu.BufferBindingTypeReadOnlyStorage
		case 'w':
			e.Buffer.Type = wgpu.BufferBindingTypeStorage
		case 'u':
			e.Buffer.Type = wgpu.BufferBindingTypeUniform
		case 't':
			e.Texture = wgpu.TextureBindingLayout{SampleType: wgpu.TextureSampleTypeUnfilterableFloat, ViewDimension: wgpu.TextureViewDimension2D}
		default:
			panic("gpu: unknown binding letter " + string(b))
		}
		entries = append(entries, e)
	}
	group, err := d.dev.CreateBindGroupLayout(&wgpu.BindGroupLayoutDescriptor{Entries: entries})
	if err != nil {
		return nil, fmt.Errorf("gpu: bind group layout %s: %w", binds, err)
	}
	pl, err := d.dev.CreatePipelineLayout(&wgpu.PipelineLayoutDescriptor{BindGroupLayouts: []*wgpu.BindGroupLayout{group}})
	if err != nil {
		return nil, fmt.Errorf("gpu: pipeline layout %s: %w", binds, err)
	}
	l := &layout{group, pl}
	d.layouts[binds] = l
	return l, nil
}
