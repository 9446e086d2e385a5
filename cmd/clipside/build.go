package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clipside/clipside/internal/checkout"
	"github.com/clipside/clipside/model/bundle"
)

var buildCommand = command{
	name:    "build",
	args:    "[-out DIST]",
	summary: "assemble the page for any static host (in a checkout)",
	help: `Compiles the engine to WebAssembly, packs the starter model, and puts both with the page into a directory that any
static host can serve from any path. Run it in a checkout of clipside; it needs Go.

Only files that changed are written. What else is in the directory is deleted, except bundles that were packed into
its models/ directory: those stay, and models/index.json lists them.`,
	define: func(f *flag.FlagSet) action {
		dist := f.String("out", "", "`directory` to build (default dist/ in the checkout)")
		return func(ctx context.Context, out output, args []string) error {
			if len(args) > 0 {
				return usagef("unexpected argument %q", args[0])
			}
			root, err := checkout.Find()
			if err != nil {
				return err
			}
			if *dist == "" {
				*dist = filepath.Join(root, "dist")
			}
			return build(ctx, out, root, filepath.Join(root, "build"), *dist)
		}
	},
}

const (
	// engineFile marks a directory as a built page: only such a one is ever cleaned up.
	engineFile = "clipside/engine.wasm"

	starterDir     = "models/starter"
	starterLicense = "for demonstration and test; see MODEL_CARD.md"
)

// samplePhotos are the photos that the page offers, and who made them.
var samplePhotos = []string{"chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "LICENSES.md"}

// build assembles the page of the checkout in root into the directory dist. Work is a directory for what makes the next
// build quick.
func build(ctx context.Context, out output, root, work, dist string) error {
	if err := checkDist(dist); err != nil {
		return err
	}
	engine := filepath.Join(work, "engine.wasm")
	if err := buildEngine(ctx, out, root, work, engine); err != nil {
		return err
	}
	runners, err := wasmRunners(ctx, root)
	if err != nil {
		return err
	}
	starter, err := packStarter(ctx, out, root, work)
	if err != nil {
		return err
	}

	// From every file's place in dist to the file that it is a copy of.
	files := map[string]string{
		engineFile:                             engine,
		"clipside/wasm_exec.js":                filepath.Join(runners, "wasm_exec.js"),
		"LICENSE":                              filepath.Join(root, "LICENSE"),
		path.Join(starterDir, "MODEL_CARD.md"): filepath.Join(root, filepath.FromSlash(starterDir), "MODEL_CARD.md"),
	}
	if err := addTree(files, filepath.Join(root, "site"), "", inPage); err != nil {
		return err
	}
	if err := addTree(files, starter, starterDir, func(string) bool { return true }); err != nil {
		return err
	}
	for _, name := range samplePhotos {
		files["photos/"+name] = filepath.Join(root, "testdata", "photos", name)
	}
	if err := addPackage(files, filepath.Join(root, "site"), work); err != nil {
		return err
	}
	delete(files, serviceWorkerSource) // the page has it in sw.js
	if err := minifyPage(files, work); err != nil {
		return err
	}

	var total int64
	// The engine is first, so that even a build that was interrupted can be cleaned up by the next.
	names := slices.Sorted(maps.Keys(files))
	names = append([]string{engineFile}, slices.DeleteFunc(names, func(n string) bool { return n == engineFile })...)
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, err := os.ReadFile(files[name])
		if err != nil {
			return err
		}
		if err := writeChanged(filepath.Join(dist, filepath.FromSlash(name)), data); err != nil {
			return err
		}
		total += int64(len(data))
	}
	if err := removeStale(dist, files); err != nil {
		return err
	}
	if err := indexModels(filepath.Join(dist, "models")); err != nil {
		return err
	}
	worker, err := serviceWorker(filepath.Join(root, "site", serviceWorkerSource), dist, append(names, modelIndex))
	if err != nil {
		return err
	}
	for name, text := range map[string]string{serviceWorkerFile: worker, "_headers": headersFile(), "nginx.conf": nginxFile()} {
		if err := writeChanged(filepath.Join(dist, name), []byte(text)); err != nil {
			return err
		}
	}
	fmt.Fprintf(out.stdout, "Built %s: %d files, %s\n", dist, len(files)+len(generated), formatBytes(total))
	return nil
}

// checkDist refuses a directory with something else in it: stale files are going to be deleted there.
func checkDist(dist string) error {
	entries, err := os.ReadDir(dist)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dist, filepath.FromSlash(engineFile))); err != nil {
		return fmt.Errorf("%s is not empty and no built page: give another directory with -out", dist)
	}
	return nil
}

// goCommand runs the go command in the checkout and returns what it prints.
func goCommand(ctx context.Context, root string, env []string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = root
	c.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), nil
}

// wasmRunners is the directory of what Go runs its WebAssembly with.
func wasmRunners(ctx context.Context, root string) (string, error) {
	goroot, err := goCommand(ctx, root, nil, "env", "GOROOT")
	return filepath.Join(strings.TrimSpace(goroot), "lib", "wasm"), err
}

// packStarter packs the starter model into a cache of the checkout's own. There the bundle depends on this program's
// code besides: a change of how models are packed must be seen at once.
func packStarter(ctx context.Context, out output, root, work string) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	code, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	src := filepath.Join(root, filepath.FromSlash(starterDir))
	return packedOnce(ctx, work, src, fmt.Sprintf("%x", sha256.Sum256(code)), func(ctx context.Context, dst string) error {
		_, err := packDir(ctx, out, src, dst, filepath.Base(src), packOptions{name: filepath.Base(src), license: starterLicense})
		return err
	})
}

// inPage tells which files of site/ are part of the page: all but tests and what development needs.
func inPage(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	base := path.Base(name)
	switch {
	case top == "test", top == "npm", top == "node_modules", name == "clipside/wasm_exec.js",
		strings.HasPrefix(base, "."), base == "package.json", base == "package-lock.json",
		strings.HasPrefix(base, "tsconfig"):
		return false
	}
	return true
}

// addTree adds the wanted files below dir, whose names are relative to it, at prefix.
func addTree(files map[string]string, dir, prefix string, wanted func(name string) bool) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == dir {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		switch {
		case !wanted(name):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.Type().IsRegular():
			files[path.Join(prefix, name)] = file
		}
		return nil
	})
}

// writeChanged gives a file its content, in one step, unless it has it already; then its time stays, and with it what
// browsers keep.
func writeChanged(file string, data []byte) error {
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, data) {
		return nil
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// removeStale deletes what is in dist and not among files, except the index of models and models that somebody else
// put there, or is packing there; then directories that are left empty.
func removeStale(dist string, files map[string]string) error {
	dist, err := filepath.EvalSymlinks(dist) // a link, as to what a server has, would not be followed
	if err != nil {
		return err
	}
	var dirs []string
	err = filepath.WalkDir(dist, func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == dist {
			return err
		}
		rel, err := filepath.Rel(dist, file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if d.IsDir() {
			if path.Dir(name) == "models" && name != starterDir && (isBundle(file) || bundle.Unfinished(file)) {
				return fs.SkipDir
			}
			dirs = append(dirs, file)
			return nil
		}
		if files[name] != "" || slices.Contains(generated, name) {
			return nil
		}
		return os.Remove(file)
	})
	if err != nil {
		return err
	}
	for _, dir := range slices.Backward(dirs) { // children before parents
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			if err := os.Remove(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// modelIndex is the list of a built page's models.
const modelIndex = "models/index.json"

// generated are the files of a built page that are made of what else is in it.
var generated = []string{modelIndex, serviceWorkerFile, "_headers", "nginx.conf"}

// indexedModel is an entry of it.
type indexedModel struct {
	Name    string `json:"name"`
	Path    string `json:"path"`  // of the bundle's directory, relative to the index
	Bytes   int64  `json:"bytes"` // of all its files, as progress counts them: the manifest is none
	License string `json:"license,omitempty"`
}

// indexModels lists the bundles below dir.
func indexModels(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var index []indexedModel
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name(), bundle.ManifestName))
		if errors.Is(err, fs.ErrNotExist) || !e.IsDir() {
			continue
		}
		if err != nil {
			return err
		}
		m, err := bundle.Parse(data)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), err)
		}
		size := int64(m.Tokenizer.Stored)
		for _, s := range m.Sizes() {
			size += s.Stored
		}
		index = append(index, indexedModel{m.Name, e.Name() + "/", size, m.License})
	}
	data, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return err
	}
	return writeChanged(filepath.Join(dir, path.Base(modelIndex)), append(data, '\n'))
}
