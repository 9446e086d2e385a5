package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var serveCommand = command{
	name:    "serve",
	args:    "[-addr HOST:PORT] [-dir DIST]",
	summary: "serve the built page on this machine",
	help: `Serves a directory that clipside build made, until Ctrl-C. Any other static host does as well; this one also sends
the headers that are worth having: types, caching, compression, and the page's Content-Security-Policy.

Other machines can reach the page with -addr :8080, but browsers offer WebGPU and the camera only to pages from
localhost or over https.`,
	define: func(f *flag.FlagSet) action {
		addr := f.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
		dir := f.String("dir", "dist", "`directory` to serve")
		return func(ctx context.Context, out output, args []string) error {
			if len(args) > 0 {
				return usagef("unexpected argument %q", args[0])
			}
			return serve(ctx, out, *addr, *dir)
		}
	},
}

// shutdownGrace is how long a response that is under way may take after Ctrl-C.
const shutdownGrace = 2 * time.Second

func serve(ctx context.Context, out output, addr, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		return fmt.Errorf("%s is no built page (%w): clipside build makes one", dir, err)
	}
	site, err := newSite(dir)
	if err != nil {
		return err
	}
	defer site.root.Close()
	if addr == "" { // which would be any port, for every machine
		return usagef("-addr is empty: it takes HOST:PORT, such as 127.0.0.1:8080")
	}
	listener, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("another program listens on %s already: choose another address with -addr, such as -addr 127.0.0.1:0 for any free port", addr)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %q: %w; -addr takes HOST:PORT, such as 127.0.0.1:8080", addr, err)
	}
	server := &http.Server{
		Handler:           site,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(out.stderr, "clipside: serve: ", 0),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	fmt.Fprintf(out.stdout, "Serving clipside at %s\n", siteURL(listener.Addr()))
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if server.Shutdown(grace) != nil {
		server.Close()
	}
	return nil
}

// siteURL is an address that a browser on this machine can open.
func siteURL(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// contentTypes are the types of what a built page consists of. They are spelled out because the operating system's own
// table may lack some and get others wrong.
var contentTypes = map[string]string{
	".html":        "text/html; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".webmanifest": "application/manifest+json",
	".wasm":        "application/wasm",
	".md":          "text/plain; charset=utf-8",
	".txt":         "text/plain; charset=utf-8",
	".jsx":         "text/plain; charset=utf-8", // sources of the examples, for reading
	".vue":         "text/plain; charset=utf-8",
	"":             "text/plain; charset=utf-8", // LICENSE
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".jpg":         "image/jpeg",
	".webp":        "image/webp",
	".ico":         "image/x-icon",
	".zst":         "application/octet-stream", // the engine decompresses chunks itself, so not a Content-Encoding
}

// compressible are the extensions of files that gzip makes much smaller.
var compressible = map[string]bool{".html": true, ".css": true, ".js": true, ".json": true, ".map": true, ".webmanifest": true, ".wasm": true, ".md": true, ".txt": true, "": true, ".svg": true}

// hashNamed matches files of a bundle that are named by their content, and so never change.
var hashNamed = regexp.MustCompile(`^[0-9a-f]{64}(\.json)?\.zst$`)

// site serves a built page from a directory, and nothing outside it, no hidden file and no listing.
type site struct {
	root *os.Root

	mu      sync.Mutex
	gzipped map[string]gzipped // by path
}

// gzipped is a file's compressed form and the version of the file that it was made from.
type gzipped struct {
	version string
	data    []byte
}

func newSite(dir string) (*site, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &site{root: root, gzipped: map[string]gzipped{}}, nil
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	setSecurityHeaders(h)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this server only answers GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	name, ok := fileName(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	f, err := s.root.Open(name)
	if err == nil {
		defer f.Close()
		info, err := f.Stat()
		switch {
		case err == nil && info.Mode().IsRegular():
			s.serveFile(w, r, name, f, info)
			return
		case err == nil && info.IsDir() && s.hasIndex(name):
			h.Set("Cache-Control", cacheAsk)
			h.Set("Location", (&url.URL{Path: "./" + path.Base(name) + "/", RawQuery: r.URL.RawQuery}).String()) // whatever path a proxy has for this one
			w.WriteHeader(http.StatusMovedPermanently)
			return
		}
	}
	http.NotFound(w, r)
}

// hasIndex tells a directory that has a page: other hosts lead from its name to the page, so that its links hold.
func (s *site) hasIndex(dir string) bool {
	info, err := s.root.Stat(path.Join(dir, "index.html"))
	return err == nil && info.Mode().IsRegular()
}

// fileName is the file that a URL's path asks for, relative to the root; false for paths that are not plain or that
// name something hidden.
func fileName(urlPath string) (name string, ok bool) {
	name = strings.TrimPrefix(urlPath, "/")
	if name == "" || strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		return "", false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return "", false
		}
	}
	return name, true
}

func (s *site) serveFile(w http.ResponseWriter, r *http.Request, name string, f io.ReadSeeker, info fs.FileInfo) {
	h := w.Header()
	ext := path.Ext(name)
	if t, ok := contentTypes[ext]; ok {
		h.Set("Content-Type", t)
	} else {
		h.Set("Content-Type", "application/octet-stream")
	}
	if hashNamed.MatchString(path.Base(name)) {
		h.Set("Cache-Control", cacheForever)
	} else {
		h.Set("Cache-Control", cacheAsk)
	}
	version := fmt.Sprintf("%x-%x", info.Size(), info.ModTime().UnixNano())
	if compressible[ext] {
		h.Set("Vary", "Accept-Encoding")
		if r.Header.Get("Range") == "" && acceptsGzip(r.Header.Get("Accept-Encoding")) {
			data, err := s.gzip(name, version, f)
			if err != nil {
				http.Error(w, "the file cannot be read", http.StatusInternalServerError)
				return
			}
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", strconv.Itoa(len(data)))
			h.Set("ETag", `"`+version+`-gzip"`)
			http.ServeContent(w, r, name, info.ModTime(), bytes.NewReader(data))
			return
		}
	}
	h.Set("ETag", `"`+version+`"`)
	http.ServeContent(w, r, name, info.ModTime(), f)
}

// gzip compresses a file once for every version of it.
func (s *site) gzip(name, version string, f io.Reader) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g, ok := s.gzipped[name]; ok && g.version == version {
		return g.data, nil
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, f); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	s.gzipped[name] = gzipped{version, b.Bytes()}
	return b.Bytes(), nil
}

// acceptsGzip reads a request's Accept-Encoding.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, parameters, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		q, found := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q=")
		if !found {
			return true
		}
		weight, err := strconv.ParseFloat(q, 64)
		return err == nil && weight > 0
	}
	return false
}
