package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/clipside/clipside/model"
)

// lane is a pair of configurations that are comparable: the same processor, the same number of threads.
type lane struct {
	name    string // as -lanes has it
	title   string
	device  string // clipside's
	page    string // isolated or plain
	threads int    // that the peer may use; clipside takes its number from the page's being isolated
	half    bool   // the peer computes in fp16
	worker  bool   // the peer computes in a Worker of its own, as clipside always does; for single inputs
}

// takes says whether a heat is run in the lane. Where the peer has a Worker, too, only the way there is of interest.
func (l lane) takes(h heat) bool { return !l.worker || h.n == 1 }

// lanes are all there are. The last needs an adapter with shader-f16.
func lanes(threads int) []lane {
	return []lane{
		{name: "cpu1", title: "CPU, 1 thread", device: "cpu", page: plain, threads: 1},
		{name: "cpu", title: fmt.Sprintf("CPU, %d threads", threads), device: "cpu", page: isolated, threads: threads},
		{name: "cpu1-worker", title: "CPU, 1 thread", device: "cpu", page: plain, threads: 1, worker: true},
		{name: "cpu-worker", title: fmt.Sprintf("CPU, %d threads", threads), device: "cpu", page: isolated, threads: threads, worker: true},
		{name: "webgpu", title: "WebGPU, peer fp32", device: "webgpu", page: isolated, threads: 1},
		{name: "webgpu16", title: "WebGPU, peer fp16", device: "webgpu", page: isolated, threads: 1, half: true},
	}
}

// laneNames and heatTitles are those of the tables, in their order.
var (
	laneNames  = []string{"cpu1", "cpu", "cpu1-worker", "cpu-worker", "webgpu", "webgpu16"}
	heatTitles = titles(heats)
)

// heat is a row of the race: n inputs in one call.
type heat struct {
	kind  string // image or text
	n     int
	apart bool // texts do not begin alike
}

// String is what -rows calls it.
func (h heat) String() string {
	if h.apart {
		return fmt.Sprintf("%s%d-apart", h.kind, h.n)
	}
	return fmt.Sprintf("%s%d", h.kind, h.n)
}

// title is what tables call it.
func (h heat) title() string {
	if h.apart {
		return fmt.Sprintf("%s ×%d, nothing in common", h.kind, h.n)
	}
	return fmt.Sprintf("%s ×%d", h.kind, h.n)
}

var heats = []heat{{"image", 1, false}, {"image", 4, false}, {"image", 16, false}, {"image", 32, false}, {"text", 1, false}, {"text", 64, false}, {"text", 64, true}}

func titles(heats []heat) []string {
	var t []string
	for _, h := range heats {
		t = append(t, h.title())
	}
	return t
}

// minCosine is how near the contenders' embeddings must be for a row to count.
const minCosine = 0.9999

// row is a heat's outcome. Times are milliseconds.
type row struct {
	Model  string  `json:"model"`
	Lane   string  `json:"lane"`
	Device string  `json:"device"`
	Worker bool    `json:"worker,omitempty"` // the peer computed in a Worker of its own
	What   string  `json:"what"`
	Ours   *spread `json:"ours,omitempty"`
	Engine *spread `json:"engine,omitempty"` // ours without the way from the page to the Worker and back
	Peer   *spread `json:"peer,omitempty"`
	Ratio  float64 `json:"ratio,omitempty"` // peer's median over ours
	// EngineRatio is the peer's median over the engine's: neither goes to a Worker and back.
	EngineRatio float64 `json:"engineRatio,omitempty"`
	Cosine      float64 `json:"cosine,omitempty"`
	Mode        string  `json:"mode,omitempty"` // how the peer ran
	Note        string  `json:"note,omitempty"` // why there are no times, or what to know of them
	Failed      bool    `json:"failed,omitempty"`
	Commit      string  `json:"commit,omitempty"` // of clipside
}

// limits bound how long a row takes.
type limits struct {
	seconds float64       // of timed calls in a row
	slowest time.Duration // a call that takes longer is not waited for; neither is one that would, by those before it
	most    int           // timed calls of each contender
}

// row is how long a row may take at most: a first turn of two calls that compile, two or more that do not, and loading.
func (l limits) row() time.Duration {
	return 5*time.Minute + 12*l.slowest + time.Duration(3*l.seconds*float64(time.Second))
}

// facts are what the page needs to know of a model.
type facts struct {
	Name   string     `json:"name"`
	Size   int        `json:"size"`
	Embed  int        `json:"embed"`
	Length int        `json:"length"`
	Mean   [3]float32 `json:"mean"`
	Std    [3]float32 `json:"std"`
}

func factsOf(name string, c *model.Config) facts {
	return facts{name, c.Image.Size, c.EmbedDim, textLength, c.Preprocess.Mean, c.Preprocess.Std}
}

// opened is what a page says once both contenders are there.
type opened struct {
	Device   string   `json:"device"`
	Adapter  string   `json:"adapter"`
	Features []string `json:"features"`
	Software bool     `json:"software"`
	Isolated bool     `json:"isolated"`
}

// request is what the race's page is asked for. Modes and Kind, Mode are for onnxruntime-web on WebGPU.
type request struct {
	Facts   facts             `json:"facts"`
	Device  string            `json:"device"`
	Half    bool              `json:"half"`
	Threads int               `json:"threads"`
	Worker  bool              `json:"worker"`
	Modes   map[string]string `json:"modes"` // by kind of encoder

	Kind    string `json:"kind,omitempty"`
	Mode    string `json:"mode,omitempty"`
	Slowest int64  `json:"slowest,omitempty"` // ms
}

// venue is where the race's page can be opened: a browser, or Node.
type venue interface {
	open(l lane) (page, error)
}

// page is the race's, open.
type page interface {
	// evaluate evaluates an expression, waits for its promise, and stores the value in out.
	evaluate(limit time.Duration, expression string, out any) error
	close()
}

// slowCall is from when on it makes no difference to a call how its inputs and outputs are handed over.
const slowCall = 5 * time.Second

// peerModes finds out how onnxruntime-web runs an encoder on WebGPU, one input at a time: in which modes it works, the
// fastest first, and why not in others.
func peerModes(v venue, l lane, r request, kind string, slowest time.Duration) (modes []string, notes []note, err error) {
	r.Slowest = slowest.Milliseconds()
	took := map[string]float64{} // ms
	for _, mode := range []string{"graph", "buffers", "plain"} {
		r.Kind, r.Mode = kind, mode
		text, err := json.Marshal(r)
		if err != nil {
			return nil, nil, err
		}
		p, err := v.open(l)
		if err != nil {
			return nil, nil, err
		}
		var got struct {
			Problem string
			MS      float64
		}
		limit := 4 * slowest
		err = p.evaluate(limit, fmt.Sprintf("race.tryMode(%s)", text), &got)
		p.close()
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			got.Problem = fmt.Sprintf("no answers within %v", limit)
		case err != nil:
			got.Problem = err.Error()
		}
		if got.Problem != "" {
			notes = append(notes, cannot(r.Facts.Name, l, kind, mode, got.Problem))
			continue
		}
		took[mode] = got.MS
		modes = append(modes, mode)
		if got.MS > float64(slowCall.Milliseconds()) {
			break
		}
	}
	if len(modes) == 0 {
		modes = []string{"plain"} // its rows say why not even that
	}
	slices.SortStableFunc(modes, func(a, b string) int { return cmp.Compare(took[a], took[b]) })
	return modes, notes, nil
}

// cannot notes what onnxruntime-web cannot do.
func cannot(model string, l lane, kind, mode, problem string) note {
	return note{model, l.name, fmt.Sprintf("%s, %s, %s encoder, mode %q: %s", model, l.title, kind, mode, problem)}
}

// runLane runs the heats of one model in one lane, in a tab of their own. Notes say what the peer cannot do.
func runLane(ctx context.Context, log io.Writer, v venue, e *entrant, l lane, which []heat, lim limits) (rows []row, notes []note, err error) {
	ask := request{Facts: factsOf(e.name, &e.config), Device: l.device, Half: l.half, Threads: l.threads, Worker: l.worker, Modes: map[string]string{}}
	modes := map[string][]string{} // by kind; ask has the first
	for _, h := range which {
		if l.device != "webgpu" || modes[h.kind] != nil {
			continue
		}
		works, problems, err := peerModes(v, l, ask, h.kind, lim.slowest)
		if err != nil {
			return nil, nil, err
		}
		modes[h.kind], ask.Modes[h.kind] = works, works[0]
		notes = append(notes, problems...)
		for _, n := range problems {
			fmt.Fprintln(log, n.Text)
		}
	}
	p, err := openLane(v, l, ask)
	if err != nil {
		return nil, notes, err
	}
	defer func() { p.close() }()
	again := func() error {
		p.close()
		next, err := openLane(v, l, ask)
		if err == nil {
			p = next
		}
		return err
	}
	tooSlow := map[string]string{} // why no larger number of inputs of a kind is tried
	for i := 0; i < len(which); i++ {
		h := which[i]
		if err := ctx.Err(); err != nil {
			return rows, notes, err
		}
		r := row{Model: e.name, Lane: l.name, Device: l.title, Worker: l.worker, What: h.title()}
		if r.Note = tooSlow[h.kind]; r.Note != "" {
			rows = append(rows, r)
			fmt.Fprintln(log, r)
			continue
		}
		var got struct {
			Ours, Peer, Engine []float64
			Cosine, Apart      float64
			Mode, Reason       string
			Stuck              bool
		}
		expression := fmt.Sprintf("race.row({ kind: %q, n: %d, apart: %v, seconds: %g, slowest: %d, most: %d })", h.kind, h.n, h.apart, lim.seconds, lim.slowest.Milliseconds(), lim.most)
		if err := p.evaluate(lim.row(), expression, &got); err != nil {
			return rows, notes, fmt.Errorf("%s, %s, %s: %w", e.name, l.title, h, err)
		}
		// What works alone may fail beside the other encoder. Then the row is run again, as are those after it, in the mode
		// that is next.
		if problem, fails := strings.CutPrefix(got.Reason, "the peer fails: "); fails && len(modes[h.kind]) > 1 {
			n := cannot(e.name, l, h.kind, modes[h.kind][0], fmt.Sprintf("%s, in %s", problem, h.title()))
			notes = append(notes, n)
			fmt.Fprintln(log, n.Text)
			modes[h.kind] = modes[h.kind][1:]
			ask.Modes[h.kind] = modes[h.kind][0]
			if err := again(); err != nil {
				return rows, notes, err
			}
			i--
			continue
		}
		r.Mode, r.Note = got.Mode, got.Reason
		if len(got.Ours) > 0 {
			r.Cosine = got.Cosine
		}
		switch {
		case strings.HasPrefix(got.Reason, "failed"): // perhaps after calls that did not
			r.Failed = true
		case len(got.Ours) == 0:
		case got.Cosine < minCosine:
			r.Failed, r.Note = true, fmt.Sprintf("the embeddings differ: cosine %.6f", got.Cosine)
		case got.Apart > minCosine:
			r.Failed, r.Note = true, fmt.Sprintf("all inputs have the same embedding (cosine %.6f): nothing is compared", got.Apart)
		default:
			r.Ours, r.Peer, r.Engine = spreadOf(got.Ours), spreadOf(got.Peer), spreadOf(got.Engine)
			r.Ratio, r.EngineRatio = r.Peer.Median/r.Ours.Median, r.Peer.Median/r.Engine.Median
		}
		rows = append(rows, r)
		fmt.Fprintln(log, r)
		if got.Stuck {
			tooSlow[h.kind] = fmt.Sprintf("%s: %s", h.title(), got.Reason)
			if err := again(); err != nil {
				return rows, notes, err
			}
		}
	}
	return rows, notes, nil
}

// openLane opens a page with both contenders.
func openLane(v venue, l lane, ask request) (page, error) {
	text, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	p, err := v.open(l)
	if err != nil {
		return nil, err
	}
	var o opened
	err = p.evaluate(10*time.Minute, fmt.Sprintf("race.open(%s)", text), &o)
	if err == nil && o.Isolated != (l.page == isolated) {
		err = fmt.Errorf("the page's being isolated is %v", o.Isolated)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (r row) String() string {
	if r.Ours == nil {
		return fmt.Sprintf("%-8s %-18s %-9s %s", r.Model, r.Device, r.What, r.Note)
	}
	return fmt.Sprintf("%-8s %-18s %-9s clipside %s  peer %s  ×%.2f  cosine %.6f  %s  %s", r.Model, r.Device, r.What, r.Ours, r.Peer, r.Ratio, r.Cosine, r.Mode, r.Note)
}
