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

// raceWebKit runs the rows in WebKitGTK.
func raceWebKit(ctx context.Context, o *options, s *server, entrants []*entrant, r *report) error {
	driver, display, err := programs.WebKit()
	if err != nil {
		return err
	}
	b, err := webkit.Launch(ctx, driver, display)
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = raceAt(ctx, o, driven{ctx, s, func(ctx context.Context, url string) (drivenPage, error) { return b.Open(ctx, url) }}, entrants, r)
	r.Browser = "WebKitGTK/" + b.Version // its own name for itself is an old Safari's
	return err
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
