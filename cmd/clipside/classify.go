package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
)

var classifyCommand = command{
	name:    "classify",
	args:    `-model M -labels "a cat,a dog" [flags] PHOTO...`,
	summary: "say which of your labels fits each photo best",
	help: `Prints, for each photo, the labels with their probabilities, best first. Labels are taken as they are: write them as a
caption would, "a photo of a cat", or give the sentence once with -template. A photo that cannot be read is reported,
the others are done, and the exit code is 1.

` + modelHelp,
	define: func(f *flag.FlagSet) action {
		var o classifyOptions
		o.define(f)
		return func(ctx context.Context, out output, photos []string) error {
			labels, err := o.check(photos)
			if err != nil {
				return err
			}
			return classify(ctx, out, &o, labels, photos)
		}
	},
}

type classifyOptions struct {
	modelFlags
	labels    values
	templates values
	top       int
	json      bool
}

func (o *classifyOptions) define(f *flag.FlagSet) {
	o.modelFlags.define(f)
	f.Var(&o.labels, "labels", "the `labels`, commas between; may be given several times. Required")
	f.Var(&o.templates, "template", "a `sentence` that each label is put into, at its {}, such as \"a photo of a {}.\"; given several times, their mean counts (default \"{}\", the label as it is)")
	f.IntVar(&o.top, "top", 0, "print only the best `n` labels of each photo (default all)")
	f.BoolVar(&o.json, "json", false, `print {"images":[{"file":…,"scores":[{"label":…,"score":…},…]},…]}`)
}

// check returns the labels, one by one.
func (o *classifyOptions) check(photos []string) (labels []string, err error) {
	if len(photos) == 0 {
		return nil, usagef("there is no photo")
	}
	if len(o.labels) == 0 {
		return nil, usagef("-labels is missing")
	}
	for _, list := range o.labels {
		for l := range strings.SplitSeq(list, ",") {
			l = strings.TrimSpace(l)
			switch {
			case l == "":
				return nil, usagef("-labels %q has an empty label", list)
			case slices.Contains(labels, l):
				return nil, usagef("label %q is there twice", l)
			}
			labels = append(labels, l)
		}
	}
	for _, t := range o.templates {
		if !strings.Contains(t, "{}") {
			return nil, usagef("-template %q has no {} for the label", t)
		}
	}
	if len(o.templates) == 0 {
		o.templates = values{"{}"}
	}
	if o.top < 0 {
		return nil, usagef("-top is %d, must not be negative", o.top)
	}
	return labels, nil
}

// classified is a photo's line of classify's JSON.
type classified struct {
	File   string       `json:"file"`
	Scores []labelScore `json:"scores"`
}

type labelScore struct {
	Label string  `json:"label"`
	Score float32 `json:"score"`
}

func classify(ctx context.Context, out output, o *classifyOptions, labels, photos []string) error {
	clip, err := o.open(ctx, out, bundle.Text, bundle.Image)
	if err != nil {
		return err
	}
	defer clip.Device.Release()

	unread := 0
	all := []classified{}
	told := false
	for batch := range slices.Chunk(photos, photosAtOnce) {
		var files []string
		var pictures []model.Picture
		for _, file := range batch {
			p, err := readPhoto(ctx, file, clip.Config.Image.Size)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				unread++
				fmt.Fprintf(out.stderr, "clipside: %v\n", err)
				continue
			}
			files, pictures = append(files, file), append(pictures, p)
		}
		if len(pictures) == 0 {
			continue
		}
		scores, truncated, err := clip.Classify(ctx, pictures, labels, o.templates, o.top)
		if err != nil {
			return err
		}
		if !told {
			for _, i := range truncated {
				fmt.Fprintf(out.stderr, "clipside: label %q is longer than the model reads; its end is left out\n", beginning(labels[i]))
			}
			told = true
		}
		for i, file := range files {
			c := classified{File: file}
			for _, s := range scores[i] {
				c.Scores = append(c.Scores, labelScore{s.Label, s.Score})
			}
			if o.json {
				all = append(all, c)
			} else {
				printScores(out.stdout, c)
			}
		}
	}
	if o.json {
		if err := printJSON(out.stdout, map[string]any{"images": all}); err != nil {
			return err
		}
	}
	if unread > 0 {
		return fmt.Errorf("%d of %d photos could not be read", unread, len(photos))
	}
	return nil
}

// beginning names a text in a message, which one of pages would drown.
func beginning(text string) string {
	const most = 100
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

func printScores(w io.Writer, c classified) {
	fmt.Fprintln(w, c.File)
	for _, s := range c.Scores {
		fmt.Fprintf(w, "  %5.1f%%  %s\n", 100*s.Score, s.Label)
	}
}

// printJSON writes a value on a line of its own.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
