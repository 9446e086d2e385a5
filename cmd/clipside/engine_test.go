package main

import (
	"slices"
	"strings"
	"testing"
)

func TestTheEngineLinksNothingForNothing(t *testing.T) {
	checkout, err := findCheckout()
	if err != nil {
		t.Fatal(err)
	}
	modfile, err := patchModules(t.Context(), checkout, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	list, err := goCommand(t.Context(), checkout, forBrowser, "list", "-deps", "-tags=engine", "-modfile="+modfile, "./wasm")
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
