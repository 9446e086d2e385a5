package convert

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/clipside/clipside/model/bundle"
)

// Options say what a checkpoint does not.
type Options struct {
	Name    string // of the model, as users will see it
	Source  string // where the checkpoint came from
	License string // SPDX identifier or a sentence

	// SelfTest computes the known embeddings with an engine of the caller's choice, from the bundle in dir, which has
	// every file that m names. Only m's SelfTest is empty, and manifest.json is not written yet. Required.
	SelfTest func(ctx context.Context, dir string, m *bundle.Manifest) (bundle.SelfTest, error)

	// Progress, if not nil, is told the bytes of the towers' streams written so far, out of total.
	Progress func(done, total int64)
}

// Pack converts the checkpoint in src's root into a bundle in the directory out, which it creates if need be. An
// older bundle there is replaced at the very end; after an error it is as it was. The same checkpoint and options
// give the same bytes.
func Pack(ctx context.Context, src fs.FS, out string, opt Options) (*bundle.Manifest, error) {
	if opt.SelfTest == nil {
		return nil, errors.New("pack: no engine for the self-test")
	}
	c, err := Open(src)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	w, err := bundle.NewWriter(out)
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	m, err := c.write(ctx, w, opt)
	if err != nil {
		return nil, err
	}
	if m.SelfTest, err = opt.SelfTest(ctx, w.Files(), m); err != nil {
		return nil, fmt.Errorf("pack: computing the self-test: %w", err)
	}
	if err := w.Commit(m); err != nil {
		return nil, err
	}
	return m, nil
}

// write writes everything but the manifest.
func (c *Checkpoint) write(ctx context.Context, w *bundle.Writer, opt Options) (*bundle.Manifest, error) {
	m := &bundle.Manifest{
		Name: opt.Name, Source: opt.Source, License: opt.License,
		Config: c.Config, Ignored: c.Ignored, Notes: c.Notes,
	}
	layouts := [][]bundle.Tensor{bundle.Layout(&c.Config, bundle.Image), bundle.Layout(&c.Config, bundle.Text)}
	var done, total int64
	for _, layout := range layouts {
		for _, t := range layout {
			total += t.Bytes
		}
	}
	for i, name := range []string{bundle.Image, bundle.Text} {
		if err := w.Tower(name, layouts[i]); err != nil {
			return nil, err
		}
		for _, t := range layouts[i] {
			r, ok := c.recipes[t.Name]
			if !ok {
				return nil, fmt.Errorf("pack: no recipe for %s", t.Name)
			}
			if err := c.cook(ctx, w, t.Name, r); err != nil {
				return nil, err
			}
			if r.folded != "" {
				m.Folded = append(m.Folded, r.folded)
			}
			done += t.Bytes
			if opt.Progress != nil {
				opt.Progress(done, total)
			}
		}
	}
	tok, err := c.Tokenizer.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return m, w.Finish(m, tok)
}

// piece is how many values are in memory at once where they need no more than copying.
const piece = 1 << 18

// cook makes one parameter and writes it.
func (c *Checkpoint) cook(ctx context.Context, w *bundle.Writer, name string, r recipe) error {
	var half []uint16
	put := func(values []float32, from string) error {
		var k int
		if half, k = encode(half[:0], values); k >= 0 {
			return bad(c.weights, "tensor "+from, "fp16 cannot hold the value %v (of %s)", values[k], name)
		}
		return w.Write(half)
	}
	whole := make([][]float32, len(r.parts))
	for i, p := range r.parts {
		t, err := p.check(c)
		if err != nil {
			return err
		}
		n := t.len()
		size := n
		if r.make == nil && t.strides == nil {
			size = min(n, piece)
		}
		buf := make([]float32, size)
		for at := int64(0); at < n; at += int64(len(buf)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			buf = buf[:min(size, n-at)]
			if err := t.read(buf, at); err != nil {
				return err
			}
			if r.make == nil {
				if err := put(buf, p.name); err != nil {
					return err
				}
			}
		}
		whole[i] = buf
	}
	if r.make == nil {
		return nil
	}
	// A value that no fp16 holds is looked for before anything is folded: infinities may cancel.
	for i, values := range whole {
		if k := slices.IndexFunc(values, func(v float32) bool { return v-v != 0 }); k >= 0 {
			return bad(c.weights, "tensor "+r.parts[i].name, "has the value %v", values[k])
		}
	}
	return put(r.make(whole), r.parts[0].name)
}
