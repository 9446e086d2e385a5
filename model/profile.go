package model

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Work is what an operation cannot do without: its arithmetic, and every value that it reads or writes, once, as
// float32.
type Work struct {
	Op    string // with its shape
	FLOP  float64
	Bytes float64
}

// Rest is the work of an operation's further parts, where it runs in several: none that is not counted already.
func (w Work) Rest() Work { return Work{Op: w.Op} }

// Share notes in command what it does of the operation: what it says itself, as a part of it, or else all that no command
// before it has.
func (w *Work) Share(command *Work) {
	if *command != (Work{}) {
		command.Op = w.Op + ": " + command.Op
		return
	}
	*command, *w = *w, w.Rest()
}

// OpTime is where time went: all runs of one operation in one shape.
type OpTime struct {
	Work // of one run
	Runs int
	Time time.Duration // of all runs
}

// GFLOPS is the rate of arithmetic, 10⁹ a second.
func (t OpTime) GFLOPS() float64 { return t.rate(t.FLOP) }

// GBps is the rate of memory traffic, 10⁹ bytes a second.
func (t OpTime) GBps() float64 { return t.rate(t.Bytes) }

func (t OpTime) rate(of float64) float64 {
	if t.Time <= 0 {
		return 0
	}
	return of * float64(t.Runs) / float64(t.Time.Nanoseconds())
}

// Peak is the best that a device was measured to do: arithmetic with nothing to wait for, and reading memory with nothing
// to compute.
type Peak struct{ GFLOPS, GBps float64 }

// Share is how much of the peak an operation reached: of the time that it took, what its arithmetic or its traffic,
// whichever takes longer, would have taken at the peak. Values that come from caches can take it above 1.
func (p Peak) Share(t OpTime) float64 { return max(t.GFLOPS()/p.GFLOPS, t.GBps()/p.GBps) }

// MeasurePeak finds a rate, 10⁹ a second, by work that is made larger until it takes long enough to be timed: run does
// rounds of it, of so many units each.
func MeasurePeak(units float64, run func(rounds int) error) (rate float64, err error) {
	const (
		enough = 20 * time.Millisecond
		most   = 1 << 16
	)
	for rounds := 1; ; rounds *= 4 {
		if err := run(rounds); err != nil { // once unmeasured: memory is touched, kernels are ready
			return 0, err
		}
		began := time.Now()
		if err := run(rounds); err != nil {
			return 0, err
		}
		if took := time.Since(began); took >= enough || rounds >= most {
			return units * float64(rounds) / float64(max(took, 1).Nanoseconds()), nil
		}
	}
}

// Profile adds up what operations take. It is safe for concurrent use.
type Profile struct {
	mu  sync.Mutex
	ops map[string]*OpTime
}

// Add adds a run, or the rest of one.
func (p *Profile) Add(w Work, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ops == nil {
		p.ops = map[string]*OpTime{}
	}
	t := p.ops[w.Op]
	if t == nil {
		t = &OpTime{Work: w}
		p.ops[w.Op] = t
	}
	if w != w.Rest() {
		t.Runs++
	}
	t.Time += took
}

// Reset forgets everything.
func (p *Profile) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ops = nil
}

// Table is what took how long, the longest first.
func (p *Profile) Table() []OpTime {
	p.mu.Lock()
	defer p.mu.Unlock()
	var table []OpTime
	for _, t := range p.ops {
		table = append(table, *t)
	}
	slices.SortStableFunc(table, func(a, b OpTime) int { return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.Op, b.Op)) })
	return table
}

// Profiler is a Device that can tell where its time goes. While a profile is set its operations run one by one, which
// takes longer; nil ends that. It must not be set while calls are under way.
type Profiler interface {
	Device
	SetProfile(p *Profile)

	// Peak measures, in a few tenths of a second. It leaves the profile as it is.
	Peak() (Peak, error)
}

// Metered is o, but before is called before each operation and what it returns after it: when the operation has run, or
// has been recorded.
func Metered(o Ops, before func(Work) (after func())) Ops { return &metered{o, before} }

type metered struct {
	ops    Ops
	before func(Work) func()
}

var _ Ops = (*metered)(nil)

// size is how many values a tensor has.
func (t Tensor) size() float64 { return float64(t.Rows) * float64(t.Cols) }

// moved is an operation without arithmetic worth counting that reads and writes so many values.
func moved(values float64, format string, args ...any) Work {
	return Work{Op: fmt.Sprintf(format, args...), Bytes: 4 * values}
}

func (m *metered) Patches(px Pixels, side int, norm Preprocess) Tensor {
	n := float64(px.B) * float64(px.Size) * float64(px.Size)
	w := moved(n+3*n, "patches %d×%d", px.Size, side) // a pixel's four bytes are read as one value
	w.FLOP = 2 * 3 * n
	defer m.before(w)()
	return m.ops.Patches(px, side, norm)
}

func (m *metered) ClassToken(x Tensor, n int, class, position *Param) Tensor {
	w := moved(3*x.size(), "class token [%d, %d]", x.Rows, x.Cols)
	w.FLOP = x.size()
	defer m.before(w)()
	return m.ops.ClassToken(x, n, class, position)
}

func (m *metered) MeanToken(x Tensor, n int, position *Param) Tensor {
	w := moved(4*x.size(), "mean token [%d, %d]", x.Rows, x.Cols)
	w.FLOP = 2 * x.size()
	defer m.before(w)()
	return m.ops.MeanToken(x, n, position)
}

func (m *metered) EmbedTokens(tokens Tokens, table, position *Param) Tensor {
	values := float64(tokens.N) * float64(table.Shape[1])
	w := moved(3*values, "embed tokens [%d, %d]", tokens.N, table.Shape[1])
	w.FLOP = values
	defer m.before(w)()
	return m.ops.EmbedTokens(tokens, table, position)
}

func (m *metered) LayerNorm(x Tensor, n Norm) Tensor {
	w := moved(2*x.size(), "layer norm [%d, %d]", x.Rows, x.Cols)
	w.FLOP = 7 * x.size()
	defer m.before(w)()
	return m.ops.LayerNorm(x, n)
}

func (m *metered) MatMul(x Tensor, l Linear, act Activation, residual *Tensor) Tensor {
	out := l.Weight.Shape[0]
	y := float64(x.Rows) * float64(out)
	values, name := x.size()+float64(l.Weight.Len())+y, ""
	if act != NoAct {
		name = " " + string(act)
	}
	if residual != nil {
		values, name = values+y, name+" + residual"
	}
	w := moved(values, "matmul [%d, %d]·[%d]%s", x.Rows, x.Cols, out, name)
	w.FLOP = 2 * y * float64(x.Cols)
	defer m.before(w)()
	return m.ops.MatMul(x, l, act, residual)
}

func (m *metered) Attention(q, k, v Columns, h Heads) Tensor {
	rows := float64(h.B) * float64(h.Queries) * float64(h.Width)
	w := moved(2*rows+2*float64(h.B)*float64(h.Keys)*float64(h.Width), "attention %d×[%d, %d], %d heads", h.B, h.Keys, h.Width, h.Heads)
	w.FLOP = 4 * rows * float64(h.Keys)
	defer m.before(w)()
	return m.ops.Attention(q, k, v, h)
}

func (m *metered) CausalAttention(q, k, v Columns, tokens Tokens, heads, width int) Tensor {
	values := float64(tokens.N) * float64(width)
	w := moved(4*values, "causal attention [%d, %d], %d heads", tokens.N, width, heads)
	w.FLOP = 2 * values * float64(tokens.Longest) // a token has half of its text before it
	defer m.before(w)()
	return m.ops.CausalAttention(q, k, v, tokens, heads, width)
}

func (m *metered) AttentionPool(q, x Tensor, kv Linear, heads int) Tensor {
	w := moved(2*q.size()+x.size()+float64(kv.Weight.Len()), "attention pool %d×[%d, %d], %d heads", q.Rows, x.Rows/q.Rows, x.Cols, heads)
	w.FLOP = 4 * x.size() * float64(x.Cols+1)
	defer m.before(w)()
	return m.ops.AttentionPool(q, x, kv, heads)
}

func (m *metered) Conv(x Tensor, side int, c Conv, act Activation) Tensor {
	out, k := c.Weight.Shape[0], c.Weight.Shape[1]
	outSide := (side+2*c.Pad-k)/c.Stride + 1
	y := x.size() / float64(x.Cols) / float64(side*side) * float64(outSide*outSide) * float64(out)
	w := moved(x.size()+float64(c.Weight.Len())+y, "convolution %d×%d of [%d, %d], %d channels, stride %d", k, k, x.Rows, x.Cols, out, c.Stride)
	w.FLOP = 2 * y * float64(c.Weight.Len()/out)
	defer m.before(w)()
	return m.ops.Conv(x, side, c, act)
}

func (m *metered) AvgPool(x Tensor, side, k int) Tensor {
	w := moved(x.size()*(1+1/float64(k*k)), "average pool %d×%d of [%d, %d]", k, k, x.Rows, x.Cols)
	w.FLOP = x.size()
	defer m.before(w)()
	return m.ops.AvgPool(x, side, k)
}

func (m *metered) Rows(x Tensor, rows Indices) Tensor {
	defer m.before(moved(2*float64(rows.N)*float64(x.Cols), "rows %d of [%d, %d]", rows.N, x.Rows, x.Cols))()
	return m.ops.Rows(x, rows)
}

// Index computes nothing.
func (m *metered) Index(v []uint32) Indices { return m.ops.Index(v) }

func (m *metered) Normalize(x Tensor) Tensor {
	w := moved(2*x.size(), "normalise [%d, %d]", x.Rows, x.Cols)
	w.FLOP = 3 * x.size()
	defer m.before(w)()
	return m.ops.Normalize(x)
}
