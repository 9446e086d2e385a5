//go:build !js

package simd

import (
	"context"
	"testing"

	"github.com/clipside/clipside/internal/optest"
	"github.com/clipside/clipside/model"
)

// inputs makes operands for a recording.
type inputs struct{ *recorder }

func (r inputs) Tensor(rows, cols int, values []float32) model.Tensor {
	var v []uint32
	for i := range rows {
		for c := range padded(cols) {
			if c < cols {
				v = append(v, bits(values[i*cols+c]))
			} else {
				v = append(v, 0)
			}
		}
	}
	return model.Tensor{Rows: rows, Cols: cols, Data: &slot{at: r.constant(v...)}}
}

func (r inputs) Pixels(size int, rgba []byte) model.Pixels {
	at := r.fixed(uint64(len(rgba)))
	r.d.m.write(at, rgba)
	return model.Pixels{B: len(rgba) / (4 * size * size), Size: size, Data: at}
}

func engine(d *Device) optest.Engine {
	return optest.Engine{Device: d, Run: func(build func(optest.Inputs) model.Tensor) ([]float32, error) {
		p, err := d.record(func(r *recorder) model.Tensor { return build(inputs{r}) })
		if err != nil {
			return nil, err
		}
		defer p.Release()
		if _, err := p.run(context.Background()); err != nil {
			return nil, err
		}
		return p.run(context.Background()) // a replay must give what the first run gave
	}}
}

func TestOperationsEqualTheirTwins(t *testing.T) { optest.Operations(t, engine(testDevice(t))) }

func TestShapesThatDoNotFitAreRefused(t *testing.T) { optest.Refusals(t, engine(testDevice(t))) }
