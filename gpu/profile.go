//go:build js || cgo

package gpu

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
)

// SetProfile implements model.Profiler. Where the adapter has no timestamps, or was not asked for them, an operation's
// time includes the way to the GPU and back.
func (d *Device) SetProfile(p *model.Profile) { d.profile = p }

// profiled runs commands one by one, and notes what each takes.
func (d *Device) profiled(s span) error {
	times, err := d.timed(s)
	if err != nil {
		return err
	}
	for i, took := range times {
		d.profile.Add(s.commands[s.from+i].work, took)
	}
	return nil
}

// timeEach times commands by the clock, each from its submission to its end.
func (d *Device) timeEach(s span) ([]time.Duration, error) {
	times := make([]time.Duration, s.to-s.from)
	for i := range times {
		began := time.Now()
		if err := d.submit([]span{{s.program, s.from + i, s.from + i + 1}}); err != nil {
			return nil, err
		}
		if err := d.finish(); err != nil {
			return nil, err
		}
		times[i] = time.Since(began)
	}
	return times, nil
}

var peak = kernel{"peak", "rwu"}

// What Peak measures with: enough invocations to fill a large GPU, and more memory than its caches hold.
const (
	peakGroups = 1024 // of 64 invocations
	peakBytes  = 64 << 20
)

// Peak implements model.Profiler.
func (d *Device) Peak() (p model.Peak, err error) {
	if p.GFLOPS, err = d.peak(0, 128*64*peakGroups); err == nil {
		p.GBps, err = d.peak(peakBytes, peakBytes)
	}
	if err != nil {
		return p, fmt.Errorf("gpu: measure the peak: %w", err)
	}
	return p, nil
}

// peak is the rate of so many units a round: of arithmetic, or of reading so many bytes.
func (d *Device) peak(bytes int, units float64) (float64, error) {
	read := 0
	if bytes > 0 {
		read = 1
	}
	unlock := d.programs.Lock()
	p, err := d.record(func(r *recorder) model.Tensor {
		out := r.tensor(1, 4)
		r.dispatch(peak, []shaders.Const{{Name: "READ", Value: read}}, []operand{{slot: r.fixed("peak", uint64(bytes))}, r.out(out)},
			[]uint32{0, uint32(bytes / 16), bits(0.999), bits(0.001), bits(-1)}, r.grid(peak, peakGroups, 1, 1))
		return out
	})
	unlock()
	if err != nil {
		return 0, err
	}
	defer p.Release()
	return model.MeasurePeak(units, func(rounds int) error {
		if err := d.write(p.uniforms, 0, binary.LittleEndian.AppendUint32(nil, uint32(rounds))); err != nil {
			return err
		}
		if err := d.submit([]span{p.all()}); err != nil {
			return err
		}
		_, err := d.read(p.staging, p.outBytes())
		return err
	})
}
