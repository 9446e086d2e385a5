package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMinifiedModulesFitTogether(t *testing.T) {
	const source = `// Copyright 2018 Somebody.
// See LICENSE.

/** A comment. */
import { other as another } from './other.js';

/*! A notice. */
export class DeepThought extends Error {
	name = 'DeepThought';
}

export const answer = async (question) => {
	const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
	const { lazy } = await import('./lazy.js');
	return lazy(another(question), worker);
};
`
	code, sourceMap, err := minify("page/deep.js", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	got := string(code)
	if strings.Contains(got, "A comment") || strings.Contains(got, "question") {
		t.Errorf("not minified: %s", got)
	}
	if !strings.HasPrefix(got, "// Copyright 2018 Somebody.\n// See LICENSE.\n") || !strings.Contains(got, "/*! A notice. */") {
		t.Errorf("a notice is lost: %s", got)
	}
	if !strings.HasSuffix(got, "\n//# sourceMappingURL=deep.js.map\n") {
		t.Errorf("it does not name its map: %s", got)
	}
	for _, kept := range []string{`from"./other.js"`, `import("./lazy.js")`, `new Worker(new URL("./worker.js",import.meta.url)`, "export class DeepThought", "export const answer", `"DeepThought"`} {
		if !strings.Contains(got, kept) {
			t.Errorf("it has no %s: %s", kept, got)
		}
	}
	var leads struct {
		Sources, SourcesContent []string
		Mappings                string
	}
	if err := json.Unmarshal(sourceMap, &leads); err != nil {
		t.Fatal(err)
	}
	if len(leads.Sources) != 1 || leads.Sources[0] != "deep.js" || len(leads.SourcesContent) != 1 || leads.SourcesContent[0] != source || leads.Mappings == "" {
		t.Errorf("the map is %s", sourceMap)
	}
}

func TestMinifiedStyleSheetsNameTheirMaps(t *testing.T) {
	code, _, err := minify("style.css", []byte("/* A comment. */\na:hover {\n\tcolor: #ffffff;\n}\n"))
	if want := "a:hover{color:#fff}\n/*# sourceMappingURL=style.css.map */\n"; err != nil || string(code) != want {
		t.Errorf("got %q (%v), want %q", code, err, want)
	}
}

func TestMinifyTellsWhereAnErrorIs(t *testing.T) {
	if _, _, err := minify("page/broken.js", []byte("const a = 1;\nconst = 2;\n")); err == nil || !strings.Contains(err.Error(), "page/broken.js:2:7") {
		t.Errorf("error %v", err)
	}
}

func TestExamplesAndThePackageStayReadable(t *testing.T) {
	for name, want := range map[string]bool{
		"clipside.js": true, "page/main.js": true, "style.css": true, "widget/dom.js": true, "clipside/wasm_exec.js": true,
		"examples/plain/main.js": false, "examples/style.css": false, "npm/clipside.js": false, "index.html": false, "clipside/engine.wasm": false,
	} {
		if isMinified(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
