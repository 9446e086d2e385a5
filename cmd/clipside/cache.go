package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/clipside/clipside/model/bundle"
)

// cacheHelp is what help texts say of the cache.
const cacheHelp = `What is fetched or packed is kept in the directory CLIPSIDE_CACHE, by default clipside/ in the user's cache directory.
It may be deleted at any time.`

// cacheDir is where checkpoints/ has what was fetched from the hub, and bundles/ what was packed on first use.
func cacheDir() (string, error) {
	if dir := os.Getenv("CLIPSIDE_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for a cache (%w): set CLIPSIDE_CACHE to a directory", err)
	}
	return filepath.Join(dir, "clipside"), nil
}

// packing is a part of every cached bundle's key. Raise it when pack writes something else for the same checkpoint.
const packing = 1

// outdatedFor is how old a bundle must be before a newer one replaces it: until then another process may be at it.
const outdatedFor = time.Hour

// packedOnce returns the bundle of the checkpoint in dir, in the cache: one that is there already if the names, sizes
// and times of the checkpoint's files are those that it was packed from. Salt is whatever else the bundle depends on.
func packedOnce(ctx context.Context, cache, dir, salt string, pack func(ctx context.Context, out string) error) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	state, err := directoryState(abs)
	if err != nil {
		return "", err
	}
	// Bundles of the same directory share a prefix, so that a new one can replace the old.
	bundles := filepath.Join(cache, "bundles")
	prefix := filepath.Base(abs) + "-" + digest(abs) + "-"
	final := filepath.Join(bundles, prefix+digest(fmt.Sprintf("%d %d\n%s\n%s", packing, bundle.Version, salt, state)))
	if isBundle(final) {
		return final, nil
	}

	if err := pack(ctx, final); err != nil {
		os.Remove(final) // which nothing is in
		return "", err
	}
	entries, err := os.ReadDir(bundles)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		older := filepath.Join(bundles, e.Name())
		if older == final || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < outdatedFor || bundle.Unfinished(older) {
			continue
		}
		if err := os.RemoveAll(older); err != nil {
			return "", err
		}
	}
	return final, nil
}

// isDamage tells an error of which a bundle's files are the cause.
func isDamage(err error) bool {
	var manifest *bundle.ManifestError
	var file *bundle.IntegrityError
	return errors.As(err, &manifest) || errors.As(err, &file) || errors.Is(err, fs.ErrNotExist)
}

// directoryState lists a directory's files with their sizes and times of last change.
func directoryState(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(dir, e.Name())) // of a link's target: the hub's own cache consists of links
		if errors.Is(err, fs.ErrNotExist) {
			continue // a link to nothing, as editors lock files with
		}
		if err != nil {
			return "", err
		}
		if info.Mode().IsRegular() {
			fmt.Fprintf(&b, "%q %d %d\n", e.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String(), nil
}

// digest is short enough for a file name and long enough for a cache.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// isBundle tells a directory with a manifest, which is written last.
func isBundle(dir string) bool { return isFile(filepath.Join(dir, bundle.ManifestName)) }

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
