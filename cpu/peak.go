package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/clipside/clipside/model"
)

// What Peak measures with.
const (
	peakSteps  = 1 << 16  // of each chain of multiply-adds
	peakValues = 16 << 20 // more than caches hold
)

// Peak implements model.Profiler: what Go's compiler, which does not vectorise, makes of chains of multiply-adds, and of
// adding up memory, on all processors.
func (d *Device) Peak() (p model.Peak, err error) {
	n := runtime.GOMAXPROCS(0)
	if p.GFLOPS, err = peak(float64(n*8*2*peakSteps), multiplyAdd); err != nil {
		return p, err
	}
	values := make([]float32, peakValues)
	part := peakValues / n
	p.GBps, err = peak(float64(4*n*part), func(i int) float32 { return sum(values[i*part : (i+1)*part]) })
	return p, err
}

// peak is the rate of work that is done once by every processor, so many units in all.
func peak(units float64, work func(i int) float32) (float64, error) {
	var results atomic.Int64 // so that no result goes unused
	return model.MeasurePeak(units, func(rounds int) error {
		var all sync.WaitGroup
		for i := range runtime.GOMAXPROCS(0) {
			all.Go(func() {
				for range rounds {
					results.Add(int64(work(i)))
				}
			})
		}
		all.Wait()
		return nil
	})
}

// multiplyAdd is eight chains, as many as hide how long an operation takes.
func multiplyAdd(i int) float32 {
	var a [8]float32
	for j := range a {
		a[j] = float32(i + j)
	}
	a0, a1, a2, a3, a4, a5, a6, a7 := a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
	const f, t = 0.999, 0.001
	for range peakSteps {
		a0, a1, a2, a3 = a0*f+t, a1*f+t, a2*f+t, a3*f+t
		a4, a5, a6, a7 = a4*f+t, a5*f+t, a6*f+t, a7*f+t
	}
	return a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7
}

func sum(v []float32) float32 {
	var a0, a1, a2, a3 float32
	for ; len(v) >= 4; v = v[4:] {
		a0, a1, a2, a3 = a0+v[0], a1+v[1], a2+v[2], a3+v[3]
	}
	return a0 + a1 + a2 + a3
}
