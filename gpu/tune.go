//go:build js || cgo

package gpu

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
	"github.com/cogentcore/webgpu/wgpu"
)

// shape is a product's: of an [m, k] by an [n, k] matrix, or of a convolution as one.
type shape struct {
	m, n, k int
	conv    bool
}

// convolution is what the name of a convolution's shape begins with.
const convolution = "conv:"

// String names a shape for a user to read.
func (s shape) String() string {
	name := fmt.Sprintf("%d×%d×%d", s.m, s.n, s.k)
	if s.conv {
		name = convolution + name
	}
	return name
}

// tuning is the tile that makes a product fastest, and how fast: 0 where that is not known.
type tuning struct {
	tile   tile
	gflops int
}

// What one tile is measured by: a pass of so many products that it takes measuredFor, browsers' clocks being coarse.
const (
	firstProducts = 4
	measuredFor   = 3 * time.Millisecond
	maxProducts   = 64
)

// Tune measures which tiles the products of a picture and of a short text are made fastest with on this adapter, and
// uses them in programs recorded from then on, which it also bounds by the rate that it has seen. A tower may be nil; no
// weights are needed. Known is what Tuning returned on an earlier visit, or empty: what it says is not measured again.
// Software adapters have one kernel and nothing to choose.
func (d *Device) Tune(ctx context.Context, image *model.ImageTower, text *model.TextTower, known string) error {
	if d.info.Software {
		return nil
	}
	tuned := parseTuning(known)
	for _, s := range d.shapes(image, text) {
		if t, ok := tuned[s]; ok && slices.Contains(d.choices(s), t.tile) {
			continue
		}
		t, err := d.fastest(ctx, s)
		if err != nil {
			return fmt.Errorf("gpu: measure products of %s: %w", s, err)
		}
		tuned[s] = t
	}
	defer d.programs.Lock()()
	d.tuned = tuned
	fastest := 0
	for _, t := range tuned {
		fastest = max(fastest, t.gflops)
	}
	if fastest > 0 {
		d.rate = 1e9 * float64(fastest)
	}
	return nil
}

// Tuning is what Tune has found, a line a product: "m×n×k tile GFLOP/s", or "conv:m×n×k tile GFLOP/s".
func (d *Device) Tuning() string {
	defer d.programs.Lock()()
	var lines []string
	for s, t := range d.tuned {
		lines = append(lines, fmt.Sprintf("%s %s %d", s, t.tile, t.gflops))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// parseTuning skips lines that it does not know: they may be another version's.
func parseTuning(text string) map[shape]tuning {
	tuned := map[shape]tuning{}
	for _, line := range strings.Split(text, "\n") {
		product, rest, _ := strings.Cut(line, " ")
		product, conv := strings.CutPrefix(product, convolution)
		name, rate, _ := strings.Cut(rest, " ")
		i := slices.IndexFunc(allTiles, func(t tile) bool { return t.String() == name })
		var dims []int
		for _, v := range strings.Split(product, "×") {
			if n, err := strconv.Atoi(v); err == nil && n > 0 {
				dims = append(dims, n)
			}
		}
		if i >= 0 && len(dims) == 3 {
			gflops, _ := strconv.Atoi(rate)
			tuned[shape{dims[0], dims[1], dims[2], conv}] = tuning{allTiles[i], max(gflops, 0)}
		}
	}
	return tuned
}

func write(r *recorder, build func(r *recorder) model.Tensor) (err error) {
	defer model.Catch(&err)
	build(r)
	return nil
}

// shapes are those of the products that take one picture, and one short text, to their embeddings.
func (d *Device) shapes(image *model.ImageTower, text *model.TextTower) []shape {
	var found []shape
	defer d.programs.Lock()()
	collect := func(build func(r *recorder) model.Tensor) {
		r := &recorder{d: d}
		defer func() {
			for _, s := range r.slots {
				if s.fixed {
					release(s.buffer)
				}
			}
		}()
		if err := write(r, build); err != nil {
			return // which recording it for use will report
		}
		for _, c := range r.commands {
			if c.product == nil {
				continue
			}
			if s := c.product.shape(); len(d.choices(s)) > 1 && !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
	}
	if image != nil {
		size := image.Config.Size
		collect(func(r *recorder) model.Tensor {
			return image.Encode(r, model.Pixels{B: 1, Size: size, Data: r.slot(4 * uint64(size*size))})
		})
	}
	if text != nil {
		n := min(shortText, text.Config.Context)
		collect(func(r *recorder) model.Tensor {
			return text.Encode(r, model.Tokens{N: n, Longest: n, Data: r.slot(recording.TokenBytes * uint64(n))}, r.Index([]uint32{uint32(n - 1)}))
		})
	}
	return found
}

// fastest measures every tile on a product.
func (d *Device) fastest(ctx context.Context, s shape) (best tuning, err error) {
	var least time.Duration
	for _, t := range d.choices(s) {
		took, err := d.time(ctx, s, t)
		if err != nil {
			return best, err
		}
		if least == 0 || took < least {
			flop := 2 * float64(s.m) * float64(s.n) * float64(s.k)
			best, least = tuning{t, int(flop / float64(took.Nanoseconds()))}, took
		}
	}
	return best, nil
}

// time is how long one product takes in a pass of many.
func (d *Device) time(ctx context.Context, s shape, t tile) (time.Duration, error) {
	weight, err := d.NewParam("tuning.weight", s.n, s.k)
	if err != nil {
		return 0, err
	}
	defer d.forget(weight)
	weight.Arrived(nil)
	for n := firstProducts; ; n = min(4*n, maxProducts) {
		took, err := d.timeProducts(ctx, s, t, weight, n)
		if err != nil {
			return 0, err
		}
		if took >= measuredFor || n == maxProducts {
			return took / time.Duration(n), nil
		}
	}
}

// timeProducts is how long a pass of n products takes, once it has been warmed up.
func (d *Device) timeProducts(ctx context.Context, s shape, t tile, weight *model.Param, n int) (time.Duration, error) {
	unlock := d.programs.Lock()
	d.only = &t
	p, err := d.record(func(r *recorder) model.Tensor {
		x := model.Tensor{Rows: s.m, Cols: s.k, Data: r.fixed("tuning", 4*uint64(s.m*s.k))}
		var y model.Tensor
		for range n {
			y = r.MatMul(x, model.Linear{Weight: weight}, model.NoAct, nil)
		}
		return r.Rows(y, r.Index([]uint32{0}))
	})
	d.only = nil
	unlock()
	if err != nil {
		return 0, err
	}
	defer p.Release()
	var took time.Duration
	for range 2 { // the first pass makes buffers resident
		start := time.Now()
		if _, err := p.run(ctx); err != nil {
			return 0, err
		}
		took = time.Since(start)
	}
	return took, nil
}

// forget frees a weight that no tower has.
func (d *Device) forget(p *model.Param) {
	w := p.Data.(*weight)
	d.weights = slices.DeleteFunc(d.weights, func(v *weight) bool { return v == w })
	release(w.buffer)
}

func release(b *wgpu.Buffer) {
	b.Destroy()
	b.Release()
}
