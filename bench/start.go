package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// start is how long a contender takes from navigation to the first result, an image against two labels, from a server
// on the same machine; and what that took.
type start struct {
	Model  string  `json:"model"`
	Lane   string  `json:"lane"`
	Device string  `json:"device"`
	Who    string  `json:"who"`
	Cold   *spread `json:"cold,omitempty"` // ms, in a fresh browser
	Warm   *spread `json:"warm,omitempty"` // ms, a second visit
	Memory *memory `json:"memory,omitempty"`
	Code   *size   `json:"code,omitempty"`
	// Weights are what came over the wire besides code, bytes; Again what of that came again at the second visit.
	Weights int64  `json:"weights,omitempty"`
	Again   int64  `json:"again,omitempty"`
	Note    string `json:"note,omitempty"`
	Failed  bool   `json:"failed,omitempty"`
	Commit  string `json:"commit,omitempty"` // of clipside

	scores []float64
}

// contenders are those that start.js has.
var contenders = []string{"clipside", "onnxruntime", "transformers"}

// longEnough is how long a model is started over and over in a lane before what there is of samples must do. The first
// sample of each does not count: the files that come with it are compressed meanwhile, which can take as long.
const longEnough = 3 * time.Minute

// tornDown is how long a visit's memory may take to be given back, and its files to be written, before the second begins.
const tornDown = 3 * time.Second

// runStarts starts every contender samples times, in turns, each time in a fresh browser.
func runStarts(ctx context.Context, log io.Writer, s *server, e *entrant, l lane, samples int, slowest time.Duration, flags []string, measure *measurer) ([]start, error) {
	ids, err := json.Marshal(e.start)
	if err != nil {
		return nil, err
	}
	starts := make([]start, len(contenders))
	cold, warm := make([][]float64, len(contenders)), make([][]float64, len(contenders))
	var began time.Time // of the second samples
	for n := range samples {
		if n == 1 {
			began = time.Now()
		}
		if n > 1 && time.Since(began) > longEnough {
			break
		}
		for i, who := range contenders {
			t := &starts[i]
			t.Model, t.Lane, t.Device, t.Who = e.name, l.name, l.title, who
			if t.Note != "" {
				continue
			}
			address := s.url + l.page + "race/start.html?" + url.Values{
				"who": {who}, "model": {e.name}, "device": {l.device}, "threads": {strconv.Itoa(l.threads)},
				"size": {strconv.Itoa(e.config.Image.Size)}, "ids": {string(ids)},
				"scale": {strconv.FormatFloat(float64(e.config.LogitScale), 'g', -1, 32)},
			}.Encode()
			visits, err := startOnce(ctx, s, address, slowest, flags, t, n == 0, measure)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Note = fmt.Sprintf("no result within %v", slowest)
				continue
			}
			if err != nil {
				t.Note, t.Failed = fmt.Sprintf("fails: %v", err), who == contenders[0] // a peer may
				continue
			}
			cold[i], warm[i] = append(cold[i], visits[0]), append(warm[i], visits[1])
		}
	}
	for i := range starts {
		t := &starts[i]
		if !t.Failed {
			t.Cold, t.Warm = spreadOf(cold[i]), spreadOf(warm[i])
		}
		// transformers.js resizes and tokenises itself; what is the same to that extent is the same.
		for j, p := range t.scores {
			if len(starts[0].scores) == len(t.scores) && math.Abs(p-starts[0].scores[j]) > 0.02 {
				t.Note, t.Failed = fmt.Sprintf("another result: %.4f, clipside's is %.4f", t.scores, starts[0].scores), true
				t.Cold, t.Warm = nil, nil
				break
			}
		}
		fmt.Fprintf(log, "%-8s %-18s %-13s cold %s  warm %s  %s\n", t.Model, t.Device, t.Who, t.Cold, t.Warm, t.Note)
	}
	return starts, nil
}

// startOnce visits address twice in a fresh browser, and with details fills in memory and bytes after the first visit.
func startOnce(ctx context.Context, s *server, address string, slowest time.Duration, flags []string, t *start, details bool, measure *measurer) (visits [2]float64, err error) {
	b, err := launch(ctx, flags)
	if err != nil {
		return visits, err
	}
	defer b.close()
	s.requests()
	for i := range visits {
		tab, done, err := b.open(address)
		if err != nil {
			return visits, err
		}
		defer done()
		text, err := evaluate[string](tab, slowest, `(async () => {
			while (!globalThis.result) await new Promise((resolve) => setTimeout(resolve, 5));
			return JSON.stringify(await globalThis.result);
		})()`)
		if err != nil {
			return visits, err
		}
		var got struct {
			MS     float64
			Scores []float64
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			return visits, err
		}
		visits[i] = got.MS
		if i == 0 && details {
			t.scores = got.Scores
			m, err := b.peakMemory()
			if err != nil {
				return visits, err
			}
			t.Memory = &m
			if t.Code, t.Weights, err = measure.moved(s.requests()); err != nil {
				return visits, err
			}
		}
		if i == 1 && details {
			if _, t.Again, err = measure.moved(s.requests()); err != nil {
				return visits, err
			}
		}
		// A tab's own memory cache goes with it; what stays is what a second visit finds.
		if err := chromedp.Do(tab, chromedp.Navigate("about:blank")); err != nil {
			return visits, err
		}
		if i == 0 {
			time.Sleep(tornDown)
		}
	}
	return visits, nil
}

// emptyPage is what a browser takes for a page that does nothing.
func emptyPage(ctx context.Context, s *server, flags []string) (*memory, error) {
	b, err := launch(ctx, flags)
	if err != nil {
		return nil, err
	}
	defer b.close()
	_, done, err := b.open(s.url + isolated + "race/empty.html")
	if err != nil {
		return nil, err
	}
	defer done()
	m, err := b.peakMemory()
	return &m, err
}

// isCode tells files that are the same for every model.
func isCode(name string) bool {
	return slices.ContainsFunc([]string{".js", ".mjs", ".wasm"}, func(ext string) bool { return strings.HasSuffix(name, ext) })
}
