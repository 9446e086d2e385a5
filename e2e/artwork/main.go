//go:build !js

// Artwork makes what the app's manifest shows of clipside: the icons as PNG, of the drawings in site/icons, and the
// screenshots, of the built page. Run it after a change of either, and commit what it writes:
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

const icons = "site/icons"

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
		if err := capture(ctx, icon.file); err != nil {
			return err
		}
	}

	if _, err := chromedp.Call(ctx, transparentBackground, nil); err != nil {
		return fmt.Errorf("give pages their background again: %w", err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir("dist")))
	defer server.Close()
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
		if err := capture(ctx, shot.file); err != nil {
			return err
		}
	}
	return nil
}

func capture(ctx context.Context, file string) error {
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return fmt.Errorf("capture %s: %w", file, err)
	}
	return os.WriteFile(filepath.Join(icons, file), data, 0o644)
}
