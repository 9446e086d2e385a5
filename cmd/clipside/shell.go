package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	// serviceWorkerFile is where the page looks for its service worker: beside it, so that it may answer for all of it.
	serviceWorkerFile = "sw.js"

	// serviceWorkerSource has all of it but the list of files.
	serviceWorkerSource = "service-worker.js"
)

// inShell tells which files of a built page its service worker keeps: what the page consists of. Not the weights, which
// have a store of their own, nor what is there for other pages and for whoever installs the package or the app.
func inShell(name string) bool {
	top, _, below := strings.Cut(name, "/")
	switch {
	case name == "LICENSE", name == "widget.js", name == "pipeline.js",
		top == "examples", top == packageDir, top == "widget",
		strings.HasPrefix(name, "icons/screenshot-"), name == "photos/LICENSES.md", path.Ext(name) == mapSuffix:
		return false
	case top == "models":
		return name == modelIndex || path.Base(name) == "MODEL_CARD.md"
	case !below:
		return path.Ext(name) != ""
	}
	return true
}

// serviceWorker writes the built page's service worker: its source, told which files in dist the shell consists of.
func serviceWorker(source, dist string, names []string) (string, error) {
	code, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	files := map[string]string{}
	for _, name := range names {
		if !inShell(name) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dist, filepath.FromSlash(name)))
		if err != nil {
			return "", err
		}
		files[name] = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	if code, _, err = minify(serviceWorkerSource, code); err != nil {
		return "", err
	}
	// Its map would be as long again, and the source is in the package.
	code, _, _ = bytes.Cut(code, []byte("//# sourceMappingURL="))
	list, err := json.MarshalIndent(map[string]any{"files": files}, "", "  ") // in the order of the names
	if err != nil {
		return "", err
	}
	// All of it is one block: wherever an upload is cut off, what is left is no script, and no browser takes it for one.
	return fmt.Sprintf("// Made by clipside build.\n{\nself.clipsideShell = %s;\n\n%s}\n", list, code), nil
}
