package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/clipside/clipside/internal/programs"
)

// browser is a running Chromium with a fresh profile.
type browser struct {
	ctx   context.Context
	close func()
}

// launch starts Chromium with more flags, each NAME or NAME=VALUE. Without a GPU it takes SwiftShader.
func launch(ctx context.Context, more []string) (*browser, error) {
	path, err := programs.Chromium()
	if err != nil {
		return nil, err
	}
	profile, err := os.MkdirTemp("", "clipside-bench-")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("headless", "new"), chromedp.Flag("no-sandbox", true), chromedp.Flag("enable-unsafe-webgpu", true),
		chromedp.Flag("disable-gpu", false),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("no-first-run", true),
		chromedp.WindowSize(1280, 1000),
	)
	for _, f := range more {
		name, value, found := strings.Cut(strings.TrimLeft(f, "-"), "=")
		if found {
			options = append(options, chromedp.Flag(name, value))
		} else {
			options = append(options, chromedp.Flag(name, true))
		}
	}
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	tab, cancel := chromedp.NewContext(allocator)
	b := &browser{ctx: tab, close: sync.OnceFunc(func() {
		chromedp.Cancel(tab) // waits for the process to end; one that is gone already is no news
		cancel()
		stop()
		os.RemoveAll(profile)
	})}
	if err := chromedp.Do(tab); err != nil {
		b.close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return b, nil
}

// open makes a new tab at url. It is closed by the returned function.
func (b *browser) open(url string) (context.Context, func(), error) {
	ctx, cancel := chromedp.NewContext(b.ctx)
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		cancel()
		return nil, nil, err
	}
	return ctx, cancel, nil
}

// evaluate evaluates an expression in a tab, waiting for a promise.
func evaluate[T any](tab context.Context, limit time.Duration, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(tab, limit)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// tabs opens the race's page in tabs of a browser.
type tabs struct {
	browser *browser
	server  *server
}

type tab struct {
	ctx  context.Context
	done func()
}

// raceStarted is true once the race's page can be asked for something.
const raceStarted = `new Promise((resolve) => { const wait = () => globalThis.race ? resolve(true) : setTimeout(wait, 20); wait(); })`

func (t tabs) open(l lane) (page, error) {
	ctx, done, err := t.browser.open(t.server.url + l.page + "race/race.html")
	if err != nil {
		return nil, err
	}
	p := &tab{ctx, done}
	var started bool
	if err := p.evaluate(time.Minute, raceStarted, &started); err != nil {
		p.close()
		return nil, fmt.Errorf("the race's page does not start: %w", err)
	}
	return p, nil
}

func (t *tab) evaluate(limit time.Duration, expression string, out any) error {
	text, err := evaluate[string](t.ctx, limit, "(async () => JSON.stringify(await ("+expression+")))()")
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), out)
}

func (t *tab) close() { t.done() }

// memory is what a browser's processes held at most, as the kernel counts it (VmHWM).
type memory struct {
	Renderer int64 `json:"renderer"` // bytes, of the renderer with the most
	GPU      int64 `json:"gpu"`      // bytes, of the GPU process
}

// peakMemory reads the peaks of the processes that the browser started.
func (b *browser) peakMemory() (memory, error) {
	var m memory
	process := chromedp.FromContext(b.ctx).Browser.Process()
	if process == nil {
		return m, errors.New("the browser has no process")
	}
	children := map[int][]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return m, errors.New("no /proc to read memory from")
	}
	for _, file := range stats {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it ended
		}
		// pid (name) state ppid …; the name may hold anything, brackets too.
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	for queue := []int{process.Pid}; len(queue) > 0; queue = queue[1:] {
		queue = append(queue, children[queue[0]]...)
		dir := filepath.Join("/proc", strconv.Itoa(queue[0]))
		command, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		switch peak := highWater(dir); {
		case bytes.Contains(command, []byte("--type=renderer")):
			m.Renderer = max(m.Renderer, peak)
		case bytes.Contains(command, []byte("--type=gpu-process")):
			m.GPU = max(m.GPU, peak)
		}
	}
	if m.Renderer == 0 {
		return m, errors.New("the browser has no renderer")
	}
	return m, nil
}

// highWater is a process's largest resident size, bytes; 0 where it is not known.
func highWater(dir string) int64 {
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return kib << 10
			}
		}
	}
	return 0
}
