package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// mapSuffix is what the name of a source map has more than that of its file. Only a browser's developer tools fetch it.
const mapSuffix = ".map"

// isMinified tells which files of a built page are minified: what the page and other pages run of it. People read and
// copy the examples. The package's modules stay readable too: whoever builds with them minifies everything at the end,
// and steps through them until then.
func isMinified(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	ext := path.Ext(name)
	return (ext == ".js" || ext == ".css") && top != "examples" && top != packageDir
}

// minifyPage minifies scripts and style sheets among the files of a built page, each for itself, and adds the maps that
// lead from them to their sources. It does so in the directory work.
func minifyPage(files map[string]string, work string) error {
	maps := map[string]string{}
	for name, file := range files {
		if !isMinified(name) {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		code, sourceMap, err := minify(name, source)
		if err != nil {
			return err
		}
		made := filepath.Join(work, "minified", filepath.FromSlash(name))
		if err := writeChanged(made, code); err != nil {
			return err
		}
		if err := writeChanged(made+mapSuffix, sourceMap); err != nil {
			return err
		}
		files[name] = made
		maps[name+mapSuffix] = made + mapSuffix
	}
	for name, file := range maps {
		files[name] = file
	}
	return nil
}

// minify makes a script or a style sheet small, and a map from it to its source. Properties and names at the top of a
// file stay as they are: a classic script's are global, and exported again under their own names a module's take more.
func minify(name string, source []byte) (code, sourceMap []byte, err error) {
	loader := api.LoaderJS
	if path.Ext(name) == ".css" {
		loader = api.LoaderCSS
	}
	var define map[string]string
	if path.Base(name) == "wasm_exec.js" {
		define = loaderFinds
	}
	r := api.Transform(string(source), api.TransformOptions{
		Define:            define,
		Sourcefile:        path.Base(name),
		Loader:            loader,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LegalComments:     api.LegalCommentsInline,
		Banner:            notice(source),
		Sourcemap:         api.SourceMapExternal,
	})
	if len(r.Errors) > 0 {
		e := r.Errors[0]
		if e.Location != nil {
			return nil, nil, fmt.Errorf("minify %s:%d:%d: %s", name, e.Location.Line, e.Location.Column+1, e.Text)
		}
		return nil, nil, fmt.Errorf("minify %s: %s", name, e.Text)
	}
	form := "//# sourceMappingURL=%s\n"
	if loader == api.LoaderCSS {
		form = "/*# sourceMappingURL=%s */\n"
	}
	return fmt.Appendf(r.Code, form, path.Base(name)+mapSuffix), r.Map, nil
}

// loaderFinds is what Go's loader looks for, to make up for it or to say that it is missing: what every browser has that runs
// the engine; files, of which clipside/engine.js has what there is to have; and processes and paths, of which the engine has none.
var loaderFinds = map[string]string{
	"globalThis.crypto": "true", "globalThis.performance": "true", "globalThis.TextEncoder": "true", "globalThis.TextDecoder": "true",
	"globalThis.fs": "true", "globalThis.process": "true", "globalThis.path": "true",
}

// notice is the copyright notice that a script begins with: Go's loader has one that is not marked as such.
func notice(source []byte) string {
	if !bytes.HasPrefix(source, []byte("// Copyright ")) {
		return ""
	}
	var lines []string
	for line := range strings.Lines(string(source)) {
		if !strings.HasPrefix(line, "//") {
			break
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}
