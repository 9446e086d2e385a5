package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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
}

// lanes are all there are. The last needs an adapter with shader-f16.
func lanes(threads int) []lane {
	return []lane{
		{name: "cpu1", title: "CPU, 1 thread", device: "cpu", page: plain, threads: 1},
		{name: "cpu", title: fmt.Sprintf("CPU, %d threads", threads), device: "cpu", page: isolated, threads: threads},
		{name: "webgpu", title: "WebGPU, peer fp32", device: "webgpu", page: isolated, threads: 1},
		{name: "webgpu16", title: "WebGPU, peer fp16", device: "webgpu", page: isolated, threads: 1, half: true},
	}
}

// laneNames and heatTitles are those of the tables, in their order.
var (
	laneNames  = []string{"cpu1", "cpu", "webgpu", "webgpu16"}
	heatTitles = titles(heats)
)

// heat is a row of the race: n inputs in one call.
type heat struct {
	Kind string `json:"kind"` // image or text
	N    int    `json:"n"`
}

func (h heat) String() string { return fmt.Sprintf("%s%d", h.Kind, h.N) }

// title is what tables call it.
func (h heat) title() string { return fmt.Sprintf("%s ×%d", h.Kind, h.N) }

var heats = []heat{{"image", 1}, {"image", 4}, {"image", 16}, {"image", 32}, {"text", 1}, {"text", 64}}

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
	What   string  `json:"what"`
	Ours   *spread `json:"ours,omitempty"`
	Engine *spread `json:"engine,omitempty"` // ours without the way from the page to the Worker and back
	Peer   *spread `json:"peer,omitempty"`
	Ratio  float64 `json:"ratio,omitempty"` // peer's median over ours
	Cosine float64 `json:"cosine,omitempty"`
	Mode   string  `json:"mode,omitempty"` // how the peer ran
	Note   string  `json:"note,omitempty"` // why there are no times, or what to know of them
	Failed bool    `json:"failed,omitempty"`
}

// limits bound how long a row takes.
type limits struct {
	seconds float64       // of timed calls in a row
	slowest time.Duration // a call that takes longer is not made
	most    int           // timed calls of each contender
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
	Modes   map[string]string `json:"modes"` // by kind of encoder

	Kind string `json:"kind,omitempty"`
	Mode string `json:"mode,omitempty"`
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

// peerModes finds out how onnxruntime-web runs each encoder fastest on WebGPU, and why not faster.
func peerModes(v venue, l lane, r request) (modes map[string]string, notes []string, err error) {
	modes = map[string]string{}
	for _, kind := range []string{"image", "text"} {
		modes[kind] = "plain"
		for _, mode := range []string{"graph", "buffers"} {
			r.Kind, r.Mode = kind, mode
			text, err := json.Marshal(r)
			if err != nil {
				return nil, nil, err
			}
			p, err := v.open(l)
			if err != nil {
				return nil, nil, err
			}
			var problem string
			err = p.evaluate(10*time.Minute, fmt.Sprintf("race.tryMode(%s)", text), &problem)
			p.close()
			if err != nil {
				problem = err.Error()
			}
			if problem == "" {
				modes[kind] = mode
				break
			}
			notes = append(notes, fmt.Sprintf("%s, %s, %s encoder, mode %q: %s", r.Facts.Name, l.title, kind, mode, problem))
		}
	}
	return modes, notes, nil
}

// runLane runs the heats of one model in one lane, in a tab of their own. Notes say what the peer cannot do.
func runLane(ctx context.Context, log io.Writer, v venue, e *entrant, l lane, which []heat, lim limits) (rows []row, notes []string, err error) {
	ask := request{Facts: factsOf(e.name, &e.config), Device: l.device, Half: l.half, Threads: l.threads}
	if l.device == "webgpu" {
		if ask.Modes, notes, err = peerModes(v, l, ask); err != nil {
			return nil, nil, err
		}
		for _, n := range notes {
			fmt.Fprintln(log, n)
		}
	}
	p, err := v.open(l)
	if err != nil {
		return nil, notes, err
	}
	defer p.close()
	request, err := json.Marshal(ask)
	if err != nil {
		return nil, notes, err
	}
	var o opened
	if err := p.evaluate(10*time.Minute, fmt.Sprintf("race.open(%s)", request), &o); err != nil {
		return nil, notes, err
	}
	if o.Isolated != (l.page == isolated) {
		return nil, notes, fmt.Errorf("the page's being isolated is %v", o.Isolated)
	}
	for _, h := range which {
		if err := ctx.Err(); err != nil {
			return rows, notes, err
		}
		r := row{Model: e.name, Lane: l.name, Device: l.title, What: h.title()}
		var got struct {
			Ours, Peer, Engine []float64
			Cosine, Apart      float64
			Mode, Reason       string
			FirstRun           bool
		}
		expression := fmt.Sprintf("race.row({ kind: %q, n: %d, seconds: %g, slowest: %d, most: %d })", h.Kind, h.N, lim.seconds, lim.slowest.Milliseconds(), lim.most)
		if err := p.evaluate(30*time.Minute, expression, &got); err != nil {
			return rows, notes, fmt.Errorf("%s, %s, %s: %w", e.name, l.title, h, err)
		}
		r.Mode, r.Note = got.Mode, got.Reason
		if len(got.Ours) > 0 {
			r.Ours, r.Peer, r.Engine = spreadOf(got.Ours), spreadOf(got.Peer), spreadOf(got.Engine)
			r.Cosine = got.Cosine
			r.Ratio = r.Peer.Median / r.Ours.Median
			switch {
			case got.Cosine < minCosine:
				r.Failed, r.Note = true, fmt.Sprintf("the embeddings differ: cosine %.6f", got.Cosine)
			case got.Apart > minCosine:
				r.Failed, r.Note = true, fmt.Sprintf("all inputs have the same embedding (cosine %.6f): nothing is compared", got.Apart)
			case got.FirstRun:
				r.Note = "one call of each, not warmed up"
			}
		} else if strings.HasPrefix(got.Reason, "failed") {
			r.Failed = true
		}
		rows = append(rows, r)
		fmt.Fprintln(log, r)
	}
	return rows, notes, nil
}

func (r row) String() string {
	if r.Ours == nil {
		return fmt.Sprintf("%-8s %-18s %-9s %s", r.Model, r.Device, r.What, r.Note)
	}
	return fmt.Sprintf("%-8s %-18s %-9s clipside %s  peer %s  ×%.2f  cosine %.6f  %s  %s", r.Model, r.Device, r.What, r.Ours, r.Peer, r.Ratio, r.Cosine, r.Mode, r.Note)
}
