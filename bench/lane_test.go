package main

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clipside/clipside/model"
)

// rehearsal is a venue whose pages say of every row what it has for it.
type rehearsal struct {
	rows   map[string]string // JSON by heat, as an expression names it
	broken bool              // no page opens
}

func (r rehearsal) open(lane) (page, error) { return r, nil }

func (r rehearsal) close() {}

func (r rehearsal) evaluate(_ time.Duration, expression string, out any) error {
	if strings.Contains(expression, "requestAdapter") || strings.HasPrefix(expression, "race.open") && !r.broken {
		return json.Unmarshal([]byte(`{}`), out)
	}
	if strings.HasPrefix(expression, "race.open") {
		return errors.New("it does not open")
	}
	for heat, answer := range r.rows {
		if strings.Contains(expression, heat) {
			return json.Unmarshal([]byte(answer), out)
		}
	}
	return json.Unmarshal([]byte(`{"ours": [2, 4, 3], "peer": [6, 8, 7], "engine": [1, 1, 1], "cosine": 1}`), out)
}

var rehearsed = lane{name: "cpu1", title: "CPU, 1 thread", device: "cpu", page: plain, threads: 1}

func TestARowThatDoesNotCountHasNoTimes(t *testing.T) {
	v := rehearsal{rows: map[string]string{
		`"image", n: 1,`:  `{"ours": [2, 2, 2], "peer": [4, 4, 4], "engine": [1, 1, 1], "cosine": 0.9, "apart": 0}`,
		`"image", n: 4,`:  `{"ours": [2, 2, 2], "peer": [4, 4, 4], "engine": [1, 1, 1], "cosine": 1, "apart": 1}`,
		`"image", n: 16,`: `{"ours": [2, 2, 2], "peer": [4, 4, 4], "engine": [1, 1, 1, 1], "cosine": 1, "reason": "failed: the device is lost"}`,
		`"image", n: 32,`: `{"ours": [2], "peer": [4], "engine": [1], "cosine": 1, "reason": "failed: the device is lost"}`,
	}}
	rows, _, err := runLane(t.Context(), io.Discard, v, &entrant{name: "starter", config: model.Config{}}, rehearsed, heats, limits{})
	if err != nil || len(rows) != len(heats) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, r := range rows {
		counts := i >= 4
		if r.Failed == counts || (r.Ours != nil) != counts || (r.Peer != nil) != counts || (r.Ratio != 0) != counts || (r.Note == "") != counts {
			t.Errorf("%s: %+v", r.What, r)
		}
	}
	if r := rows[4]; r.Ours.Median != 3 || r.Peer.Median != 7 || r.Ratio != 7./3 || r.EngineRatio != 7 {
		t.Errorf("%+v", r)
	}
}

// modal is a venue where the peer works in two modes on WebGPU, of which the faster fails beside the other encoder.
type modal struct {
	rehearsal
	tried, rows *[]string // modes
	mode        string    // of a page that is open
}

func (m modal) open(lane) (page, error) { return &m, nil }

func (m *modal) evaluate(limit time.Duration, expression string, out any) error {
	value := func(key string) string {
		return regexp.MustCompile(`"` + key + `":"(\w+)"`).FindStringSubmatch(expression)[1]
	}
	switch {
	case strings.HasPrefix(expression, "race.tryMode"):
		mode := value("mode")
		*m.tried = append(*m.tried, mode)
		return json.Unmarshal([]byte(map[string]string{"graph": `{"ms": 3}`, "buffers": `{"ms": 2}`, "plain": `{"problem": "no"}`}[mode]), out)
	case strings.HasPrefix(expression, "race.open"):
		m.mode = value("text")
	case strings.HasPrefix(expression, "race.row"):
		*m.rows = append(*m.rows, m.mode)
		if m.mode == "buffers" {
			return json.Unmarshal([]byte(`{"reason": "the peer fails: h is undefined"}`), out)
		}
	}
	return m.rehearsal.evaluate(limit, expression, out)
}

func TestAModeThatFailsInTheRaceGivesWayToTheNext(t *testing.T) {
	var tried, raced []string
	v := modal{tried: &tried, rows: &raced}
	webgpu := lane{name: "webgpu", title: "WebGPU", device: "webgpu", page: plain}
	texts := []heat{{kind: "text", n: 1}, {kind: "text", n: 64}}
	rows, notes, err := runLane(t.Context(), io.Discard, v, &entrant{name: "starter", config: model.Config{}}, webgpu, texts, limits{})
	if err != nil || len(rows) != 2 || rows[0].Ours == nil || rows[1].Ours == nil {
		t.Fatalf("%+v, %v", rows, err)
	}
	if got := strings.Join(tried, " "); got != "graph buffers plain" {
		t.Errorf("tried %s", got)
	}
	if got := strings.Join(raced, " "); got != "buffers graph graph" {
		t.Errorf("raced in %s", got)
	}
	if len(notes) != 2 || !strings.HasSuffix(notes[1].Text, `text encoder, mode "buffers": h is undefined, in text ×1`) {
		t.Errorf("%+v", notes)
	}
}

func TestALaneThatFailsIsReplacedByOneThatDoesNot(t *testing.T) {
	dir := t.TempDir()
	run := func(v rehearsal, heats ...heat) *report {
		r := reportOf("Chrome/1")
		o := &options{lanes: []lane{rehearsed}, heats: heats}
		if _, err := raceAt(t.Context(), o, v, []*entrant{{name: "starter"}}, r); err != nil {
			t.Fatal(err)
		}
		r.Browser = "Chrome/1"
		if err := r.save(dir, browserResults, true, nil); err != nil {
			t.Fatal(err)
		}
		return r
	}
	run(rehearsal{}, heats...)
	if r := run(rehearsal{broken: true}, heats[:2]...); len(r.Rows) != len(heats) || !r.Rows[0].Failed || !r.Rows[1].Failed || r.failures() != 2 {
		t.Errorf("after a failure: %+v", r.Rows)
	}
	if r := run(rehearsal{}, heats...); len(r.Rows) != len(heats) || r.failures() != 0 {
		t.Errorf("after it is mended: %+v", r.Rows)
	}
}
