//go:build js || cgo

package gpu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/clipside/clipside/internal/optest"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
	"github.com/cogentcore/webgpu/wgpu"
)

// adapter returns the test's device, on a software adapter too. Natively a machine may have none; the browser tests
// assert that theirs has.
func adapter(t testing.TB, o Options) *Device {
	t.Helper()
	o.Software = true
	d, err := Open(o)
	if errors.Is(err, ErrUnavailable) && !adapterRequired {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Release)
	return d
}

// inputs makes operands for a recording.
type inputs struct{ *recorder }

func (r inputs) Tensor(rows, cols int, values []float32) model.Tensor {
	v := make([]float32, rows*padded(cols))
	for i := range rows {
		copy(v[i*padded(cols):], values[i*cols:(i+1)*cols])
	}
	return model.Tensor{Rows: rows, Cols: cols, Data: r.constant("test tensor", wgpu.ToBytes(v))}
}

func (r inputs) Tokens(t []model.Token, longest int) model.Tokens {
	return model.Tokens{N: len(t), Longest: longest, Data: r.constant("test tokens", wgpu.ToBytes(t))}
}

func (r inputs) Pixels(size int, rgba []byte) model.Pixels {
	return model.Pixels{B: len(rgba) / (4 * size * size), Size: size, Data: r.constant("test pixels", rgba)}
}

func engine(d *Device) optest.Engine { return counting(d, new(int)) }

// counting is an engine that adds up how many dispatches its recordings have.
func counting(d *Device, dispatches *int) optest.Engine {
	return optest.Engine{Device: d, Run: func(build func(optest.Inputs) model.Tensor) ([]float32, error) {
		p, err := d.record(func(r *recorder) model.Tensor { return build(inputs{r}) })
		if err != nil {
			return nil, err
		}
		defer p.Release()
		*dispatches += len(p.commands)
		if _, err := p.run(context.Background()); err != nil {
			return nil, err
		}
		return p.run(context.Background()) // a replay must give what the first run gave
	}}
}

// TestOperationsEqualTheirTwins runs every operation in each form of kernels that an adapter may take: those for
// hardware, with weights packed or f16, and those for software adapters, with weights widened; and those that long
// dispatches are split for also in the smallest parts. Each shape has kernels of its own, which a software adapter takes
// most of the time to compile.
func TestOperationsEqualTheirTwins(t *testing.T) {
	dev := adapter(t, Options{})
	for _, form := range forms(dev) {
		t.Run(form.name, func(t *testing.T) {
			form.device(t, dev)
			optest.Operations(t, engine(dev), 6)
			for _, op := range []string{"matmul", "layer norm between products", "attention", "conv"} {
				var whole, parts int
				t.Run("whole", func(t *testing.T) { optest.Operation(t, counting(dev, &whole), op, 3) })
				rate := dev.rate
				dev.rate = 1
				t.Run("in parts", func(t *testing.T) { optest.Operation(t, counting(dev, &parts), op, 3) })
				dev.rate = rate
				if parts <= whole {
					t.Errorf("%s: %d dispatches as a whole, %d in parts", op, whole, parts)
				}
			}
		})
	}
}

// TestEveryTileGivesTheSameProducts makes all products with each tile in turn. In a browser, whose adapter in software takes
// ten seconds for a tile, only with those that no adapter in software has room for natively.
func TestEveryTileGivesTheSameProducts(t *testing.T) {
	dev := adapter(t, Options{Subgroups: true})
	form{software: false, store: dev.store}.device(t, dev)
	for _, tile := range allTiles {
		if triedNatively(tile) {
			continue
		}
		t.Run(tile.String(), func(t *testing.T) {
			if !dev.fits(tile) {
				t.Skip("the adapter has too little workgroup memory, or no subgroups")
			}
			dev.only = &tile
			t.Cleanup(func() { dev.only = nil })
			// Software adapters are slow to compile these.
			if tile != registerTile {
				optest.Operation(t, engine(dev), "layer norm between products", 1)
			}
			if !slices.Contains(rowTiles, tile) {
				optest.Operation(t, engine(dev), "conv", 1)
			}
		})
	}
}

// TestEverySharingGivesTheSameAttention shares attention's work out in each way in turn.
func TestEverySharingGivesTheSameAttention(t *testing.T) {
	dev := adapter(t, Options{})
	form{software: false, store: dev.store}.device(t, dev)
	for _, s := range sharings {
		t.Run(fmt.Sprintf("%d queries, %d slices", s.across, s.slices), func(t *testing.T) {
			dev.onlySharing = &s
			optest.Operation(t, engine(dev), "attention", 1)
			optest.Operation(t, engine(dev), "causal attention", 1)
		})
	}
}

func TestShapesThatDoNotFitAreRefused(t *testing.T) {
	optest.Refusals(t, engine(adapter(t, Options{})))
}

// form is one way for kernels to be specialised.
type form struct {
	name     string
	software bool
	store    shaders.Store
}

// forms are those that Open chooses from, as far as dev can run them.
func forms(dev *Device) []form {
	all := []form{{"software, f32", true, shaders.F32}, {"hardware, packed", false, shaders.Packed}}
	if dev.store == shaders.F16 {
		all = append(all, form{"hardware, f16", false, shaders.F16})
	}
	return all
}

// device makes dev take the form until the test ends.
func (f form) device(t *testing.T, dev *Device) *Device {
	store, software, rate := dev.store, dev.info.Software, dev.rate
	t.Cleanup(func() {
		dev.store, dev.info.Software, dev.rate, dev.only, dev.onlySharing = store, software, rate, nil, nil
		clear(dev.pipelines)
	})
	clear(dev.pipelines)
	dev.store, dev.info.Software = f.store, f.software
	if !f.software {
		// Those that software adapters take the least time for; the others have tests of their own.
		dev.only, dev.onlySharing = &tile{4, 4, 2, 2, 4, 1}, &sharing{4, 2}
	}
	return dev
}
