package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const chunkName = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.zst"

// testSite is a directory that looks like a built page, with a file beside it that nobody must see.
func testSite(t *testing.T) (dir string, handler http.Handler) {
	t.Helper()
	parent := t.TempDir()
	dir = filepath.Join(parent, "dist")
	for name, content := range map[string]string{
		"../secret.txt":                      "secret",
		"index.html":                         "<!doctype html>",
		"style.css":                          "body {}",
		"clipside.js":                        strings.Repeat("export {};\n", 100),
		"manifest.webmanifest":               "{}",
		"LICENSE":                            "Apache",
		".hidden":                            "secret",
		".git/config":                        "secret",
		"icons/icon.svg":                     "<svg/>",
		"examples/index.html":                "<!doctype html>",
		"examples/a:b c/index.html":          "<!doctype html>",
		"photos/cat.png":                     "PNG",
		"photos/cat.jpg":                     "JPEG",
		"clipside/engine.wasm":               "\x00asm" + strings.Repeat("\x00", 1000),
		"models/starter/manifest.json":       "{}",
		"models/starter/MODEL_CARD.md":       "# card",
		"models/starter/" + chunkName:        strings.Repeat("chunk", 100),
		"models/starter/" + jsonChunk():      "tokenizer",
		"models/starter/plain.zst":           "not named by its hash",
		"models/starter/unknown.unknownkind": "?",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret.txt", filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	s, err := newSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.root.Close() })
	return dir, s
}

func jsonChunk() string { return strings.TrimSuffix(chunkName, ".zst") + ".json.zst" }

// get asks a handler for a path, as it stands on the request line.
func get(h http.Handler, path string, header ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.Path = path
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFilesHaveTheirTypesAndCaching(t *testing.T) {
	_, site := testSite(t)
	const forever, ask = "public, max-age=31536000, immutable", "no-cache"
	for _, c := range []struct{ path, contentType, caching string }{
		{"/", "text/html; charset=utf-8", ask},
		{"/index.html", "text/html; charset=utf-8", ask},
		{"/style.css", "text/css; charset=utf-8", ask},
		{"/clipside.js", "text/javascript; charset=utf-8", ask},
		{"/manifest.webmanifest", "application/manifest+json", ask},
		{"/LICENSE", "text/plain; charset=utf-8", ask},
		{"/icons/icon.svg", "image/svg+xml", ask},
		{"/photos/cat.png", "image/png", ask},
		{"/photos/cat.jpg", "image/jpeg", ask},
		{"/clipside/engine.wasm", "application/wasm", ask},
		{"/models/starter/manifest.json", "application/json", ask},
		{"/models/starter/MODEL_CARD.md", "text/plain; charset=utf-8", ask},
		{"/models/starter/" + chunkName, "application/octet-stream", forever},
		{"/models/starter/" + jsonChunk(), "application/octet-stream", forever},
		{"/models/starter/plain.zst", "application/octet-stream", ask},
		{"/models/starter/unknown.unknownkind", "application/octet-stream", ask},
	} {
		r := get(site, c.path)
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != c.contentType || r.Header.Get("Cache-Control") != c.caching || r.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %s, %v", c.path, r.Status, r.Header)
		}
	}
}

func TestWhatIsNotPartOfThePageIsNotFound(t *testing.T) {
	_, site := testSite(t)
	for _, path := range []string{
		"/nothing", "/.hidden", "/.git/config", "/../secret.txt", "/models/../../secret.txt", "/..", "/./index.html", "//index.html",
		"/link.txt", "/models", "/models/", "/models/starter/", `/..\secret.txt`, "/index.html\x00", "/index.html/", "/%2e%2e/secret.txt",
	} {
		r := get(site, path)
		if b := body(t, r); r.StatusCode != 404 || strings.Contains(b, "secret") && !strings.Contains(path, "secret") || strings.Contains(b, "starter") {
			t.Errorf("%q: %s, %q", path, r.Status, b)
		}
	}
}

func TestADirectoryLeadsToItsPage(t *testing.T) {
	_, site := testSite(t)
	for asked, want := range map[string]string{"/examples": "./examples/", "/examples/a:b c": "./a:b%20c/"} {
		r := get(site, asked)
		if r.StatusCode != http.StatusMovedPermanently || r.Header.Get("Location") != want || r.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %s, %v", asked, r.Status, r.Header)
		}
		if r := get(site, asked+"/"); r.StatusCode != 200 || body(t, r) != "<!doctype html>" {
			t.Errorf("%s/: %s", asked, r.Status)
		}
	}
}

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	page, err := os.ReadFile(root + "/site/index.html")
	if err != nil {
		t.Fatal(err)
	}
	meta := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]*)">`).FindSubmatch(page)
	if meta == nil {
		t.Fatal("the page has no Content-Security-Policy")
	}
	_, site := testSite(t)
	for _, path := range []string{"/", "/clipside.js", "/clipside/engine.wasm", "/models/starter/" + chunkName, "/nothing", "/../secret.txt"} {
		h := get(site, path).Header
		for name, want := range map[string]string{
			"Content-Security-Policy":      string(meta[1]) + "; frame-ancestors 'self'",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Embedder-Policy": "require-corp",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestTextAndWasmAreCompressedForWhoTakesIt(t *testing.T) {
	dir, site := testSite(t)
	for _, c := range []struct {
		path, accept string
		want         bool
	}{
		{"/clipside.js", "gzip, deflate, br", true},
		{"/clipside.js", "br, GZIP;q=0.5", true},
		{"/clipside/engine.wasm", "gzip", true},
		{"/models/starter/manifest.json", "gzip", true},
		{"/clipside.js", "", false},
		{"/clipside.js", "br", false},
		{"/clipside.js", "gzip;q=0", false},
		{"/clipside.js", "gzip; q=0.0, br", false},
		{"/photos/cat.png", "gzip", false},
		{"/models/starter/" + chunkName, "gzip", false},
	} {
		r := get(site, c.path, "Accept-Encoding", c.accept)
		data := body(t, r)
		if got := r.Header.Get("Content-Encoding") == "gzip"; got != c.want {
			t.Errorf("%s for %q: compressed %v", c.path, c.accept, got)
			continue
		}
		if c.want {
			z, err := gzip.NewReader(strings.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			data = string(plain)
		}
		want, err := os.ReadFile(filepath.Join(dir, c.path))
		if err != nil || data != string(want) {
			t.Errorf("%s for %q is not the file (%v)", c.path, c.accept, err)
		}
	}
}

func TestAnUnchangedFileIsNotSentAgain(t *testing.T) {
	dir, site := testSite(t)
	file := filepath.Join(dir, "clipside.js")
	for _, accept := range []string{"gzip", "identity"} {
		tag := get(site, "/clipside.js", "Accept-Encoding", accept).Header.Get("ETag")
		again := func() *http.Response {
			return get(site, "/clipside.js", "Accept-Encoding", accept, "If-None-Match", tag)
		}
		if r := again(); tag == "" || r.StatusCode != http.StatusNotModified {
			t.Errorf("%s: ETag %q, then %s", accept, tag, r.Status)
		}
		content := []byte("export const changed = '" + accept + "';")
		if err := os.WriteFile(file, content, 0o666); err != nil {
			t.Fatal(err)
		}
		r := again()
		var got io.Reader = r.Body
		if accept == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			got = z
		}
		if b, err := io.ReadAll(got); err != nil || r.StatusCode != 200 || !bytes.Equal(b, content) {
			t.Errorf("%s: after a change %s, %q, %v", accept, r.Status, b, err)
		}
	}
}

func TestRangesAreOfTheFileItself(t *testing.T) {
	_, site := testSite(t)
	r := get(site, "/clipside.js", "Accept-Encoding", "gzip", "Range", "bytes=0-5")
	if b := body(t, r); r.StatusCode != http.StatusPartialContent || b != "export" || r.Header.Get("Content-Encoding") != "" {
		t.Errorf("%s, %q, %v", r.Status, b, r.Header)
	}
}

func TestNothingCanBeSent(t *testing.T) {
	_, site := testSite(t)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, httptest.NewRequest(method, "/index.html", strings.NewReader("x")))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, %v", method, w.Code, w.Header())
		}
	}
}

func TestServeTellsItsAddressAndEndsWhenInterrupted(t *testing.T) {
	dir, _ := testSite(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	r, w := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "-dir", dir, "-addr", "127.0.0.1:0"}, output{w, io.Discard})
	}()
	line := make([]byte, 200)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	url, found := strings.CutPrefix(strings.TrimSpace(string(line[:n])), "Serving clipside at ")
	if !found {
		t.Fatalf("serve prints %q", line[:n])
	}
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if b := body(t, response); b != "<!doctype html>" {
		t.Errorf("%s has %q", url, b)
	}
	response.Body.Close()

	// A second one finds the address taken.
	address := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	if code, _, stderr := clipside(t, "serve", "-dir", dir, "-addr", address); code != 1 || !strings.Contains(stderr, address) || !strings.Contains(stderr, "-addr") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if code, _, stderr := clipside(t, "serve", "-dir", dir, "-addr", ""); code != 2 || !strings.Contains(stderr, "HOST:PORT") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if code, _, stderr := clipside(t, "serve", "-dir", dir, "-addr", "nonsense"); code != 1 || !strings.Contains(stderr, "HOST:PORT") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}

	interrupt()
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("serve does not end")
	}
}

func TestTheAddressIsOneThatABrowserOpens(t *testing.T) {
	for _, c := range []struct {
		ip   string
		want string
	}{
		{"127.0.0.1", "http://127.0.0.1:80/"}, {"::1", "http://[::1]:80/"}, {"0.0.0.0", "http://localhost:80/"}, {"::", "http://localhost:80/"}, {"192.0.2.1", "http://192.0.2.1:80/"},
	} {
		if got := siteURL(&net.TCPAddr{IP: net.ParseIP(c.ip), Port: 80}); got != c.want {
			t.Errorf("%s: %s, want %s", c.ip, got, c.want)
		}
	}
}
