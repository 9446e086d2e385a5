package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
	"github.com/clipside/clipside/model/hub"
)

// modelFlags are the flags of every command that runs a model.
type modelFlags struct {
	model   string
	device  deviceKind
	verbose bool
}

func (m *modelFlags) define(f *flag.FlagSet) {
	m.device = autoDevice
	f.StringVar(&m.model, "model", "", "the `model`, required: see above")
	f.Var(&m.device, "device", "`where` to compute: auto (a GPU if there is one, else the CPU), webgpu (a GPU, even one in software) or cpu")
	f.BoolVar(&m.verbose, "v", false, "say on stderr which device computes, and how long loading took")
}

// modelHelp is what the help of those commands says of -model.
var modelHelp = `The model is one of
  - a bundle: a directory that clipside pack made;
  - a checkpoint directory, Hugging Face's layout or OpenCLIP's, such as models/starter in a checkout;
  - a name: ` + hub.Names() + `, or a repository (owner/name) of the
    Hugging Face hub, or of the server that HF_ENDPOINT names; HF_TOKEN is sent to it.
A checkpoint is packed when it is used for the first time, and again only when its files have changed.
` + cacheHelp

// open loads the named towers of the model onto the device. The caller releases the clip's device.
func (m *modelFlags) open(ctx context.Context, out output, towers ...string) (*model.Clip, error) {
	dir, cached, err := bundleOf(ctx, out, m.model)
	if err != nil {
		return nil, err
	}
	clip, err := m.openBundle(ctx, out, dir, towers...)
	if err == nil || !cached || !isDamage(err) {
		return clip, err
	}
	fmt.Fprintf(out.stderr, "the packed model in %s is damaged (%v): packing it once more\n", dir, err)
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if dir, _, err = bundleOf(ctx, out, m.model); err != nil {
		return nil, err
	}
	return m.openBundle(ctx, out, dir, towers...)
}

// openBundle is open for the bundle in dir.
func (m *modelFlags) openBundle(ctx context.Context, out output, dir string, towers ...string) (*model.Clip, error) {
	start := time.Now()
	src := bundle.FS(os.DirFS(dir))
	manifest, err := bundle.ReadManifest(ctx, src)
	if err != nil {
		return nil, err
	}
	device, passedOver, err := openDevice(m.device)
	if err != nil {
		return nil, err
	}
	if m.verbose && passedOver != "" {
		fmt.Fprintf(out.stderr, "no GPU: %s\n", passedOver)
	}
	clip, err := m.openOn(ctx, out, device, src, manifest, towers)
	if err != nil {
		return nil, err
	}
	if m.verbose {
		fmt.Fprintf(out.stderr, "%s on %s, loaded in %v\n", manifest.Name, describe(clip.Device.Info()), time.Since(start).Round(time.Millisecond))
	}
	return clip, nil
}

// openOn opens a bundle on a device; where any will do and this one is not up to the model, on the CPU.
func (m *modelFlags) openOn(ctx context.Context, out output, device model.Device, src bundle.Source, manifest *bundle.Manifest, towers []string) (*model.Clip, error) {
	onGPU := device.Info().Kind != "cpu"
	clip, err := load(ctx, src, manifest, device, towers)
	if onGPU && (errors.Is(err, model.ErrMemory) || errors.Is(err, errWrong)) {
		if m.device != autoDevice {
			return nil, fmt.Errorf("%w; -device cpu works on every machine", err)
		}
		fmt.Fprintf(out.stderr, "%v: the CPU computes instead\n", err)
		return load(ctx, src, manifest, cpu.New(), towers)
	}
	return clip, err
}

// errWrong is what a device's results are.
var errWrong = errors.New("computes wrong results")

// load opens a bundle on a device, which it releases if that fails. The CPU computed the known embeddings; any other
// device has to reproduce them before its results count.
func load(ctx context.Context, src bundle.Source, manifest *bundle.Manifest, device model.Device, towers []string) (*model.Clip, error) {
	clip, err := bundle.Open(ctx, src, manifest, device, towers...)
	if err == nil && device.Info().Kind != "cpu" {
		known := manifest.SelfTest
		var verdict model.Verdict
		verdict, err = clip.SelfTest(ctx, known.Text, known.TextEmbedding, known.ImageEmbedding)
		if err == nil && !verdict.Passed {
			err = fmt.Errorf("%s %w (cosine %.5f to known embeddings)", describe(device.Info()), errWrong, verdict.Cosine)
		}
	}
	if err != nil {
		device.Release()
		return nil, err
	}
	return clip, nil
}
