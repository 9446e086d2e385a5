package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/andybalholm/brotli"
)

// maxFirstVisit is how many bytes of WebAssembly and JavaScript a first visit to the page may download, each file
// compressed with gzip as static hosts do. What makes it larger must be worth it.
const maxFirstVisit = 1_200_000

var (
	scriptOf   = regexp.MustCompile(`<script[^>]* src="([^"]+\.js)"`)
	codeOfCode = regexp.MustCompile(`['"](\.{1,2}/[^'"\s]+\.(?:js|wasm))['"]`) // imports, workers, modules of WebAssembly
)

// checkFirstVisit holds the page's code, as far as one file leads to another, against its budget.
func checkFirstVisit(t *testing.T, dist string) {
	t.Helper()
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dist, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var queue []string
	for _, m := range scriptOf.FindAllSubmatch(read("index.html"), -1) {
		queue = append(queue, string(m[1]))
	}
	sizes := map[string]int{}
	total, brotlied := 0, 0
	for ; len(queue) > 0; queue = queue[1:] {
		name := path.Clean(queue[0])
		if sizes[name] > 0 {
			continue
		}
		data := read(name)
		var packed bytes.Buffer
		z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		z.Write(data) // into memory
		z.Close()
		sizes[name] = packed.Len()
		total += packed.Len()
		packed.Reset()
		b := brotli.NewWriterLevel(&packed, brotli.BestCompression)
		b.Write(data)
		b.Close()
		brotlied += packed.Len()
		if path.Ext(name) == ".js" {
			for _, m := range codeOfCode.FindAllSubmatch(data, -1) {
				queue = append(queue, path.Join(path.Dir(name), string(m[1])))
			}
		}
	}
	t.Logf("a first visit downloads %d bytes of code, %d of them the engine, in %d files; %d bytes with Brotli", total, sizes[engineFile], len(sizes), brotlied)
	if sizes[engineFile] == 0 || sizes["clipside/worker.js"] == 0 {
		t.Errorf("the engine or its worker is not found: %v", sizes)
	}
	if total > maxFirstVisit {
		t.Errorf("that is more than the %d that it may: %v", maxFirstVisit, sizes)
	}
}
