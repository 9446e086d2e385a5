package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/model/bundle"
	"github.com/clipside/clipside/model/convert"
	"github.com/clipside/clipside/model/hub"
)

var packCommand = command{
	name:    "pack",
	args:    "[-name N] [-license L] SRC OUT",
	summary: "make a bundle, which a browser can stream, of a checkpoint",
	help: `Converts the checkpoint SRC into a bundle in the directory OUT. The same checkpoint gives the same bytes; a bundle that
is in OUT already is replaced when the new one is complete.

SRC is one of
  - a checkpoint directory, Hugging Face's layout or OpenCLIP's;
  - a name: ` + hub.Names() + `, or a repository (owner/name) of the
    Hugging Face hub, or of the server that HF_ENDPOINT names; HF_TOKEN is sent to it.
` + cacheHelp,
	define: func(f *flag.FlagSet) action {
		var o packOptions
		f.StringVar(&o.name, "name", "", "the model's `name`, as users see it (default the last part of SRC)")
		f.StringVar(&o.license, "license", "", "the weights' `licence`: an SPDX identifier or a sentence")
		return func(ctx context.Context, out output, args []string) error {
			if len(args) != 2 {
				return usagef("takes two arguments, SRC and OUT; there are %d", len(args))
			}
			return pack(ctx, out, args[0], args[1], o)
		}
	},
}

// packOptions say what a checkpoint does not.
type packOptions struct{ name, license string }

func pack(ctx context.Context, out output, src, dst string, o packOptions) error {
	s, err := findSource(src)
	if err != nil {
		return err
	}
	if s.kind == bundleDir {
		return fmt.Errorf("%s is a bundle already", src)
	}
	dir, err := s.checkpoint(ctx, out)
	if err != nil {
		return err
	}
	if info, err := os.Stat(dst); err == nil {
		if from, err := os.Stat(dir); err == nil && os.SameFile(info, from) {
			return usagef("SRC and OUT are the same directory")
		}
	}
	if o.name == "" {
		o.name = s.name
	}
	m, err := packDir(ctx, out, dir, dst, s.origin, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out.stdout, "%s packed into %s\n", m.Name, dst)
	printSizes(out.stdout, m)
	return nil
}

// packDir packs a checkpoint directory.
func packDir(ctx context.Context, out output, src, dst, origin string, o packOptions) (*bundle.Manifest, error) {
	line := newProgressLine(out.stderr)
	m, err := convert.Pack(ctx, os.DirFS(src), dst, convert.Options{
		Name: o.name, Source: origin, License: o.license,
		SelfTest: knownEmbeddings,
		Progress: func(done, total int64) { line.update("packing "+o.name, done, total) },
	})
	line.clear()
	if err != nil {
		return nil, err
	}
	for _, n := range m.Notes {
		fmt.Fprintf(out.stderr, "note: %s\n", printable(n))
	}
	return m, nil
}

// knownEmbeddings computes a bundle's self-test with the reference.
func knownEmbeddings(ctx context.Context, dir string, m *bundle.Manifest) (bundle.SelfTest, error) {
	device := cpu.New()
	defer device.Release()
	return bundle.NewSelfTest(ctx, bundle.FS(os.DirFS(dir)), m, device)
}

// printSizes is a table of what a bundle weighs.
func printSizes(w io.Writer, m *bundle.Manifest) {
	total := bundle.Size{Tower: "both"}
	sizes := m.Sizes()
	for _, s := range sizes {
		total.Tensors += s.Tensors
		total.Chunks += s.Chunks
		total.Values += s.Values
		total.Raw += s.Raw
		total.Stored += s.Stored
	}
	t := newTable(w)
	fmt.Fprintln(t, "tower\ttensors\tparameters\tas fp16\tpacked\tratio\tchunks\t")
	for _, s := range append(sizes, total) {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%.3f\t%d\t\n", s.Tower, s.Tensors, formatCount(s.Values), formatBytes(s.Raw), formatBytes(s.Stored), s.Ratio(), s.Chunks)
	}
	t.Flush()
}
