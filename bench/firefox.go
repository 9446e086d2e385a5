package main

import (
	"context"
	"fmt"
	"time"

	"github.com/clipside/clipside/internal/firefox"
	"github.com/clipside/clipside/internal/programs"
)

// firefoxTabs opens the race's page in tabs of a Firefox.
type firefoxTabs struct {
	ctx     context.Context
	browser *firefox.Browser
	server  *server
}

type firefoxTab struct {
	ctx context.Context
	tab *firefox.Tab
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
	_, err = raceAt(ctx, o, firefoxTabs{ctx, b, s}, entrants, r)
	return err
}

func (f firefoxTabs) open(l lane) (page, error) {
	tab, err := f.browser.Open(f.ctx, f.server.url+l.page+"race/race.html")
	if err != nil {
		return nil, err
	}
	p := firefoxTab{f.ctx, tab}
	var started bool
	if err := p.evaluate(time.Minute, raceStarted, &started); err != nil {
		p.close()
		return nil, fmt.Errorf("the race's page does not start: %w", err)
	}
	return p, nil
}

func (t firefoxTab) evaluate(limit time.Duration, expression string, out any) error {
	ctx, cancel := context.WithTimeout(t.ctx, limit)
	defer cancel()
	return t.tab.Evaluate(ctx, expression, out)
}

func (t firefoxTab) close() { t.tab.Close(t.ctx) }
