package simd

import (
	"fmt"

	"github.com/clipside/clipside/model"
)

// What Peak measures with: a product whose operands caches hold, and rows that they do not.
const (
	peakSide            = 256
	peakRows, peakWidth = 4096, 1024
)

// Peak implements model.Profiler: the matrix kernel with all its operands in caches, and rows being copied.
func (d *Device) Peak() (p model.Peak, err error) {
	weight, err := d.NewParam("peak.weight", peakSide, peakSide)
	if err != nil {
		return p, err
	}
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.memory.release(weight.Data.(*storage).at)
	}()
	p.GFLOPS, err = d.peak(2*peakSide*peakSide*peakSide, func(r *recorder) model.Tensor {
		x := r.tensor(peakSide, peakSide)
		return r.MatMul(x, model.Linear{Weight: weight}, model.NoAct, nil)
	})
	if err == nil {
		p.GBps, err = d.peak(2*4*peakRows*peakWidth, func(r *recorder) model.Tensor {
			rows := make([]uint32, peakRows)
			for i := range rows {
				rows[i] = uint32(i)
			}
			return r.Rows(r.tensor(peakRows, peakWidth), r.Index(rows))
		})
	}
	if err != nil {
		return p, fmt.Errorf("simd: measure the peak: %w", err)
	}
	return p, nil
}

// peak is the rate of a recording that does so many units.
func (d *Device) peak(units float64, build func(r *recorder) model.Tensor) (float64, error) {
	program, err := d.record(build)
	if err != nil {
		return 0, err
	}
	defer program.Release()
	end := program.at + uint32(len(program.needs)*commandBytes)
	return model.MeasurePeak(units, func(rounds int) error {
		for range rounds {
			if err := d.m.run(program.at, end); err != nil {
				return err
			}
		}
		return nil
	})
}
