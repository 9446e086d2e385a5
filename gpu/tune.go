//go:build js || cgo

package gpu

import (
	"context"
	"fmt"
	"math"
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

func (s shape) flop() float64 { return 2 * float64(s.m) * float64(s.n) * float64(s.k) }

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

// What a tile is measured by: what a pass of many products takes longer than one of few. The way to the GPU and back, which
// is longer than most products, is then not in it.
const (
	fewProducts  = 4
	manyProducts = 64
	mostProducts = 8 * manyProducts      // where many are too short for the clock
	longPass     = 10 * time.Millisecond // of few products: measured by nothing else
	// largeProduct is from when on few are one, FLOP: of a slow adapter's time four could take so much that it counts as hung.
	largeProduct = 1e9
	// ticks are how many of the clock's a time must be to be told: browsers' clocks go by up to a tenth of a second.
	ticks = 8
	// mostGFLOPS is more than any adapter computes.
	mostGFLOPS = 1_000_000
	// tuningTime is what Tune takes at most, about, once the first product is measured and with it the kernels compiled:
	// products that it has no time for, those with the least arithmetic, get the tile that is likely to be the fastest.
	tuningTime = 1500 * time.Millisecond
)

// Tune measures which tiles the products of a picture and of a short text are made fastest with on this adapter, and
// uses them in programs recorded from then on, which it also bounds by the rate that it has seen. A tower may be nil; no
// weights are needed. Known is what Tuning returned on an earlier visit, or empty: what it says is not measured again.
// Software adapters have one kernel and nothing to choose. A profile, which has commands measured one by one, would be
// measured with them.
func (d *Device) Tune(ctx context.Context, image *model.ImageTower, text *model.TextTower, known string) error {
	if d.info.Software {
		return nil
	}
	tuned := parseTuning(known)
	for s, t := range tuned { // the adapter's limits may have changed, or what is chosen from
		if !slices.Contains(d.choices(s), t.tile) {
			delete(tuned, s)
		}
	}
	shapes := d.shapes(image, text)
	for i := range shapes { // the largest first; a sort of package slices would be 8 kB of every first visit
		for j := i; j > 0 && shapes[j].flop() > shapes[j-1].flop(); j-- {
			shapes[j], shapes[j-1] = shapes[j-1], shapes[j]
		}
	}
	deadline, tick := never, time.Duration(0)
	for _, s := range shapes {
		if _, ok := tuned[s]; ok {
			continue
		}
		if now() > deadline || 4*s.m*s.k*len(d.choices(s)) > tuningBytes {
			tuned[s] = tuning{tile: d.guess(s)}
			continue
		}
		if tick == 0 {
			tick = clockTick()
		}
		t, err := d.fastest(ctx, s, tick)
		if err != nil {
			return fmt.Errorf("gpu: measure products of %s: %w", s, err)
		}
		tuned[s] = t
		if deadline == never {
			deadline = now() + tuningTime
		}
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

// now is the time since began, but in tests.
var (
	began = time.Now()
	now   = func() time.Duration { return time.Since(began) }
)

// tuningBytes is what the inputs of a product may take that is measured, one for each tile: those of the first convolutions of
// RN50x64 would be 1 GB. Such a product gets the tile that is likely to be the fastest. Tests have less.
var tuningBytes = 1 << 29

// never is later than now.
const never = time.Duration(math.MaxInt64)

// clockTick is the least that the clock tells apart, for a clock that has been waited for to tick.
func clockTick() time.Duration {
	before := now()
	for began := before; ; {
		switch t := now(); {
		case t == before:
		case before == began:
			before = t
		default:
			return t - before
		}
	}
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

// parseTuning skips lines that it does not know: they may be another version's. So may rates that no adapter has.
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
		if gflops, _ := strconv.Atoi(rate); i >= 0 && len(dims) == 3 && gflops <= mostGFLOPS {
			tuned[shape{dims[0], dims[1], dims[2], conv}] = tuning{allTiles[i], max(gflops, 0)}
		}
	}
	return tuned
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
		var err error
		defer model.Catch(&err) // which recording it for use will report
		build(r)
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

// fastest measures the tiles on a product, the likeliest first: all for which there is time. A tile that the adapter does
// not take is not tried again.
func (d *Device) fastest(ctx context.Context, s shape, tick time.Duration) (best tuning, err error) {
	if tick > longPass/2 { // no pass would be long enough
		return tuning{tile: d.guess(s)}, nil
	}
	weight, err := d.NewParam("tuning.weight", s.n, s.k)
	if err != nil {
		return best, err
	}
	defer d.forget(weight)
	weight.Arrived(nil)
	choices := d.choices(s)
	likely := d.guess(s)
	for i, t := range choices {
		if t == likely {
			choices[0], choices[i] = t, choices[0]
			break
		}
	}

	n := fewProducts
	if s.flop() > largeProduct {
		n = 1
	}
	few := make([]*program, len(choices))
	defer func() {
		for _, p := range few {
			if p != nil {
				p.Release()
			}
		}
	}()
	for i, t := range choices { // all recorded before one is run, so that kernels are compiled side by side
		if few[i], err = d.products(s, t, weight, n); err != nil {
			return best, err
		}
	}
	least, deadline := never, never
	for i, t := range choices {
		if now() > deadline {
			break
		}
		var product, most time.Duration
		if product, most, err = d.timeProduct(ctx, s, t, weight, few[i], n, tick); err != nil {
			if ctx.Err() != nil || d.alive() != nil {
				return best, err
			}
			d.refused = append(d.refused, t)
			continue
		}
		if product == 0 {
			return tuning{tile: d.guess(s)}, nil
		}
		if least == never {
			deadline = now() + tuningTime
		}
		if product < least {
			best, least = tuning{t, int(s.flop() / float64(most))}, product // FLOP a nanosecond
		}
	}
	if least < never {
		err = nil
	}
	return best, err
}

// timeProduct is how long a product takes, given a pass of n, and how long at most: with a share of the way to the GPU.
// It is 0 where the clock is too coarse to tell.
func (d *Device) timeProduct(ctx context.Context, s shape, t tile, weight *model.Param, few *program, n int, tick time.Duration) (product, most time.Duration, err error) {
	short, err := timePass(ctx, few)
	if err != nil {
		return 0, 0, err
	}
	count := manyProducts
	if short*fewProducts > longPass*time.Duration(n) {
		if short >= ticks*tick {
			return short / time.Duration(n), short / time.Duration(n), nil
		}
		count = 4 * fewProducts // which takes a while, too
	}
	for ; count <= mostProducts; count *= mostProducts / manyProducts {
		many, err := d.products(s, t, weight, count)
		if err != nil {
			return 0, 0, err
		}
		long, err := timePass(ctx, many)
		many.Release()
		if err != nil {
			return 0, 0, err
		}
		if more := long - short; more >= ticks*tick {
			return more / time.Duration(count-n), long / time.Duration(count), nil
		}
	}
	return 0, 0, nil
}

// products records a pass of n products.
func (d *Device) products(s shape, t tile, weight *model.Param, n int) (*program, error) {
	defer d.programs.Lock()()
	d.only = &t
	defer func() { d.only = nil }()
	return d.record(func(r *recorder) model.Tensor {
		x := model.Tensor{Rows: s.m, Cols: s.k, Data: r.fixed("tuning", 4*uint64(s.m*s.k))}
		var y model.Tensor
		for range n {
			y = r.MatMul(x, model.Linear{Weight: weight}, model.NoAct, nil)
		}
		return r.Rows(y, r.Index([]uint32{0}))
	})
}

// timePass is the least that a pass takes once it has been warmed up: the first makes buffers resident.
func timePass(ctx context.Context, p *program) (least time.Duration, err error) {
	for i := range 3 {
		began := now()
		if _, err := p.run(ctx); err != nil {
			return 0, err
		}
		if took := now() - began; i == 1 || i == 2 && took < least {
			least = took
		}
	}
	return least, nil
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
