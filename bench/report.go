package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// report is build/bench.json.
type report struct {
	Processor string            `json:"processor"`
	Cores     int               `json:"cores"`
	Adapter   string            `json:"adapter,omitempty"`
	Software  bool              `json:"software"`      // the adapter computes on the CPU
	GPU       string            `json:"gpu,omitempty"` // and its driver, where that is known
	Features  []string          `json:"features,omitempty"`
	Browser   string            `json:"browser"`
	Peers     map[string]string `json:"peers"`             // versions by package
	Commits   []string          `json:"commits,omitempty"` // clipside's, of what is below; several where a race was run in parts
	Rows      []row             `json:"rows"`
	PeerNotes []note            `json:"peerNotes,omitempty"`
	Photos    []photo           `json:"photos,omitempty"`
	EmptyPage *memory           `json:"emptyPage,omitempty"`
	Starts    []start           `json:"starts"`
}

// note is why the peer does not run a model in its fastest way in a lane.
type note struct {
	Model string `json:"model"`
	Lane  string `json:"lane"`
	Text  string `json:"text"`
}

// add puts what an earlier run measured and this one did not before this one's, so that a long race can be run in
// parts. Parts of different machines do not add up.
func (r *report) add(file string) error {
	old, err := readReport(file)
	if old == nil {
		return err
	}
	if old.Processor != r.Processor || old.Cores != r.Cores || old.Browser != r.Browser || old.Adapter != r.Adapter || old.GPU != r.GPU || !maps.Equal(old.Peers, r.Peers) {
		return fmt.Errorf("%s is of another machine, browser or peer: do without -add", file)
	}
	old.Rows = slices.DeleteFunc(old.Rows, func(o row) bool {
		return slices.ContainsFunc(r.Rows, func(n row) bool { return n.Model == o.Model && n.Lane == o.Lane && n.What == o.What })
	})
	old.Starts = slices.DeleteFunc(old.Starts, func(o start) bool {
		return slices.ContainsFunc(r.Starts, func(n start) bool { return n.Model == o.Model && n.Lane == o.Lane && n.Who == o.Who })
	})
	r.addPhotos(old.Photos)
	for _, o := range old.PeerNotes {
		if !slices.ContainsFunc(r.Rows, func(n row) bool { return n.Model == o.Model && n.Lane == o.Lane }) {
			r.PeerNotes = append(r.PeerNotes, o)
		}
	}
	slices.SortStableFunc(r.PeerNotes, func(a, b note) int {
		return cmp.Or(byPlace(modelNames, a.Model, b.Model), byPlace(laneNames, a.Lane, b.Lane))
	})
	if r.EmptyPage == nil {
		r.EmptyPage = old.EmptyPage
	}
	r.Rows, r.Starts = append(old.Rows, r.Rows...), append(old.Starts, r.Starts...)
	slices.SortStableFunc(r.Rows, func(a, b row) int {
		return cmp.Or(byPlace(modelNames, a.Model, b.Model), byPlace(laneNames, a.Lane, b.Lane), byPlace(heatTitles, a.What, b.What))
	})
	slices.SortStableFunc(r.Starts, func(a, b start) int {
		return cmp.Or(byPlace(modelNames, a.Model, b.Model), byPlace(laneNames, a.Lane, b.Lane), byPlace(contenders, a.Who, b.Who))
	})
	measured := r.measured()
	for _, c := range old.Commits {
		if (measured[c] || measured[""]) && !slices.Contains(r.Commits, c) { // earlier versions of this program did not say of which a row is
			r.Commits = append(r.Commits, c)
		}
	}
	return nil
}

// sign says of everything there is that it is of the report's commit.
func (r *report) sign() {
	commit := strings.Join(r.Commits, "")
	for i := range r.Rows {
		r.Rows[i].Commit = commit
	}
	for i := range r.Photos {
		r.Photos[i].Commit = commit
	}
	for i := range r.Starts {
		r.Starts[i].Commit = commit
	}
}

// measured are the commits that something is of.
func (r *report) measured() map[string]bool {
	m := map[string]bool{}
	for _, row := range r.Rows {
		m[row.Commit] = true
	}
	for _, p := range r.Photos {
		m[p.Commit] = true
	}
	for _, s := range r.Starts {
		m[s.Commit] = true
	}
	return m
}

// byPlace compares a and b by where they are in a list.
func byPlace(list []string, a, b string) int {
	return cmp.Compare(slices.Index(list, a), slices.Index(list, b))
}

// save writes the report into dir under a name, with add together with what is there. What is there is lost to nothing less
// than a whole race: one that ended early, by err, or does not add up with it is left as a run that nobody keeps.
func (r *report) save(dir, name string, add bool, err error) error {
	file, tried := filepath.Join(dir, name), filepath.Join(dir, triedResults)
	if add {
		if other := r.add(file); other != nil {
			err, file = errors.Join(err, other), tried
		}
	} else if err != nil {
		file = tried
	}
	return errors.Join(err, r.write(file))
}

func (r *report) write(file string) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o666)
}

// failures are the rows that do not count.
func (r *report) failures() int {
	n := 0
	for _, row := range r.Rows {
		if row.Failed {
			n++
		}
	}
	for _, p := range r.Photos {
		if p.Failed {
			n++
		}
	}
	for _, s := range r.Starts {
		if s.Failed {
			n++
		}
	}
	return n
}

// readReport reads what an earlier run wrote; nil if there was none.
func readReport(file string) (*report, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := new(report)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// markdown is the report for people.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores; %s; ", r.Processor, r.Cores, r.Browser)
	if r.Adapter != "" {
		fmt.Fprintf(&b, "WebGPU on %s", r.Adapter)
		if r.Software {
			b.WriteString(" (in software)")
		}
		if r.GPU != "" {
			fmt.Fprintf(&b, " (%s)", r.GPU)
		}
		b.WriteString("; ")
	}
	if v := r.Peers["webgpu"]; v != "" {
		fmt.Fprintf(&b, "Dawn of the package webgpu %s; ", v)
	}
	fmt.Fprintf(&b, "onnxruntime-web %s, transformers.js %s; clipside %s.\n", r.Peers["onnxruntime-web"], r.Peers["@huggingface/transformers"], strings.Join(r.Commits, ", "))

	var inPage, inWorker []row
	for _, row := range r.Rows {
		if row.Worker {
			inWorker = append(inWorker, row)
		} else {
			inPage = append(inPage, row)
		}
	}
	if len(inPage) > 0 {
		fmt.Fprintf(&b, `
### Warm calls

Both take turns in one page, on the same weights and the same inputs, and 50 ms apart: threads look for more work after a call, for up to 20 ms. Medians, with the 25th and the 75th percentile; ratios are onnxruntime-web's time over clipside's, so that above 1 clipside is faster. Wherever there are times, both gave the same embeddings: cosine ≥ %g.

What is timed is not quite alike, so there are two ratios. *Onnxruntime-web* goes from prepared tensors to embeddings, in the page's own thread, which can do nothing else meanwhile. *Clipside* goes from pictures or texts in the page to embeddings in the page: it prepares the pictures and tokenises the texts, in its Worker, and the way there and back is included; the first ratio is of these, and is the harder one for clipside. *Its engine* is what the Worker measured of that: preparing and computing, without the way; the ratio of the engine is of that.%s

Onnxruntime-web has the graph as Optimum exports it, which it optimises itself as it loads it; it is not given what its tools for Python would make of that. On WebGPU nothing is validated, and each encoder runs in the way that was fastest with one input and right: with its commands captured and replayed, with input and output in buffers on the GPU, or in memory.

Texts have %d tokens and are all different, so that none is remembered; onnxruntime-web gets them without padding. They begin in three ways, as prompts of three templates would (a photo of a …, a picture of the …, a drawing of one …); clipside computes once what texts of a call begin with, onnxruntime-web for each. Those with nothing in common begin each with another word.

| model | on | what | clipside | its engine | onnxruntime-web | ratio | of the engine | |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |
`, minCosine, r.withoutWorkers(), textLength)
		for _, row := range inPage {
			engine := "–"
			if row.Engine != nil {
				engine = milliseconds(row.Engine.Median)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", row.Model, row.Device, row.What, row.Ours, engine, row.Peer, row.ratio(row.Ratio), row.ratio(row.EngineRatio), cell(orFew(row.Note, row.Ours, "one call of each", "calls of each")))
		}
	}
	if len(inWorker) > 0 {
		b.WriteString(`
### One small input, page to page

What a page pays that must stay responsive: both compute in a Worker, onnxruntime-web in its own (env.wasm.proxy), and both times go from the page to the Worker and back. Onnxruntime-web still gets prepared tensors; clipside prepares and tokenises.

| model | on | what | clipside | onnxruntime-web in its Worker | ratio | |
| --- | --- | --- | ---: | ---: | ---: | --- |
`)
		for _, row := range inWorker {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", row.Model, row.Device, row.What, row.Ours, row.Peer, row.ratio(row.Ratio), cell(orFew(row.Note, row.Ours, "one call of each", "calls of each")))
		}
	}
	if len(r.PeerNotes) > 0 {
		b.WriteString("\nWhat onnxruntime-web could not do, by model and lane:\n\n")
		for _, n := range r.PeerNotes {
			fmt.Fprintf(&b, "- %s\n", cell(n.Text))
		}
	}
	photoTable(&b, r.Photos)
	if len(r.Starts) > 0 {
		b.WriteString(`
### Starts

From navigation to the first result, a picture against two labels, from a server on the same machine: cold, in a fresh browser; warm, at a second visit. Memory is the largest resident size of the page's process and of the GPU process, added up, after the first result; a page with nothing in it is the first row. Code is what came over the wire as ` + "`.js`, `.mjs` and `.wasm`" + `, compressed as gzip and as brotli; weights are everything else, and what of it came again at the second visit. Onnxruntime-web alone is given tokens, and loads no tokenizer; its weights and transformers.js's are fp32, as both compute, clipside's packed fp16.

| model | on | | cold | warm | memory | code (gzip / brotli) | weights | |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |
`)
		if m := r.EmptyPage; m != nil {
			fmt.Fprintf(&b, "| – | – | an empty page | – | – | %s | – | – | |\n", megabytes(m.Renderer+m.GPU))
		}
		for _, s := range r.Starts {
			held, code, weights := "–", "–", "–"
			if s.Memory != nil {
				held = megabytes(s.Memory.Renderer + s.Memory.GPU)
			}
			if s.Code != nil {
				code = megabytes(s.Code.Gzip)
				if s.Code.Brotli > 0 {
					code += " / " + megabytes(s.Code.Brotli)
				}
				weights = megabytes(s.Weights)
				if s.Again > 100_000 {
					weights += ", again " + megabytes(s.Again)
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", s.Model, s.Device, s.Who, s.Cold, s.Warm, held, code, weights, cell(orFew(s.Note, s.Cold, "once", "times")))
		}
	}
	return b.String()
}

// withoutWorkers says what is else with a run under Node.
func (r *report) withoutWorkers() string {
	if !strings.HasPrefix(r.Browser, "Node ") {
		return ""
	}
	return " Here there are no Workers: both compute in Node's one thread. Onnxruntime-web is not made for Node, for which there is another package: it runs on what bench/node/page.mjs has in place of a browser."
}

// ratio is a ratio for a table; none for a row that does not count.
func (r row) ratio(v float64) string {
	if r.Ours == nil || r.Failed {
		return "–"
	}
	return fmt.Sprintf("**%.2f**", v)
}

// orFew is a note or, where there is none, of how many measurements something is if they are few.
func orFew(note string, s *spread, one, some string) string {
	switch {
	case note != "" || s == nil || s.N >= 5:
		return note
	case s.N == 1:
		return one
	}
	return fmt.Sprintf("%d %s", s.N, some)
}

// cell is text that cannot break a table.
func cell(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "|", "/")
	if r := []rune(s); len(r) > 160 {
		s = string(r[:160]) + "…"
	}
	return s
}

func megabytes(n int64) string { return digits(float64(n)/1e6) + " MB" }
