package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestKernels runs package gpu's own tests, every operation against its CPU twin over random shapes, in the browsers.
func TestKernels(t *testing.T) {
	dir := t.TempDir()
	gojs(t, "test", "-c", "-o", filepath.Join(dir, "gotest.wasm"), "./gpu")
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join(strings.TrimSpace(string(goroot)), "lib/wasm/wasm_exec.js"), dir)
	copyFile(t, "testdata/gotest.html", dir)
	copyFile(t, "testdata/gotest.js", dir)
	copyFile(t, filepath.Join(root, "site/clipside/replay.js"), dir)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)

	chromium := func(t testing.TB, url string) *tab { return launch(t, nil).open(t, url) }
	const choices = "EveryTile|EverySharing|Tuning"
	for _, test := range []struct {
		name      string
		open      func(testing.TB, string) *tab
		run, skip string // of the tests
		least     int    // that must have passed, those of tables counted singly
	}{
		// A browser compiles kernels one after the other, which takes most of the time.
		{"Chromium", chromium, "", choices, 40},
		{"Chromium, what is chosen from", chromium, choices, "", 25},
		// Another compiler of WGSL, another way of bitmaps to textures: kernels as an adapter without f16 has them. The tiles
		// are the same shaders once more, and a software adapter is for those who ask for it.
		{"Firefox", openFirefox, "Operations/hardware,_packed|Resized|ArriveAs|Layer", "", 30},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := test.open(t, server.URL+"/gotest.html?"+url.Values{"arg": {"-test.v", "-test.run=" + test.run, "-test.skip=" + test.skip}}.Encode())
			t.Log("adapter:", p.adapter())
			p.until("the tests to end", "window.result")
			result := eval[struct {
				Code   int    `json:"code"`
				Output string `json:"output"`
			}](p, "window.result")
			if result.Code != 0 || !strings.Contains(result.Output, "\nPASS\n") {
				t.Fatalf("exit code %d\n%s", result.Code, result.Output)
			}
			if n := strings.Count(result.Output, "--- PASS"); n < test.least || strings.Contains(result.Output, "--- SKIP") {
				t.Fatalf("only %d tests passed, or some were skipped:\n%s", n, result.Output)
			}
		})
	}
}

func copyFile(t testing.TB, from, dir string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, filepath.Base(from)), data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
