// Bench races clipside against onnxruntime-web and transformers.js: the same weights, in the same browser, on the same
// processor, taking turns. It needs Node's npm and Chromium. ./build.sh bench runs it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/clipside/clipside/internal/checkout"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the command line's.
type options struct {
	models  []string
	lanes   []lane
	heats   []heat
	starts  int // samples of each start; 0: none
	photos  bool
	limits  limits
	flags   []string // more of Chromium's
	quick   bool
	write   bool
	add     bool
	node    bool
	firefox bool
	webkit  bool
	tables  bool
	rebuild bool
}

func parse() (*options, error) {
	models := flag.String("models", strings.Join(modelNames, ","), "`names`, of these")
	threads := flag.Int("threads", min(runtime.NumCPU(), 4), "threads that the peer may use where the page is isolated")
	chosen := flag.String("lanes", strings.Join(laneNames, ","), "`names`, of these: cpu1 (one thread), cpu (-threads), cpu1-worker and cpu-worker (single inputs, the peer in a Worker, too), webgpu, webgpu16 (the peer's model in fp16)")
	rows := flag.String("rows", "", "`rows`, such as image1,text64,photo,start (default all)")
	seconds := flag.Float64("seconds", 10, "of timed calls a row")
	slowest := flag.Duration("slowest", time.Minute, "a call that takes longer ends its row, and a start that takes twice as long")
	most := flag.Int("most", 30, fmt.Sprintf("timed calls of each contender a row, at most; not above %d", mostCalls))
	starts := flag.Int("starts", 5, "samples of each start, at most: three minutes after the first of a model in a lane no more are taken")
	quick := flag.Bool("quick", false, "few samples, no brotli: to see that it works")
	write := flag.Bool("write", false, "write the tables to bench/RESULTS.md, too, with those of the last run with -node or without")
	add := flag.Bool("add", false, "keep the rows that earlier runs with -write or -add left in build/ and that are not run now: for a race in parts")
	inNode := flag.Bool("node", false, "race under Node, without a browser and without starts; WebGPU is Dawn's")
	firefox := flag.Bool("firefox", false, "race in Firefox, without photos and starts")
	webkit := flag.Bool("webkit", false, "race in WebKitGTK, which has Safari's engine, on the CPU and without photos and starts; it gives clipside four threads on any machine, so -threads should be 4")
	tables := flag.Bool("tables", false, "race nothing, and write bench/RESULTS.md anew from what earlier runs left in build/, such as another machine's gpu-bench.json")
	keep := flag.Bool("no-build", false, "race build/bench/dist as it is")
	var flags []string
	flag.Func("chromium", "another `flag` for Chromium, NAME or NAME=VALUE; may be repeated", func(v string) error {
		flags = append(flags, v)
		return nil
	})
	flag.Parse()
	if flag.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if *seconds <= 0 || *slowest <= 0 || *most < 1 || *threads < 1 || *starts < 0 {
		return nil, errors.New("-seconds, -slowest, -most and -threads must be positive, and -starts not negative")
	}
	if *most > mostCalls {
		return nil, fmt.Errorf("-most is %d: there are texts for %d calls of the longest rows", *most, mostCalls)
	}

	// What is kept is replaced by what is as much.
	partial := false
	flag.Visit(func(f *flag.Flag) {
		partial = partial || slices.Contains([]string{"models", "lanes", "rows", "starts"}, f.Name)
	})
	if *write && partial && !*add {
		return nil, errors.New("-write with only some models, lanes, rows or starts would lose the others: give -add as well")
	}

	o := &options{limits: limits{*seconds, *slowest, *most}, starts: *starts, flags: flags, quick: *quick, write: *write, add: *add, node: *inNode, firefox: *firefox, webkit: *webkit, tables: *tables, rebuild: !*keep}
	if o.node && o.firefox || o.node && o.webkit || o.firefox && o.webkit {
		return nil, errors.New("-node, -firefox and -webkit exclude each other")
	}
	if *quick {
		o.limits, o.starts = limits{2, 20 * time.Second, 5}, 1
	}
	for name := range strings.SplitSeq(*models, ",") {
		if !slices.Contains(modelNames, name) {
			return nil, fmt.Errorf("there is no model %q", name)
		}
		o.models = append(o.models, name)
	}
	all := lanes(*threads)
	for name := range strings.SplitSeq(*chosen, ",") {
		i := slices.IndexFunc(all, func(l lane) bool { return l.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no lane %q", name)
		}
		o.lanes = append(o.lanes, all[i])
	}
	if *rows == "" {
		o.heats, o.photos = heats, true
		return o, nil
	}
	wantStart := false
	for name := range strings.SplitSeq(*rows, ",") {
		i := slices.IndexFunc(heats, func(h heat) bool { return h.String() == name })
		switch {
		case i >= 0:
			o.heats = append(o.heats, heats[i])
		case name == "photo":
			o.photos = true
		case name == "start":
			wantStart = true
		default:
			return nil, fmt.Errorf("there is no row %q", name)
		}
	}
	if !wantStart {
		o.starts = 0
	}
	return o, nil
}

func run(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	root, err := checkout.Find()
	if err != nil {
		return err
	}
	if o.tables {
		return writeResults(root)
	}
	work := filepath.Join(root, "build", "bench")
	peers, versions, err := installPeers(ctx, filepath.Join(root, "bench", "peers"))
	if err != nil {
		return err
	}
	clipside, dist := filepath.Join(work, "clipside"), filepath.Join(work, "dist")
	commits, built := commit(ctx, root), filepath.Join(work, "commits")
	if !o.rebuild {
		if commits, err = readCommits(built); err != nil {
			return err
		}
	} else {
		if err := command(ctx, root, "go", "build", "-trimpath", "-o", clipside, "./cmd/clipside"); err != nil {
			return err
		}
		if err := command(ctx, root, clipside, "build", "-out", dist); err != nil {
			return err
		}
		if err := writeCommits(built, commits); err != nil {
			return err
		}
	}

	hash, err := makersHash(root)
	if err != nil {
		return err
	}
	models := filepath.Join(work, "models-"+hash)
	if err := removeOthers(work, "models-", models); err != nil {
		return err
	}
	packages := os.DirFS(peers)
	mounts := map[string]fs.FS{
		"race": os.DirFS(filepath.Join(root, "bench", "page")), "ours": os.DirFS(dist),
		"ort":              sub(packages, "onnxruntime-web/dist"),
		"transformers":     sub(packages, "@huggingface/transformers/dist"),
		"transformers-ort": sub(packages, "@huggingface/transformers/node_modules/onnxruntime-web/dist"),
		"texts":            textsOf(models),
	}
	var entrants []*entrant
	for _, name := range o.models {
		fmt.Fprintf(os.Stderr, "preparing %s\n", name)
		e, err := prepare(ctx, root, clipside, models, name)
		if err != nil {
			return err
		}
		for form, dir := range map[string]string{"models": "bundle", "onnx": "onnx", "hf": "hf"} {
			mounts[form+"/"+name] = os.DirFS(filepath.Join(e.dir, dir))
		}
		entrants = append(entrants, e)
	}
	s, err := serve(mounts)
	if err != nil {
		return err
	}
	defer s.close()

	r := &report{Processor: processor(), Cores: runtime.NumCPU(), Peers: versions, Commits: commits}
	name := browserResults
	switch {
	case o.node:
		name = nodeResults
		err = raceNode(ctx, o, root, entrants, r)
	case o.firefox:
		name = firefoxResults
		err = raceFirefox(ctx, o, s, entrants, r)
	case o.webkit:
		name = webkitResults
		err = raceWebKit(ctx, o, s, entrants, r)
	default:
		err = race(ctx, o, s, entrants, r)
	}
	switch {
	case !o.write && !o.add:
		name = triedResults
	case r.Adapter != "" && !r.Software: // kept apart from those of machines without a GPU
		name = withGPU + name
		r.GPU = graphics(ctx)
	}
	r.sign()
	failures := r.failures()
	if err := r.save(filepath.Join(root, "build"), name, o.add, err); err != nil {
		return err
	}
	fmt.Print(r.markdown())
	if o.write {
		if err := writeResults(root); err != nil {
			return err
		}
	}
	if failures > 0 {
		return fmt.Errorf("%d rows failed", failures)
	}
	return nil
}

// race runs everything in one browser, and then the starts, each in a browser of its own.
func race(ctx context.Context, o *options, s *server, entrants []*entrant, r *report) error {
	b, err := launch(ctx, o.flags)
	if err != nil {
		return err
	}
	defer b.close()
	runs, err := raceAt(ctx, o, tabs{b, s}, entrants, r)
	if err != nil {
		return err
	}
	if o.photos {
		if r.Photos, err = runPhotos(ctx, os.Stderr, b, s, entrants, o.lanes, runs, o.limits); err != nil {
			return err
		}
	}
	if o.starts == 0 {
		return nil
	}
	b.close()
	if r.EmptyPage, err = emptyPage(ctx, s, o.flags); err != nil {
		return err
	}
	measure := &measurer{server: s, withBrotli: !o.quick, known: map[string]size{}}
	for _, e := range entrants {
		for _, l := range o.lanes {
			if runs(l) != "" || l.half || l.worker || l.name == "cpu1" {
				continue
			}
			began := time.Now()
			fmt.Fprintf(os.Stderr, "%s: %s, lane %s: starts\n", began.Format(time.TimeOnly), e.name, l.name)
			starts, err := runStarts(ctx, os.Stderr, s, e, l, o.starts, 2*o.limits.slowest, o.flags, measure)
			fmt.Fprintf(os.Stderr, "that took %v\n", time.Since(began).Round(time.Second))
			r.Starts = append(r.Starts, starts...)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// raceAt runs all rows at a venue. Runs says of a lane why it cannot be run there, or nothing.
func raceAt(ctx context.Context, o *options, v venue, entrants []*entrant, r *report) (runs func(lane) string, err error) {
	adapter, err := probe(v)
	if err != nil {
		return nil, err
	}
	r.Browser, r.Software, r.Features = adapter.Browser, adapter.Software, adapter.Features
	r.Adapter = strings.Join(strings.Fields(adapter.Name), " ")
	runs = func(l lane) string {
		switch {
		case l.device == "cpu":
			return ""
		case adapter.Name == "":
			return "there is no WebGPU adapter"
		case l.half && !slices.Contains(adapter.Features, "shader-f16"):
			return "the adapter has no shader-f16"
		}
		return ""
	}
	for _, e := range entrants {
		for _, l := range o.lanes {
			if reason := runs(l); reason != "" {
				fmt.Fprintf(os.Stderr, "%-8s %-18s not run: %s\n", e.name, l.title, reason)
				continue
			}
			taken := slices.DeleteFunc(slices.Clone(o.heats), func(h heat) bool { return !l.takes(h) })
			if len(taken) == 0 {
				continue
			}
			began := time.Now()
			fmt.Fprintf(os.Stderr, "%s: %s, lane %s: %v\n", began.Format(time.TimeOnly), e.name, l.name, taken)
			rows, notes, err := runLane(ctx, os.Stderr, v, e, l, taken, o.limits)
			fmt.Fprintf(os.Stderr, "that took %v\n", time.Since(began).Round(time.Second))
			r.Rows, r.PeerNotes = append(r.Rows, rows...), append(r.PeerNotes, notes...)
			if err != nil && ctx.Err() != nil {
				return nil, err
			}
			if err != nil { // the other lanes may do
				for _, h := range taken[len(rows):] {
					failed := row{Model: e.name, Lane: l.name, Device: l.title, Worker: l.worker, What: h.title(), Note: err.Error(), Failed: true}
					fmt.Fprintln(os.Stderr, failed)
					r.Rows = append(r.Rows, failed)
				}
			}
		}
	}
	return runs, nil
}

// adapterInfo is what a page sees of the browser and its WebGPU adapter.
type adapterInfo struct {
	Browser  string
	Name     string // empty where there is none
	Software bool
	Features []string
}

func probe(v venue) (*adapterInfo, error) {
	p, err := v.open(lane{page: isolated})
	if err != nil {
		return nil, err
	}
	defer p.close()
	a := new(adapterInfo)
	return a, p.evaluate(time.Minute, `(async () => { const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' }); const i = adapter?.info; return { browser: navigator.userAgent.match(/(Headless)?Chrom\S+|Firefox\S+/)?.[0] ?? navigator.userAgent, name: i ? [i.vendor, i.architecture, i.device, i.description].join(' ').trim() || 'an adapter without a name' : '', software: i?.isFallbackAdapter ?? false, features: adapter ? [...adapter.features].sort() : [] }; })()`, a)
}

// installPeers installs what dir's package-lock.json names, unless it is there, and returns where, and the versions.
func installPeers(ctx context.Context, dir string) (modules string, versions map[string]string, err error) {
	modules = filepath.Join(dir, "node_modules")
	want, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return "", nil, err
	}
	stamp := filepath.Join(modules, ".installed-lock.json")
	if got, err := os.ReadFile(stamp); err != nil || string(got) != string(want) {
		// One of the packages would fetch a native library when it is installed.
		if err := command(ctx, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
			return "", nil, err
		}
		if err := os.WriteFile(stamp, want, 0o666); err != nil {
			return "", nil, err
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return "", nil, err
	}
	var p struct{ Dependencies map[string]string }
	err = json.Unmarshal(data, &p)
	return modules, p.Dependencies, err
}

// command runs a program whose output is for people.
func command(ctx context.Context, dir, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Stdout, c.Stderr = dir, os.Stderr, os.Stderr
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// removeOthers deletes what is in dir under names that begin with prefix, except keep.
func removeOthers(dir, prefix, keep string) error {
	found, err := filepath.Glob(filepath.Join(dir, prefix+"*"))
	if err != nil {
		return err
	}
	for _, f := range found {
		if f != keep {
			if err := os.RemoveAll(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// sub is a folder of fsys; one that is not there fails when a file is opened.
func sub(fsys fs.FS, dir string) fs.FS {
	s, err := fs.Sub(fsys, dir)
	if err != nil {
		panic(err) // the path is a constant
	}
	return s
}

// textsOf has every model's texts as NAME.json.
type textsOf string

func (dir textsOf) Open(name string) (fs.File, error) {
	return os.Open(filepath.Join(string(dir), filepath.Base(strings.TrimSuffix(name, ".json")), "texts.json"))
}

// processor is the CPU's name as the kernel gives it.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(info)) {
			if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return runtime.GOARCH
}

// graphics are the names and the driver of the machine's GPUs, as the driver's own program gives them; empty where there
// is none.
func graphics(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader").Output()
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "; ")
}

// commit is the checkout's, with + where it has changes; none outside of git.
func commit(ctx context.Context, root string) []string {
	git := func(args ...string) (string, error) {
		c := exec.CommandContext(ctx, "git", args...)
		c.Dir = root
		out, err := c.Output()
		return strings.TrimSpace(string(out)), err
	}
	name, err := git("rev-parse", "--short=12", "HEAD")
	if err != nil {
		return nil
	}
	// What -write writes between the parts of a race is no change of what is raced.
	if changes, err := git("status", "--porcelain", "--untracked-files=normal", "--", ":!bench/RESULTS.md"); err != nil || changes != "" {
		name += "+"
	}
	return []string{name}
}

// writeCommits keeps with a built page what it is of: the checkout may be at another commit when it is raced.
func writeCommits(file string, commits []string) error {
	return os.WriteFile(file, []byte(strings.Join(commits, "\n")), 0o666)
}

// readCommits is empty where what is raced was built elsewhere.
func readCommits(file string) ([]string, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.Fields(string(data)), err
}

// What the runs in Chromium, in Firefox, in WebKit and under Node leave in build/.
const (
	browserResults = "bench.json"
	firefoxResults = "bench-firefox.json"
	webkitResults  = "bench-webkit.json"
	nodeResults    = "bench-node.json"
	withGPU        = "gpu-"             // before any, where the adapter is one
	triedResults   = "bench-tried.json" // of a run that neither -write nor -add keeps
)

// parts are those of bench/RESULTS.md, in their order.
var parts = []struct{ file, title string }{
	{browserResults, "In Chromium"}, {firefoxResults, "In Firefox"}, {webkitResults, "In WebKit"}, {nodeResults, "Under Node, without a browser"},
	{withGPU + browserResults, "In Chromium, with a GPU"}, {withGPU + firefoxResults, "In Firefox, with a GPU"},
	{withGPU + nodeResults, "Under Node, with a GPU"},
}

// writeResults writes bench/RESULTS.md anew. A part whose results are not in build/, as they are another machine's or
// another time's, stays as it is.
func writeResults(root string) error {
	file := filepath.Join(root, "bench", "RESULTS.md")
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	texts := partsOf(string(before))
	for _, part := range parts {
		r, err := readReport(filepath.Join(root, "build", part.file))
		if err != nil {
			return err
		}
		if r != nil {
			texts[part.title] = r.markdown()
		}
	}
	return os.WriteFile(file, []byte(joinParts(texts)), 0o666)
}

// partsOf are the texts of bench/RESULTS.md under its titles.
func partsOf(results string) map[string]string {
	texts := map[string]string{}
	for _, part := range strings.Split(results, "\n## ")[1:] {
		title, text, _ := strings.Cut(part, "\n\n")
		texts[title] = text
	}
	return texts
}

// joinParts puts bench/RESULTS.md together.
func joinParts(texts map[string]string) string {
	var b strings.Builder
	b.WriteString("# The race\n\nMade by `./build.sh bench`; do not edit.\n")
	for _, part := range parts {
		if text := texts[part.title]; text != "" {
			fmt.Fprintf(&b, "\n## %s\n\n%s", part.title, text)
		}
	}
	return b.String()
}
