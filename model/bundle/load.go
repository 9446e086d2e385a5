package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/tokenizer"
)

// Source gets a file of a bundle: all its bytes as stored, not yet checked. It returns no more than max bytes and
// one, so that a file that is too long is seen to be. It is called from several goroutines.
type Source func(ctx context.Context, name string, max int) ([]byte, error)

// FS is a bundle in a file system, such as os.DirFS(dir) or an embed.FS.
func FS(fsys fs.FS) Source {
	return func(ctx context.Context, name string, max int) ([]byte, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := fsys.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		buf := make([]byte, 0, max+1)
		for len(buf) < cap(buf) {
			n, err := f.Read(buf[len(buf):cap(buf)])
			buf = buf[:len(buf)+n]
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, err
			}
		}
		return buf, nil
	}
}

// ReadManifest gets and parses a bundle's manifest.
func ReadManifest(ctx context.Context, src Source) (*Manifest, error) {
	data, err := src(ctx, ManifestName, MaxManifest)
	if err != nil {
		return nil, fmt.Errorf("bundle: reading %s: %w", ManifestName, err)
	}
	return Parse(data)
}

// ReadTokenizer gets a bundle's tokenizer, checked and decompressed: JSON in package tokenizer's own form.
func ReadTokenizer(ctx context.Context, src Source, m *Manifest) ([]byte, error) {
	stored, err := src(ctx, m.Tokenizer.File, m.Tokenizer.Stored)
	if err != nil {
		return nil, fmt.Errorf("bundle: reading the tokenizer: %w", err)
	}
	return DecodeFile(m.Tokenizer, stored)
}

// Open loads a bundle's tokenizer and the named towers (both, where none is named) onto a device, which stays the
// caller's to release.
func Open(ctx context.Context, src Source, m *Manifest, d model.Device, towers ...string) (*model.Clip, error) {
	words, err := ReadTokenizer(ctx, src, m)
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.Parse(words)
	if err != nil {
		return nil, fmt.Errorf("bundle: %s: %w", m.Tokenizer.File, err)
	}
	r, err := Reserve(m, d, towers...)
	if err != nil {
		return nil, err
	}
	if err := Load(ctx, src, m, r); err != nil {
		return nil, err
	}
	return &model.Clip{Config: m.Config, Tokenizer: t, Device: d, Image: r.Image, Text: r.Text}, nil
}

// NewSelfTest computes a bundle's known embeddings on a device, which is to be the reference, from the bundle's own files:
// rounded to fp16 as every device will see them.
func NewSelfTest(ctx context.Context, src Source, m *Manifest, d model.Device) (SelfTest, error) {
	clip, err := Open(ctx, src, m, d)
	if err != nil {
		return SelfTest{}, err
	}
	known := SelfTest{Text: "a photo of a cat."}
	known.TextEmbedding, known.ImageEmbedding, err = clip.Known(ctx, known.Text)
	return known, err
}

// Load fills the reserved towers, one after the other in the order in which Reserve named them. A few chunks are read
// and decoded ahead of the device. It returns when everything is there, or with the first error, which every encoder
// that waits for a parameter gets too.
func Load(ctx context.Context, src Source, m *Manifest, r *Reserved) error {
	var files []File
	var fillers []*Filler // of each file
	for _, name := range r.towers {
		for _, c := range m.Towers[name].Chunks {
			files = append(files, c)
			fillers = append(fillers, r.fillers[name])
		}
	}
	err := decodeInOrder(ctx, src, files, func(i int, raw []byte, err error) error {
		if err != nil {
			return err
		}
		return fillers[i].Fill(raw)
	})
	if err != nil {
		r.Fail(err)
	}
	return err
}

// Verify reads every file of a bundle and checks hashes, compression and sizes. It goes on after a broken file and
// joins all errors. Checked, if not nil, is called after each file, from the calling goroutine, with its error or nil.
func Verify(ctx context.Context, src Source, m *Manifest, checked func(f File, err error)) error {
	var files []File
	for _, s := range m.Sizes() {
		files = append(files, m.Towers[s.Tower].Chunks...)
	}
	_, first := ReadTokenizer(ctx, src, m)
	errs := []error{first}
	if checked != nil {
		checked(m.Tokenizer, first)
	}
	err := decodeInOrder(ctx, src, files, func(i int, raw []byte, err error) error {
		errs = append(errs, err)
		if checked != nil {
			checked(files[i], err)
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}

// decodeInOrder gets and decodes chunks, a bounded number at once, and hands each, or why there is none, to sink in
// order. It stops at sink's first error or when ctx ends. The bytes are sink's only until it returns.
func decodeInOrder(ctx context.Context, src Source, files []File, sink func(i int, raw []byte, err error) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type decoded struct {
		raw []byte
		err error
	}
	ahead := runtime.GOMAXPROCS(0)
	queue := make(chan chan decoded, ahead) // results in order, some not yet there
	spare := make(chan []byte, ahead+2)     // buffers to decode into: as many as can be in flight
	go func() {
		defer close(queue)
		for _, f := range files {
			out := make(chan decoded, 1)
			select {
			case queue <- out:
			case <-ctx.Done():
				return
			}
			var dst []byte
			select {
			case dst = <-spare:
			default:
			}
			go func() {
				stored, err := src(ctx, f.File, f.Stored)
				if err != nil {
					out <- decoded{err: fmt.Errorf("bundle: reading chunk %s: %w", shortName(f.File), err)}
					return
				}
				raw, err := DecodeChunk(f, stored, dst)
				out <- decoded{raw, err}
			}()
		}
	}()
	i := 0
	for out := range queue {
		d := <-out
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := sink(i, d.raw, d.err); err != nil {
			return err
		}
		if d.raw != nil {
			select {
			case spare <- d.raw:
			default:
			}
		}
		i++
	}
	if i < len(files) {
		return context.Cause(ctx)
	}
	return nil
}
