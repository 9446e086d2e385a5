package main

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// packageDir is where a built page has the JavaScript package.
const packageDir = "npm"

// inPackage tells which files of the page are part of the JavaScript package too.
func inPackage(name string) bool {
	top, _, below := strings.Cut(name, "/")
	if !below {
		return slices.Contains([]string{"clipside.js", "widget.js", "pipeline.js", "service-worker.js", "LICENSE"}, name)
	}
	return top == "clipside" || top == "widget" || strings.HasPrefix(name, starterDir+"/")
}

// addPackage adds the JavaScript package to the files of a built page: what it shares with the page, what site/npm has
// for it, and what tells the hashes of this very build, which is made in the directory work.
func addPackage(files map[string]string, site, work string) error {
	source := filepath.Join(site, "npm")
	shared := map[string]string{}
	for name, file := range files {
		if inPackage(name) {
			shared[name] = file
		}
	}
	for name, file := range shared {
		files[path.Join(packageDir, name)] = file
	}
	for _, name := range []string{"package.json", "custom-elements.json", "worker.d.ts", "service-worker.d.ts"} {
		files[path.Join(packageDir, name)] = filepath.Join(source, name)
	}
	all := func(string) bool { return true }
	if err := addTree(files, filepath.Join(source, "types"), packageDir, all); err != nil {
		return err
	}
	if err := addTree(files, filepath.Join(source, "docs"), path.Join(packageDir, "docs"), all); err != nil {
		return err
	}

	hashes, err := integrity(shared)
	if err != nil {
		return err
	}
	readme, err := os.ReadFile(filepath.Join(source, "README.md"))
	if err != nil {
		return err
	}
	const place = "<!-- integrity -->"
	if !strings.Contains(string(readme), place) {
		return fmt.Errorf("%s has no %s for the hashes", filepath.Join(source, "README.md"), place)
	}
	list, err := json.MarshalIndent(map[string]any{"integrity": hashes}, "", "  ")
	if err != nil {
		return err
	}
	for name, data := range map[string]string{
		"README.md":      strings.Replace(string(readme), place, integrityTable(hashes), 1),
		"integrity.json": string(list) + "\n",
	} {
		file := filepath.Join(work, "npm", name)
		if err := writeChanged(file, []byte(data)); err != nil {
			return err
		}
		files[path.Join(packageDir, name)] = file
	}
	return nil
}

// integrity computes what goes into an integrity attribute, for every file that runs.
func integrity(files map[string]string) (map[string]string, error) {
	hashes := map[string]string{}
	for name, file := range files {
		if ext := path.Ext(name); ext != ".js" && ext != ".wasm" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		sum := sha512.Sum384(data)
		hashes[name] = "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
	}
	return hashes, nil
}

// integrityTable lists in Markdown the hashes of the modules that a page names itself.
func integrityTable(hashes map[string]string) string {
	var b strings.Builder
	b.WriteString("| File | integrity |\n| --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(hashes)) {
		if !strings.Contains(name, "/") {
			fmt.Fprintf(&b, "| %s | `%s` |\n", name, hashes[name])
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}
