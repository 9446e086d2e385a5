package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func TestANameIsFetchedAndPackedOnce(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("CLIPSIDE_CACHE", cache)
	var requests atomic.Int64
	files := http.StripPrefix("/someone/tiny-clip/resolve/main/", http.FileServer(http.Dir(starter)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	t.Setenv("HF_ENDPOINT", server.URL)

	args := []string{"classify", "-model", "someone/tiny-clip", "-labels", "a rocket,a cat", "-device", "cpu", filepath.Join(photos, "rocket.jpg")}
	code, first, stderr := clipside(t, args...)
	if code != 0 || !strings.Contains(first, "a rocket") {
		t.Fatalf("exit code %d, stdout %q, stderr %q", code, first, stderr)
	}
	if strings.Count(stderr, "fetching someone/tiny-clip") != 1 {
		t.Errorf("stderr %q does not say once that something is fetched", stderr)
	}
	asked := requests.Load()
	code, second, stderr := clipside(t, args...)
	if code != 0 || second != first || stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q; the first time %q", code, second, stderr, first)
	}
	if n := requests.Load() - asked; asked == 0 || n != 0 {
		t.Errorf("%d requests the first time, %d the second", asked, n)
	}

	dir := filepath.Join(t.TempDir(), "out")
	succeed(t, "pack", "someone/tiny-clip", dir)
	if m := inspectJSON(t, succeed(t, "inspect", "-json", dir)).Manifest; m.Name != "tiny-clip" || m.Source != "someone/tiny-clip" {
		t.Errorf("the bundle is named %s, its source %s", m.Name, m.Source)
	}
}

func TestAMissingRepositoryIsNamed(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("CLIPSIDE_CACHE", cache)
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	t.Setenv("HF_ENDPOINT", server.URL)
	code, _, stderr := clipside(t, "pack", "models/starterr", "out")
	if code != 1 || !strings.Contains(stderr, "no directory models/starterr") || !strings.Contains(stderr, "404") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if left, err := os.ReadDir(filepath.Join(cache, "checkpoints")); err != nil || slices.ContainsFunc(left, fs.DirEntry.IsDir) {
		t.Errorf("%v is left, error %v", left, err)
	}
}
