package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clipside/clipside/internal/checkout"
)

func TestKernelsAreStrippedOfComments(t *testing.T) {
	const source = "// What it does.\n\nfn f() { // why\n\t\treturn 6 / 2; }\n#if N\n  let a = 1; // one\n#end\n"
	if got, want := string(stripComments([]byte(source))), "\n\nfn f() {\nreturn 6 / 2; }\n#if N\nlet a = 1;\n#end\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	files, err := filepath.Glob(root + "/shaders/*.wgsl")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d kernels (%v)", len(files), err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err != nil || bytes.Contains(text, []byte("/*")) {
			t.Errorf("%s has comments that would stay, or not all of one (%v)", file, err)
		}
	}
}

// patched are the checkout's root, and what is instead of its go.mod when the engine is built.
func patched(t *testing.T) (root, modfile string) {
	t.Helper()
	root, err := checkout.Find()
	if err != nil {
		t.Fatal(err)
	}
	modfile, err = patchModules(t.Context(), root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return root, modfile
}

func TestTheEngineLinksNothingForNothing(t *testing.T) {
	root, modfile := patched(t)
	list, err := goCommand(t.Context(), root, forBrowser, "list", "-deps", "-tags=engine", "-modfile="+modfile, "./wasm")
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(list)
	if !slices.Contains(packages, "github.com/klauspost/compress/zstd") || !slices.Contains(packages, "github.com/cogentcore/webgpu/jsx") {
		t.Fatalf("the packages are %q", packages)
	}
	for _, p := range packages {
		top, _, _ := strings.Cut(p, "/")
		if slices.Contains([]string{"crypto", "log", "net", "testing"}, top) || slices.Contains([]string{"compress/gzip", "encoding/json", "math/big", "math/rand"}, p) {
			t.Errorf("it links %s", p)
		}
	}
}

// TestTheEngineReadsBundles runs the tests of package bundle with the patched modules, as WebAssembly.
func TestTheEngineReadsBundles(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no Node to run WebAssembly with")
	}
	root, modfile := patched(t)
	runners, err := wasmRunners(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	out, err := goCommand(t.Context(), root, forBrowser, "test", "-modfile="+modfile,
		"-exec="+filepath.Join(runners, "go_js_wasm_exec"), "./model/bundle/...")
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, p := range []string{"model/bundle", "model/bundle/huffman"} {
		if !strings.Contains(out, "github.com/clipside/clipside/"+p+"\t") {
			t.Errorf("%s has no tests there: %s", p, out)
		}
	}
}
