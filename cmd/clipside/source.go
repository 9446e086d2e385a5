package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/clipside/clipside/model/convert"
	"github.com/clipside/clipside/model/hub"
)

// modelKind is what a user's word for a model turned out to be.
type modelKind int

const (
	bundleDir modelKind = iota
	checkpointDir
	hubName
)

// source is where a model is to be had.
type source struct {
	kind   modelKind
	path   string // a directory, or a name for the hub
	name   string // of the model, unless the user gives another
	origin string // for the manifest: a repository, or a directory's base name
}

// findSource tells what a user means by word: a directory if there is one, else something on the hub. It does not
// reach for the network.
func findSource(word string) (source, error) {
	info, err := os.Stat(word)
	switch {
	case err == nil && !info.IsDir():
		return source{}, fmt.Errorf("%s is a file: a model is a directory or a name", word)
	case err == nil:
		abs, err := filepath.Abs(word)
		if err != nil {
			return source{}, err
		}
		kind := checkpointDir
		if isBundle(word) {
			kind = bundleDir
		}
		return source{kind, word, filepath.Base(abs), filepath.Base(abs)}, nil
	case !errors.Is(err, os.ErrNotExist):
		return source{}, err
	}
	repository, err := hub.Repository(word)
	if err != nil {
		return source{}, fmt.Errorf("there is no directory %s, and as a name: %w", word, err)
	}
	return source{hubName, word, word[strings.LastIndex(word, "/")+1:], repository}, nil
}

// checkpoint returns the directory with the source's checkpoint, which it fetches from the hub if need be.
func (s *source) checkpoint(ctx context.Context, out output) (string, error) {
	if s.kind != hubName {
		return s.path, nil
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	line := newProgressLine(out.stderr)
	defer line.clear()
	told := false
	c := hub.NewClient()
	c.Check = convert.CheckConfig
	c.Progress = func(file string, done, total int64) {
		if !told {
			fmt.Fprintf(out.stderr, "fetching %s from the hub\n", s.origin)
			told = true
		}
		line.update(file, done, total)
	}
	c.Waiting = func() { fmt.Fprintf(out.stderr, "%s is being fetched already; waiting\n", s.origin) }
	dir, err := c.Fetch(ctx, s.path, filepath.Join(cache, "checkpoints"))
	if err != nil {
		return "", fmt.Errorf("there is no directory %s, and as a name: %w", s.path, err)
	}
	return dir, nil
}

// bundleOf returns the directory of the bundle of the model that a user means by word. Of a checkpoint it makes one in
// the cache; then cached is true.
func bundleOf(ctx context.Context, out output, word string) (dir string, cached bool, err error) {
	if word == "" {
		return "", false, usagef("-model is missing")
	}
	s, err := findSource(word)
	if err != nil {
		return "", false, err
	}
	if s.kind == bundleDir {
		return s.path, false, nil
	}
	cache, err := cacheDir()
	if err != nil {
		return "", false, err
	}
	src, err := s.checkpoint(ctx, out)
	if err != nil {
		return "", false, err
	}
	dir, err = packedOnce(ctx, cache, src, "", func(ctx context.Context, dst string) error {
		_, err := packDir(ctx, out, src, dst, s.origin, packOptions{name: s.name})
		return err
	})
	return dir, true, err
}
