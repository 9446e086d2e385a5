package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func reportOf(browser string, rows ...row) *report {
	return &report{Processor: "a processor", Cores: 2, Browser: browser, Rows: rows}
}

func times(v float64) *spread { return spreadOf([]float64{v}) }

func TestOnlyAWholeRaceReplacesWhatIsKept(t *testing.T) {
	dir := t.TempDir()
	image := row{Model: "starter", Lane: "cpu1", What: "image ×1", Ours: times(1), Peer: times(2)}
	text := row{Model: "starter", Lane: "cpu1", What: "text ×1", Ours: times(3), Peer: times(4)}
	kept := func(want ...row) {
		t.Helper()
		r, err := readReport(filepath.Join(dir, browserResults))
		if err != nil || r == nil || len(r.Rows) != len(want) {
			t.Fatalf("%+v, %v", r, err)
		}
		for i, w := range want {
			if r.Rows[i].What != w.What || r.Rows[i].Ours.Median != w.Ours.Median {
				t.Errorf("%+v, want %+v", r.Rows[i], w)
			}
		}
	}
	if err := reportOf("Chrome/1", image).save(dir, browserResults, false, nil); err != nil {
		t.Fatal(err)
	}
	interrupted := errors.New("interrupted")
	if err := reportOf("").save(dir, browserResults, false, interrupted); !errors.Is(err, interrupted) {
		t.Errorf("%v", err)
	}
	kept(image)
	if err := reportOf("Chrome/2", text).save(dir, browserResults, true, nil); err == nil {
		t.Error("a race in another browser was added")
	}
	kept(image)
	if r, err := readReport(filepath.Join(dir, triedResults)); err != nil || r == nil || r.Browser != "Chrome/2" {
		t.Errorf("what was not added is lost: %+v, %v", r, err)
	}
	if err := reportOf("Chrome/1", text).save(dir, browserResults, true, interrupted); !errors.Is(err, interrupted) {
		t.Errorf("%v", err)
	}
	kept(image, text)
}

func TestWhatThePeerCouldNotDoIsOfTheLastRunOfALane(t *testing.T) {
	file := filepath.Join(t.TempDir(), browserResults)
	old := reportOf("Chrome/1", row{Model: "starter", Lane: "webgpu", What: "text ×1"})
	old.PeerNotes = []note{{"starter", "webgpu", "once"}, {"b32", "webgpu", "of another"}}
	if err := old.write(file); err != nil {
		t.Fatal(err)
	}
	r := reportOf("Chrome/1", row{Model: "starter", Lane: "webgpu", What: "image ×1"})
	r.PeerNotes = []note{{"starter", "webgpu", "now"}}
	if err := r.add(file); err != nil {
		t.Fatal(err)
	}
	if want := []note{{"starter", "webgpu", "now"}, {"b32", "webgpu", "of another"}}; !slices.Equal(r.PeerNotes, want) {
		t.Errorf("%q, want %q", r.PeerNotes, want)
	}
}

func TestTheTablesNameTheCommitsOfWhatIsInThem(t *testing.T) {
	dir := t.TempDir()
	part := func(commit string, r *report) {
		t.Helper()
		r.Commits = []string{commit}
		r.sign()
		if err := r.save(dir, browserResults, true, nil); err != nil {
			t.Fatal(err)
		}
	}
	image, text := row{Model: "starter", Lane: "cpu1", What: "image ×1"}, row{Model: "starter", Lane: "cpu1", What: "text ×1"}
	started := reportOf("Chrome/1")
	started.Starts = []start{{Model: "starter", Lane: "cpu", Who: contenders[0]}}
	pictures := reportOf("Chrome/1")
	pictures.Photos = []photo{{Model: "starter", Lane: "cpu"}}
	for _, c := range []struct {
		commit string
		part   *report
		want   []string
	}{
		{"one", reportOf("Chrome/1", image, text), []string{"one"}},
		{"two", reportOf("Chrome/1", image), []string{"two", "one"}},
		{"two", reportOf("Chrome/1", text), []string{"two"}},
		{"three", started, []string{"three", "two"}},
		{"four", pictures, []string{"four", "three", "two"}},
		{"five", reportOf("Chrome/1", text, image), []string{"five", "four", "three"}},
	} {
		part(c.commit, c.part)
		if r, err := readReport(filepath.Join(dir, browserResults)); err != nil || !slices.Equal(r.Commits, c.want) {
			t.Errorf("after %s: %q, want %q (%v)", c.commit, r.Commits, c.want, err)
		}
	}
}

func TestPartsOfDifferentMachinesDoNotAddUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), browserResults)
	kept := func() *report {
		return &report{Processor: "a processor", Cores: 2, Browser: "Chrome/1", Adapter: "an adapter", GPU: "driver 1", Peers: map[string]string{"onnxruntime-web": "1"}}
	}
	if err := kept().write(file); err != nil {
		t.Fatal(err)
	}
	if err := kept().add(file); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(*report){
		"processor": func(r *report) { r.Processor = "another" }, "cores": func(r *report) { r.Cores = 1 }, "browser": func(r *report) { r.Browser = "Chrome/2" },
		"adapter": func(r *report) { r.Adapter = "another" }, "driver": func(r *report) { r.GPU = "driver 2" }, "peer": func(r *report) { r.Peers["onnxruntime-web"] = "2" },
	} {
		r := kept()
		change(r)
		if r.add(file) == nil {
			t.Errorf("another %s adds up", what)
		}
	}
}

func TestWhatClipsideFailsAtIsAFailure(t *testing.T) {
	r := &report{
		Rows:   []row{{}, {Failed: true}},
		Photos: []photo{{}, {Failed: true}},
		Starts: []start{{}, {Failed: true}},
	}
	if n := r.failures(); n != 3 {
		t.Errorf("%d failures", n)
	}
}

func TestABuiltPageKeepsItsCommit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "commits")
	for _, want := range [][]string{nil, {"0123456789ab"}, {"0123456789ab+"}, nil} {
		if want != nil {
			if err := writeCommits(file, want); err != nil {
				t.Fatal(err)
			}
		} else if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
		if got, err := readCommits(file); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

func TestTablesStayWhoseResultsAreNotAtHand(t *testing.T) {
	published, err := os.ReadFile("RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	if again := joinParts(partsOf(string(published))); again != string(published) {
		t.Error("RESULTS.md is not put together as it was")
	}
	root := t.TempDir()
	for _, dir := range []string{"bench", "build"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(root, "bench", "RESULTS.md")
	if err := os.WriteFile(file, published, 0o644); err != nil {
		t.Fatal(err)
	}
	image := row{Model: "starter", Lane: "cpu1", What: "image ×1", Ours: times(1), Peer: times(2)}
	if err := reportOf("Firefox/1", image).save(filepath.Join(root, "build"), firefoxResults, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := writeResults(root); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, after := partsOf(string(published)), partsOf(string(written))
	for title, text := range before {
		if same := after[title] == text; same == (title == "In Firefox") {
			t.Errorf("%s is as it was: %v", title, same)
		}
	}
	if !strings.Contains(after["In Firefox"], "Firefox/1") {
		t.Errorf("In Firefox: %s", after["In Firefox"])
	}
}
