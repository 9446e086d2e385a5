package main

import (
	"context"
	"fmt"
	"time"

	"github.com/clipside/clipside/internal/firefox"
	"github.com/clipside/clipside/internal/programs"
	"github.com/clipside/clipside/internal/webkit"
)

// driven opens the race's page in a browser that WebDriver drives.
type driven struct {
	ctx    context.Context
	server *server
	page   func(ctx context.Context, url string) (drivenPage, error)
}

type drivenPage interface {
	Evaluate(ctx context.Context, expression string, out any) error
	Close(ctx context.Context) error
}

type drivenTab struct {
	ctx  context.Context
	page drivenPage
}

// raceFirefox runs the rows in Firefox.
func raceFirefox(ctx context.Context, o *options, s *server, entrants []*entrant, r *report) error {
	program, err := programs.Firefox()
	if err != nil {
		return err
	}
	b, err := firefox.Launch(ctx, program)
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = raceAt(ctx, o, driven{ctx, s, func(ctx context.Context, url string) (drivenPage, error) { return b.Open(ctx, url) }}, entrants, r)
	return err
}

// raceWebKit runs the rows in WebKitGTK, every lane of a model in a browser of its own: a process gives only its first
// few memories of WebAssembly the room to be read without a check of each address, and those that a page has left count
// for as long as they are not collected.
func raceWebKit(ctx context.Context, o *options, s *server, entrants []*entrant, r *report) error {
	driver, display, err := programs.WebKit()
	if err != nil {
		return err
	}
	var version string
	_, err = raceAt(ctx, o, driven{ctx, s, func(ctx context.Context, url string) (drivenPage, error) {
		b, err := webkit.Launch(ctx, driver, display)
		if err != nil {
			return nil, err
		}
		version = b.Version
		p, err := b.Open(ctx, url)
		if err != nil {
			b.Close()
			return nil, err
		}
		return onlyPage{p, b}, nil
	}}, entrants, r)
	r.Browser = "WebKitGTK/" + version // its own name for itself is an old Safari's
	return err
}

// onlyPage is a browser's only page, which closes it.
type onlyPage struct {
	*webkit.Tab
	browser *webkit.Browser
}

func (p onlyPage) Close(context.Context) error {
	p.browser.Close()
	return nil
}

func (d driven) open(l lane) (page, error) {
	p, err := d.page(d.ctx, d.server.url+l.page+"race/race.html")
	if err != nil {
		return nil, err
	}
	t := drivenTab{d.ctx, p}
	var started bool
	if err := t.evaluate(time.Minute, raceStarted, &started); err != nil {
		t.close()
		return nil, fmt.Errorf("the race's page does not start: %w", err)
	}
	return t, nil
}

func (t drivenTab) evaluate(limit time.Duration, expression string, out any) error {
	ctx, cancel := context.WithTimeout(t.ctx, limit)
	defer cancel()
	return t.page.Evaluate(ctx, expression, out)
}

func (t drivenTab) close() { t.page.Close(t.ctx) }
