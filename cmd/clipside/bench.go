package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
)

var benchCommand = command{
	name:    "bench",
	args:    "-model M [-n N] [-runs N] [flags]",
	summary: "measure how long a model takes, and where the time goes",
	help: `Measures whole calls, and then the operations one by one: how often each runs in a call, what it takes, its arithmetic
(10⁹ operations a second), its memory traffic at least (10⁹ bytes a second, every value once, as float32), and how much
of the device's peak it reached, in whichever of the two it was closer to it. The peak is measured first: multiply-adds
with nothing to wait for, and reading memory. One by one, operations take longer than together: on a GPU each goes
there and back alone.

` + modelHelp,
	define: func(f *flag.FlagSet) action {
		var o benchOptions
		o.modelFlags.define(f)
		f.IntVar(&o.n, "n", 1, "`pictures`, or texts, in a call")
		f.IntVar(&o.runs, "runs", 5, "`calls` that are measured, after one that is not")
		return func(ctx context.Context, out output, args []string) error {
			if len(args) > 0 {
				return usagef("unexpected argument %q", args[0])
			}
			if o.n < 1 || o.runs < 1 {
				return usagef("-n and -runs must be at least 1")
			}
			return bench(ctx, out, &o)
		}
	},
}

type benchOptions struct {
	modelFlags
	n, runs int
}

func bench(ctx context.Context, out output, o *benchOptions) error {
	clip, err := o.open(ctx, out, bundle.Image, bundle.Text)
	if err != nil {
		return err
	}
	defer clip.Device.Release()
	size := clip.Config.Image.Size
	pictures := make([]model.Picture, o.n)
	for i := range pictures {
		pictures[i] = model.Picture{Size: size, RGBA: make([]byte, 4*size*size)}
		for j := range pictures[i].RGBA {
			pictures[i].RGBA[j] = byte(j*(i+1)>>6 ^ j)
		}
	}
	texts := make([][]uint32, o.n)
	for i := range texts {
		texts[i], _ = clip.Tokenizer.Encode(fmt.Sprintf("a photo of a cat, number %d.", i), clip.Config.Text.Context)
	}
	fmt.Fprintf(out.stdout, "%s\n", describe(clip.Device.Info()))
	var peak model.Peak
	if p, ok := clip.Device.(model.Profiler); ok {
		if peak, err = p.Peak(); err != nil {
			return err
		}
		fmt.Fprintf(out.stdout, "at its peak: %.1f GFLOP/s, %.1f GB/s\n", peak.GFLOPS, peak.GBps)
	}
	for _, e := range []struct {
		name string
		call func() error
	}{
		{"image", func() error { _, err := clip.EmbedImages(ctx, pictures, nil); return err }},
		{"text", func() error { return encodeAll(ctx, clip, texts) }},
	} {
		if err := benchEncoder(out.stdout, clip.Device, fmt.Sprintf("%s encoder, %d in a call", e.name, o.n), o.runs, peak, e.call); err != nil {
			return err
		}
	}
	return nil
}

// encodeAll encodes texts, none of which is remembered.
func encodeAll(ctx context.Context, clip *model.Clip, texts [][]uint32) error {
	for len(texts) > 0 {
		e, err := clip.Device.EncodeTexts(ctx, clip.Text, texts)
		if err != nil {
			return err
		}
		texts = texts[len(e):]
	}
	return nil
}

// benchEncoder measures a call as a whole, and once more by operation where the device can tell.
func benchEncoder(w io.Writer, d model.Device, title string, runs int, peak model.Peak, call func() error) error {
	if err := call(); err != nil {
		return err
	}
	times := make([]time.Duration, runs)
	for i := range times {
		began := time.Now()
		if err := call(); err != nil {
			return err
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	fmt.Fprintf(w, "\n%s: %s (fastest %s, slowest %s)\n", title, formatTime(times[runs/2]), formatTime(times[0]), formatTime(times[runs-1]))

	profiler, ok := d.(model.Profiler)
	if !ok {
		return nil
	}
	var p model.Profile
	profiler.SetProfile(&p)
	defer profiler.SetProfile(nil)
	for range runs {
		if err := call(); err != nil {
			return err
		}
	}
	printProfile(w, p.Table(), runs, peak)
	return nil
}

// printProfile is a table of what the operations of so many calls took.
func printProfile(w io.Writer, ops []model.OpTime, calls int, peak model.Peak) {
	var total time.Duration
	var flop float64
	for _, op := range ops {
		total += op.Time
		flop += op.FLOP * float64(op.Runs)
	}
	t := newTable(w)
	fmt.Fprintln(t, "runs\ttime\tshare\tGFLOP/s\tGB/s\tof the peak\toperation\t")
	for _, op := range ops {
		fmt.Fprintf(t, "%d\t%s\t%.1f%%\t%.2f\t%.2f\t%.0f%%\t%s\t\n", op.Runs/calls, formatTime(op.Time/time.Duration(calls)),
			100*float64(op.Time)/float64(total), op.GFLOPS(), op.GBps(), 100*peak.Share(op), op.Op)
	}
	fmt.Fprintf(t, "\t%s\t100%%\t%.2f\t\t\tall, %.2f GFLOP\t\n", formatTime(total/time.Duration(calls)), flop/float64(total.Nanoseconds()), flop/1e9/float64(calls))
	t.Flush()
}

func formatTime(d time.Duration) string { return fmt.Sprintf("%.3f ms", float64(d.Nanoseconds())/1e6) }
