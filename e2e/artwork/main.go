//go:build !js

// Artwork makes what the app's manifest and the README show of clipside: the icons as PNG, of the drawings in
// site/icons, and the screenshots, of the built page. Run it after a change of either, and commit what it writes:
//
//	./build.sh build && go run ./e2e/artwork
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal("artwork: ", err)
	}
}

const (
	icons = "site/icons"
	docs  = "docs"
)

// transparentBackground is spelled out because cdproto's own parameters leave out an alpha of 0.
var transparentBackground = cdp.Command[map[string]any, cdp.Empty]{Method: emulation.CommandSetDefaultBackgroundColorOverride}

func run() error {
	name := os.Getenv("CHROMIUM")
	if name == "" {
		name = "chromium"
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(name), chromedp.Flag("no-sandbox", true),
		chromedp.Flag("headless", "new"), chromedp.Flag("hide-scrollbars", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	ctx, expire := context.WithTimeout(ctx, 5*time.Minute)
	defer expire()

	for _, icon := range []struct {
		drawing, file string
		side          int64
	}{
		{"icon.svg", "icon-192.png", 192}, {"icon.svg", "icon-512.png", 512},
		{"maskable.svg", "maskable-192.png", 192}, {"maskable.svg", "maskable-512.png", 512},
		{"maskable.svg", "icon-180.png", 180}, // Apple's, which rounds the corners itself
	} {
		svg, err := os.ReadFile(filepath.Join(icons, icon.drawing))
		if err != nil {
			return err
		}
		html := fmt.Sprintf(`<!doctype html><style>html,body{margin:0;background:transparent}img{display:block;width:%dpx}</style><img src="data:image/svg+xml;base64,%s">`,
			icon.side, base64.StdEncoding.EncodeToString(svg))
		err = chromedp.Do(ctx, chromedp.EmulateViewport(icon.side, icon.side),
			chromedp.Navigate("data:text/html;base64,"+base64.StdEncoding.EncodeToString([]byte(html))))
		if err == nil {
			_, err = chromedp.Call(ctx, transparentBackground, map[string]any{"color": map[string]int{"r": 0, "g": 0, "b": 0, "a": 0}})
		}
		if err != nil {
			return fmt.Errorf("draw %s: %w", icon.drawing, err)
		}
		if err := capture(ctx, icons, icon.file); err != nil {
			return err
		}
	}

	if _, err := chromedp.Call(ctx, transparentBackground, nil); err != nil {
		return fmt.Errorf("give pages their background again: %w", err)
	}
	files := http.FileServer(http.Dir("dist"))
	slow := make(chan struct{}) // closed when weights may all come
	var chunks atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".zst") && chunks.Add(1) > 2 {
			<-slow
		}
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	if err := firstVisit(ctx, server.URL, func() { close(slow) }); err != nil {
		return err
	}
	for _, shot := range []struct {
		file          string
		width, height int64
		scale         float64
		samples       int
	}{
		{"screenshot-wide.png", 1280, 800, 1, 4}, {"screenshot-narrow.png", 390, 844, 2, 1},
	} {
		err := chromedp.Do(ctx, chromedp.EmulateViewport(shot.width, shot.height, chromedp.EmulateScale(shot.scale)),
			chromedp.Navigate(server.URL+"/?device=cpu"))
		if err != nil {
			return fmt.Errorf("open the page: %w", err)
		}
		script := fmt.Sprintf(`(async () => {
			const wait = async (holds) => { while (!holds()) await new Promise((resolve) => setTimeout(resolve, 100)); };
			const all = (query) => document.querySelectorAll(query);
			for (const sample of [...all('.sample')].slice(0, %[1]d)) sample.click();
			await wait(() => all('.card[data-state=done]').length === %[1]d && document.getElementById('badge').dataset.state === 'ready');
			await Promise.all(document.getAnimations().map(({ finished }) => finished));
			if (%[1]d === 1) document.querySelector('.words').scrollIntoView();
			else scrollTo(0, 0);
			document.activeElement?.blur();
			return true;
		})()`, shot.samples)
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script, chromedp.EvalAwaitPromise)); err != nil {
			return fmt.Errorf("try the page: %w", err)
		}
		if err := capture(ctx, icons, shot.file); err != nil {
			return err
		}
	}
	return nil
}

// firstVisit shows the page before its model is there, and while it comes.
func firstVisit(ctx context.Context, url string, release func()) error {
	defer release()
	err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url+"/?device=cpu"), chromedp.Sleep(2*time.Second))
	if err != nil {
		return fmt.Errorf("open the page: %w", err)
	}
	if err := capture(ctx, docs, "before.png"); err != nil {
		return err
	}
	_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](`(async () => {
		document.querySelector('.sample').click();
		while (!(document.getElementById('model-progress').value > 0)) await new Promise((resolve) => setTimeout(resolve, 100));
		await new Promise((resolve) => setTimeout(resolve, 1500));
		scrollTo(0, 0);
		return true;
	})()`, chromedp.EvalAwaitPromise))
	if err != nil {
		return fmt.Errorf("ask for the model: %w", err)
	}
	return capture(ctx, docs, "during.png")
}

func capture(ctx context.Context, dir, file string) error {
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return fmt.Errorf("capture %s: %w", file, err)
	}
	return os.WriteFile(filepath.Join(dir, file), data, 0o644)
}
