package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clipside/clipside/model/bundle"
)

// checkpointCopy is a checkpoint directory of the test's own.
func checkpointCopy(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mine")
	if err := os.CopyFS(dir, os.DirFS(starter)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestACheckpointIsPackedOnceUntilItChanges(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("CLIPSIDE_CACHE", cache)
	checkpoint := checkpointCopy(t)
	embed := func() {
		t.Helper()
		succeed(t, "embed", "-model", checkpoint, "-device", "cpu", "-text", "a cat")
	}
	manifests := func() map[string]time.Time {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(cache, "bundles", "*", "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		times := map[string]time.Time{}
		for _, f := range found {
			info, err := os.Stat(f)
			if err != nil {
				t.Fatal(err)
			}
			times[f] = info.ModTime()
		}
		return times
	}

	embed()
	first := manifests()
	if len(first) != 1 {
		t.Fatalf("%d bundles in the cache, want 1", len(first))
	}
	embed()
	for f, changed := range manifests() {
		if !first[f].Equal(changed) {
			t.Errorf("%s was written by a second run", f)
		}
	}

	// The old bundle is kept for those that may be reading it, but not for ever.
	later := time.Now().Add(-2 * outdatedFor)
	for f := range first {
		if err := os.Chtimes(filepath.Dir(f), later, later); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(filepath.Join(checkpoint, "vocab.json"), later, later); err != nil {
		t.Fatal(err)
	}
	embed()
	second := manifests()
	if len(second) != 1 {
		t.Fatalf("%d bundles in the cache, want the new one", len(second))
	}
	for f := range second {
		if _, ok := first[f]; ok {
			t.Error("a changed checkpoint was not packed again")
		}
	}
}

func TestALinkToNothingIsNoPartOfACheckpoint(t *testing.T) {
	t.Setenv("CLIPSIDE_CACHE", t.TempDir())
	checkpoint := checkpointCopy(t)
	if err := os.Symlink("user@host.1234", filepath.Join(checkpoint, ".#vocab.json")); err != nil {
		t.Fatal(err)
	}
	succeed(t, "embed", "-model", checkpoint, "-device", "cpu", "-text", "a cat")
}

func TestADamagedBundleInTheCacheIsPackedAgain(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("CLIPSIDE_CACHE", cache)
	checkpoint := checkpointCopy(t)
	embed := func() (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := clipside(t, "embed", "-model", checkpoint, "-device", "cpu", "-text", "a cat")
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		return stdout, stderr
	}
	want, _ := embed()
	found, err := filepath.Glob(filepath.Join(cache, "bundles", "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("bundles %q, error %v", found, err)
	}
	whole := os.DirFS(found[0])
	chunks, err := filepath.Glob(filepath.Join(found[0], "*.zst"))
	if err != nil {
		t.Fatal(err)
	}
	each := func(damage func(chunk string) error) error {
		var errs []error
		for _, c := range chunks {
			errs = append(errs, damage(c))
		}
		return errors.Join(errs...)
	}
	for name, damage := range map[string]func() error{
		"no manifest":     func() error { return os.Remove(filepath.Join(found[0], "manifest.json")) },
		"half a manifest": func() error { return os.Truncate(filepath.Join(found[0], "manifest.json"), 100) },
		"no chunks":       func() error { return each(os.Remove) },
		"short chunks":    func() error { return each(func(c string) error { return os.Truncate(c, 7) }) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			got, told := embed()
			if got != want {
				t.Errorf("other embeddings: %s", got)
			}
			if (name == "no manifest") == strings.Contains(told, found[0]) {
				t.Errorf("it said %q", told)
			}
			if _, err := fs.Stat(whole, "manifest.json"); err != nil {
				t.Error(err)
			}
			if _, told := embed(); told != "" {
				t.Errorf("a second run said %q", told)
			}
		})
	}
}

func TestAFailedPackingLeavesNothingInTheCache(t *testing.T) {
	cache, checkpoint := t.TempDir(), t.TempDir()
	failure := errors.New("no")
	_, err := packedOnce(t.Context(), cache, checkpoint, "", func(_ context.Context, dst string) error {
		w, err := bundle.NewWriter(dst)
		if err != nil {
			return err
		}
		defer w.Abort()
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
	if left, _ := os.ReadDir(filepath.Join(cache, "bundles")); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}
