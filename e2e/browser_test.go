package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/clipside/clipside/internal/programs"
)

// browser is a running Chromium with a fresh profile.
type browser struct{ ctx context.Context }

// launch starts Chromium and ends it with the test: where there is one, its headless shell, which draws no window and keeps
// no history, and takes 2 to 4 seconds less of a processor for a page. Flags are added to those that the tests always need;
// a value of false takes one away.
func launch(t testing.TB, flags map[string]any) *browser {
	t.Helper()
	path, err := programs.HeadlessShell()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, path, flags)
}

// launchChromium is launch with the whole browser, for what visitors have of it beside the page: profiles, permissions,
// service workers.
func launchChromium(t testing.TB, flags map[string]any) *browser {
	t.Helper()
	path, err := programs.Chromium()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, path, flags)
}

func start(t testing.TB, path string, flags map[string]any) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("headless", "new"), chromedp.Flag("no-sandbox", true), chromedp.Flag("enable-unsafe-webgpu", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-gpu", false),
		chromedp.WindowSize(1280, 1000),
	)
	for k, v := range flags {
		options = append(options, chromedp.Flag(k, v))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		// Waits for the process to end; afterwards nothing is left to cancel.
		if err := chromedp.Cancel(ctx); err != nil {
			t.Log("end Chromium:", err)
		}
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &browser{ctx}
}

// driver is what the tests do in a browser that is not Chromium: a tab of package firefox or webkit.
type driver interface {
	Evaluate(ctx context.Context, expression string, out any) error
	Problems() []string
	SetFiles(ctx context.Context, selector string, files ...string) error
	Click(ctx context.Context, selector string) error
	Type(ctx context.Context, keys string) error
}

// openOther opens a tab at url in a browser that is not Chromium.
func openOther[P driver](t testing.TB, url string, b interface {
	Open(ctx context.Context, url string) (P, error)
}) *tab {
	t.Helper()
	page, err := b.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return &tab{TB: t, ctx: t.Context(), other: page}
}

// tab is a page with a record of what it complained of.
type tab struct {
	testing.TB
	ctx   context.Context
	other driver // nil in Chromium

	mu       sync.Mutex
	problems []string // errors on the console, uncaught exceptions, log entries of level error
}

// open makes a new tab at url, which may be "" to stay blank.
func (b *browser) open(t testing.TB, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	p := &tab{TB: t, ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		p.mu.Lock()
		defer p.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			what := e.ExceptionDetails.Text
			if o := e.ExceptionDetails.Exception; o != nil {
				what += " " + o.Description
			}
			p.problems = append(p.problems, what)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError {
				for _, a := range e.Args {
					p.problems = append(p.problems, "console: "+string(a.Value)+a.Description)
				}
			}
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError {
				p.problems = append(p.problems, e.Entry.Text+" "+e.Entry.URL)
			}
		}
	})
	if err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	if url != "" {
		p.run(chromedp.Navigate(url))
	}
	return p
}

// run runs actions, each at most a minute.
func (p *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if p.other != nil {
		p.Fatal("only Chromium knows chromedp's actions")
	}
	for _, a := range actions {
		ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
		err := chromedp.Do(ctx, a)
		cancel()
		if err != nil {
			p.Fatalf("%v\nproblems: %q", err, p.complaints())
		}
	}
}

// eval evaluates an expression, waiting for a promise.
func eval[T any](p *tab, expression string) T {
	p.Helper()
	v, err := try[T](p, expression)
	if err != nil {
		p.Fatalf("evaluate %.200s: %v\nproblems: %q", expression, err, p.complaints())
	}
	return v
}

// try is eval with the error for the caller, such as a rejection that a test wants to see.
func try[T any](p *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Minute)
	defer cancel()
	if p.other != nil {
		var v T
		err := p.other.Evaluate(ctx, expression, &v)
		return v, err
	}
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for an expression to be true, of a page that may be reloading itself.
func (p *tab) until(what, expression string) {
	p.Helper()
	deadline := time.Now().Add(8 * time.Minute) // a busy machine may take several times as long as another
	for {
		holds, err := try[bool](p, "!!("+expression+")")
		if err != nil && !strings.Contains(err.Error(), "Inspected target navigated") {
			p.Fatalf("evaluate %.200s: %v\nproblems: %q", expression, err, p.complaints())
		}
		if holds {
			return
		}
		if time.Now().After(deadline) {
			p.Fatalf("waited in vain for %s\nproblems: %q", what, p.complaints())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (p *tab) complaints() []string {
	if p.other != nil {
		return p.other.Problems()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.problems...)
}

// adapter is what every browser test asserts first: without WebGPU it would test nothing.
func (p *tab) adapter() string {
	p.Helper()
	name := eval[string](p, `(async () => {
		const a = await navigator.gpu?.requestAdapter();
		return a ? [a.info.vendor, a.info.architecture, a.info.description].join(' ').trim() || 'unnamed' : '';
	})()`)
	if name == "" {
		p.Fatal("this browser offers no WebGPU adapter")
	}
	return name
}

// root is the repository's, seen from this package's folder, where go test runs.
const root = ".."

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// gojs runs a go command in the repository with GOOS=js.
func gojs(t testing.TB, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("go %v: %w\n%s", args, err, out))
	}
}
