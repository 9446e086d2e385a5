package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clipside/clipside/internal/checkout"
	"github.com/clipside/clipside/model/bundle"
)

// tree lists the files below dir with the times of their last change.
func tree(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	files := map[string]time.Time{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files[name] = info.ModTime()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestBuildAssemblesThePageAndNothingElse(t *testing.T) {
	root, err := checkout.Find()
	if err != nil {
		t.Fatal(err)
	}
	work, dist := t.TempDir(), filepath.Join(t.TempDir(), "dist")
	build := func() map[string]time.Time {
		t.Helper()
		if err := build(t.Context(), output{t.Output(), t.Output()}, root, work, dist); err != nil {
			t.Fatal(err)
		}
		return tree(t, dist)
	}
	files := build()

	for _, want := range []string{
		"index.html", "style.css", "clipside.js", "LICENSE", "page/main.js", "icons/icon.svg",
		"manifest.webmanifest", "sw.js", "_headers", "nginx.conf", "npm/service-worker.js",
		"clipside/worker.js", "clipside/wasm_exec.js", "clipside/engine.wasm",
		"photos/chelsea.png", "photos/coffee.png", "photos/rocket.jpg", "photos/astronaut.png", "photos/LICENSES.md",
		"models/index.json", "models/starter/manifest.json", "models/starter/MODEL_CARD.md",
		"page/main.js.map", "clipside/worker.js.map", "style.css.map",
		"examples/index.html", "examples/react/app.js", "examples/vue/app.js",
		"npm/package.json", "npm/README.md", "npm/LICENSE", "npm/integrity.json", "npm/custom-elements.json", "npm/docs/README.md",
		"npm/clipside.js", "npm/clipside.d.ts", "npm/widget.d.ts", "npm/clipside/engine.wasm", "npm/models/starter/manifest.json",
	} {
		if _, ok := files[want]; !ok {
			t.Errorf("%s is missing", want)
		}
	}
	for name := range files {
		base := path.Base(name)
		if strings.Contains(name, "test") || strings.Contains(name, "node_modules") || base == "truncated.jpg" ||
			strings.HasPrefix(base, ".") || strings.HasPrefix(base, "package") && name != "npm/package.json" || strings.HasPrefix(base, "tsconfig") {
			t.Errorf("%s does not belong there", name)
		}
	}
	checkShell(t, dist)
	checkFirstVisit(t, dist)
	if wasm, err := os.ReadFile(filepath.Join(dist, engineFile)); err != nil || !strings.HasPrefix(string(wasm), "\x00asm") {
		t.Errorf("the engine is no WebAssembly (%v)", err)
	}
	if got := inspectJSON(t, succeed(t, "inspect", "-verify", "-json", filepath.Join(dist, "models/starter"))); got.Manifest.Name != "starter" || got.Manifest.License != starterLicense {
		t.Errorf("the starter is %s, %s", got.Manifest.Name, got.Manifest.License)
	}

	// A second build writes nothing, deletes what is not the page's, and keeps models that were put there.
	for _, foreign := range []string{"old.js", "page/old/older.js", "models/old/chunk.zst", "models/starter/stale.zst", "photos/truncated.jpg"} {
		file := filepath.Join(dist, foreign)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dist, "models/mine"), os.DirFS(packed(t))); err != nil {
		t.Fatal(err)
	}
	// Of two models that were being packed there, one was given up long ago.
	for name, age := range map[string]time.Duration{"models/packing/.packing-1": 0, "models/old/.packing-1": 2 * time.Hour} {
		dir := filepath.Join(dist, name)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
	}
	again := build()
	kept := 0
	for name, changed := range again {
		if strings.HasPrefix(name, "models/mine/") {
			kept++
			continue
		}
		if before, ok := files[name]; !ok {
			t.Errorf("%s was not deleted", name)
		} else if !before.Equal(changed) && name != modelIndex && name != serviceWorkerFile {
			t.Errorf("%s was written again", name)
		}
	}
	if kept < 4 || len(again) != len(files)+kept {
		t.Errorf("%d files, %d of them of the model that was added; %d before", len(again), kept, len(files))
	}
	if _, err := os.Stat(filepath.Join(dist, "models/packing/.packing-1")); err != nil {
		t.Errorf("a model is no longer being packed: %v", err)
	}
	for _, gone := range []string{"page/old", "models/old"} {
		if _, err := os.Stat(filepath.Join(dist, gone)); !os.IsNotExist(err) {
			t.Errorf("%s is still there (%v)", gone, err)
		}
	}

	checkShell(t, dist)
	data, err := os.ReadFile(filepath.Join(dist, modelIndex))
	if err != nil {
		t.Fatal(err)
	}
	var index []indexedModel
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	if len(index) != 2 {
		t.Fatalf("the index is %s", data)
	}
	for i, want := range []indexedModel{{Name: "mine", Path: "mine/", License: "MIT"}, {Name: "starter", Path: "starter/", License: starterLicense}} {
		dir := filepath.Join(dist, "models", want.Path)
		for name := range tree(t, dir) {
			if name != "MODEL_CARD.md" && name != bundle.ManifestName {
				info, err := os.Stat(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				want.Bytes += info.Size()
			}
		}
		if index[i] != want {
			t.Errorf("entry %d is %+v, want %+v", i, index[i], want)
		}
	}
}

// shellOf reads the list of files in a built service worker.
func shellOf(t *testing.T, dist string) map[string]string {
	t.Helper()
	code, err := os.ReadFile(filepath.Join(dist, serviceWorkerFile))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(code), "self.clipsideShell = ")
	var shell struct{ Files map[string]string }
	if err := json.NewDecoder(strings.NewReader(after)).Decode(&shell); err != nil {
		t.Fatal(err)
	}
	return shell.Files
}

func checkShell(t *testing.T, dist string) {
	t.Helper()
	shell := shellOf(t, dist)
	for _, want := range []string{"index.html", "style.css", "page/main.js", "clipside.js", engineFile, "clipside/worker.js",
		"manifest.webmanifest", "icons/icon-192.png", "photos/coffee.png", modelIndex} {
		if shell[want] == "" {
			t.Errorf("the service worker does not keep %s", want)
		}
	}
	for name, hash := range shell {
		data, err := os.ReadFile(filepath.Join(dist, name))
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(data)) != hash {
			t.Errorf("the service worker's hash of %s is wrong (%v)", name, err)
		}
		if strings.HasSuffix(name, ".zst") || strings.HasSuffix(name, ".map") || name == serviceWorkerFile || strings.HasPrefix(name, "npm/") || strings.HasPrefix(name, "examples/") {
			t.Errorf("the service worker keeps %s", name)
		}
	}
}

func TestBuildTouchesNoOtherDirectory(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "thesis.tex")
	if err := os.WriteFile(mine, []byte("years of work"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := clipside(t, "build", "-out", dir); code != 1 || !strings.Contains(stderr, "no built page") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if files := tree(t, dir); len(files) != 1 {
		t.Errorf("the directory has %d files now", len(files))
	}
}

func TestWhatIsStaleGoesFromALinkedDirectoryToo(t *testing.T) {
	dir := t.TempDir()
	dist, link := filepath.Join(dir, "dist"), filepath.Join(dir, "link")
	for _, name := range []string{"index.html", "old/page.js"} {
		if err := writeChanged(filepath.Join(dist, name), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("dist", link); err != nil {
		t.Fatal(err)
	}
	if err := removeStale(link, map[string]string{"index.html": "a source"}); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dist); err != nil || len(entries) != 1 || entries[0].Name() != "index.html" {
		t.Errorf("left are %v (%v)", entries, err)
	}
}

func TestBuildIsForCheckouts(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, _, stderr := clipside(t, "build"); code != 1 || !strings.Contains(stderr, "not in a checkout") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestTheIndexRefusesABrokenModel(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "broken"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "broken", bundle.ManifestName), []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := indexModels(dir); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("error %v", err)
	}
}

func TestThePageOffersTheSamplePhotos(t *testing.T) {
	page, err := os.ReadFile(root + "/site/index.html")
	if err != nil {
		t.Fatal(err)
	}
	offered := 0
	for part := range strings.SplitSeq(string(page), `data-sample="`) {
		name, _, _ := strings.Cut(part, `"`)
		if offered++; offered > 1 && !slices.Contains(samplePhotos, name) {
			t.Errorf("%s is not among the photos of a build", name)
		}
	}
	if offered != len(samplePhotos) { // the text before the first, and one part for each but LICENSES.md
		t.Errorf("the page offers %d photos", offered-1)
	}
}
