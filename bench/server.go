package main

import (
	"io/fs"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
)

// server serves both contenders from one origin, twice: below isolated/ with the headers that give a page threads and
// fine clocks, below plain/ without.
type server struct {
	url  string // ends in a slash
	http *http.Server

	mounts map[string]fs.FS // by the first part of the path below isolated/ and plain/

	mu    sync.Mutex
	moved map[string]int64 // bytes of each file that was asked for since the last call of requests
}

const (
	isolated = "isolated/"
	plain    = "plain/"
)

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".json": "application/json",
	".wasm": "application/wasm",
}

func serve(mounts map[string]fs.FS) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{url: "http://" + listener.Addr().String() + "/", mounts: mounts, moved: map[string]int64{}}
	s.http = &http.Server{Handler: s}
	go s.http.Serve(listener) // until Close
	return s, nil
}

func (s *server) close() error { return s.http.Close() }

// requests are the files that were asked for since the last call, with their sizes: paths below isolated/ and plain/.
func (s *server) requests() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := s.moved
	s.moved = map[string]int64{}
	return moved
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, found := strings.CutPrefix(r.URL.Path, "/"+isolated)
	if found {
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
	} else if name, found = strings.CutPrefix(r.URL.Path, "/"+plain); !found {
		http.NotFound(w, r)
		return
	}
	f, err := s.open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	s.moved[name] = info.Size()
	s.mu.Unlock()
	contentType, ok := contentTypes[path.Ext(name)]
	if !ok {
		contentType = "application/octet-stream"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "max-age=3600") // what a second visit finds in the browser's cache, for both
	http.ServeContent(w, r, name, info.ModTime(), f.(*os.File))
}

// open opens a file of a mount: mount/path, or, where mounts differ by model, mount/model/path.
func (s *server) open(name string) (fs.File, error) {
	for at := 0; ; {
		i := strings.IndexByte(name[at:], '/')
		if i < 0 {
			return nil, fs.ErrNotExist
		}
		at += i
		if fsys, ok := s.mounts[name[:at]]; ok {
			return fsys.Open(name[at+1:])
		}
		at++
	}
}
