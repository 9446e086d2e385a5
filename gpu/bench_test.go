//go:build js || cgo

package gpu

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/clipside/clipside/model"
)

// BenchmarkMatMul reports the rate of the matrix product at the shapes of CLIP's layers, ten in a pass so that the
// read-back hardly counts.
func BenchmarkMatMul(b *testing.B) {
	d := adapter(b, Options{})
	for _, s := range []struct{ m, n, k int }{{197, 768, 256}, {197, 256, 1024}, {50, 2304, 768}, {50, 768, 3072}} {
		b.Run(fmt.Sprintf("%dx%dx%d", s.m, s.n, s.k), func(b *testing.B) {
			const passes = 10
			w, bias := filled(b, d, "w.weight", s.n, s.k), filled(b, d, "bias", s.n)
			p, err := d.record(func(r *recorder) model.Tensor {
				x := inputs{r}.Tensor(s.m, s.k, make([]float32, s.m*s.k))
				var y model.Tensor
				for range passes {
					y = r.MatMul(x, model.Linear{Weight: w, Bias: bias}, model.QuickGELU, nil)
				}
				return r.Rows(y, r.Index([]uint32{0}))
			})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Release()
			for b.Loop() {
				if _, err := p.run(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*passes*2*float64(s.m*s.n*s.k)/b.Elapsed().Seconds()/1e9, "GFLOPS")
		})
	}
}

// filled is a weight of random bits that are small numbers.
func filled(b *testing.B, d *Device, name string, shape ...int) *model.Param {
	b.Helper()
	p, err := d.NewParam(name, shape...)
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, p.Len()/shape[len(shape)-1]*padded(shape[len(shape)-1])*2)
	for i := 1; i < len(data); i += 2 {
		data[i] = byte(0x20 + rand.IntN(8))
	}
	if err := d.Fill(p, 0, data); err != nil {
		b.Fatal(err)
	}
	return p
}
