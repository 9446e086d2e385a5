package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
)

// photo is how long clipside takes for a photo of 12 megapixels, from the page's bitmap to its embedding, beside a
// picture of the model's own size: what is between them is the way from bitmap to model input.
type photo struct {
	Model  string  `json:"model"`
	Lane   string  `json:"lane"`
	Device string  `json:"device"`
	Photo  *spread `json:"photo"`  // ms
	Engine *spread `json:"engine"` // ms, of Photo without the way from the page to the Worker and back
	Alone  *spread `json:"alone"`  // ms, the engine's, for a picture of the model's own size
	Share  float64 `json:"share"`  // median of what resizing adds, in parts of Alone
	Note   string  `json:"note,omitempty"`
	Failed bool    `json:"failed,omitempty"`
	Commit string  `json:"commit,omitempty"` // of clipside
}

// runPhotos measures every model in every lane, each in a tab of its own.
func runPhotos(ctx context.Context, log io.Writer, b *browser, s *server, entrants []*entrant, lanes []lane, runs func(lane) string, lim limits) ([]photo, error) {
	var photos []photo
	for _, e := range entrants {
		for _, l := range lanes {
			if l.half || l.worker || runs(l) != "" { // no peer is in it
				continue
			}
			p := photo{Model: e.name, Lane: l.name, Device: l.title}
			if err := p.measure(b, s, e, l, lim); err != nil {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				p.Note, p.Failed = fmt.Sprintf("fails: %v", err), !errors.Is(err, context.DeadlineExceeded)
			}
			fmt.Fprintf(log, "%-8s %-18s photo %s  its engine %s  encoder %s  share %.2f %s\n", p.Model, p.Device, p.Photo, p.Engine, p.Alone, p.Share, p.Note)
			photos = append(photos, p)
		}
	}
	return photos, nil
}

func (p *photo) measure(b *browser, s *server, e *entrant, l lane, lim limits) error {
	query := url.Values{"model": {e.name}, "device": {l.device}, "size": {fmt.Sprint(e.config.Image.Size)}}
	tab, done, err := b.open(s.url + l.page + "race/photo.html?" + query.Encode())
	if err != nil {
		return err
	}
	defer done()
	text, err := evaluate[string](tab, 3*lim.slowest+time.Duration(lim.seconds)*time.Second, fmt.Sprintf(`(async () => {
		while (!globalThis.measure) await new Promise((resolve) => setTimeout(resolve, 5));
		return JSON.stringify(await globalThis.measure(%g, %d));
	})()`, lim.seconds, lim.most))
	if err != nil {
		return err
	}
	var got struct{ Photo, Engine, Alone []float64 }
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		return err
	}
	p.Photo, p.Engine, p.Alone = spreadOf(got.Photo), spreadOf(got.Engine), spreadOf(got.Alone)
	p.Share = p.Engine.Median/p.Alone.Median - 1
	return nil
}

// addPhotos puts those of an earlier run that were not measured again among r's.
func (r *report) addPhotos(old []photo) {
	old = slices.DeleteFunc(old, func(o photo) bool {
		return slices.ContainsFunc(r.Photos, func(n photo) bool { return n.Model == o.Model && n.Lane == o.Lane })
	})
	r.Photos = append(old, r.Photos...)
	slices.SortStableFunc(r.Photos, func(a, b photo) int {
		return cmp.Or(byPlace(modelNames, a.Model, b.Model), byPlace(laneNames, a.Lane, b.Lane))
	})
}

// photoTable is the report's part on photos.
func photoTable(b *strings.Builder, photos []photo) {
	if len(photos) == 0 {
		return
	}
	b.WriteString(`
### A photo of 12 megapixels

From an ImageBitmap of 4000 × 3000 pixels in the page to its embedding in the page, resized exactly as PIL does; the engine's share of it; and the engine on a picture of the model's own size, in turns. What resizing adds is in parts of the latter.

| model | on | photo | its engine | encoder alone | resizing adds | |
| --- | --- | ---: | ---: | ---: | ---: | --- |
`)
	for _, p := range photos {
		added := "–"
		if p.Photo != nil {
			added = fmt.Sprintf("**%.0f %%**", 100*p.Share)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", p.Model, p.Device, p.Photo, p.Engine, p.Alone, added, cell(p.Note))
	}
}
