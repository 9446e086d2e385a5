package e2e

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
	"github.com/clipside/clipside/model/convert"
	"github.com/x448/float16"
)

// heavy is a model whose weights are as large as ViT-B/32's and a little more, and whose arithmetic is light: its
// pictures have 4 patches and its texts 16 tokens of a large vocabulary.
func heavy() model.Config {
	return model.Config{
		EmbedDim: 512, LogitScale: 100,
		Image:      model.ImageConfig{Kind: model.ViT, Size: 64, Patch: 32, Width: 1024, Layers: 8, Heads: 16, MLP: 4096, Activation: model.QuickGELU, Eps: 1e-5},
		Text:       model.TextConfig{Context: 16, Vocab: 65536, Width: 1024, Layers: 1, Heads: 16, MLP: 4096, Activation: model.QuickGELU, Eps: 1e-5},
		Preprocess: model.Preprocess{Mean: model.DefaultMean, Std: model.DefaultStd},
	}
}

// light is a model of six chunks, four of them the text tower's, that is loaded in an instant.
func light() model.Config {
	return model.Config{
		EmbedDim: 32, LogitScale: 100,
		Image:      model.ImageConfig{Kind: model.ViT, Size: 32, Patch: 16, Width: 640, Layers: 1, Heads: 10, MLP: 640, Activation: model.QuickGELU, Eps: 1e-5},
		Text:       model.TextConfig{Context: 8, Vocab: 49408, Width: 128, Layers: 1, Heads: 2, MLP: 128, Activation: model.QuickGELU, Eps: 1e-5},
		Preprocess: model.Preprocess{Mean: model.DefaultMean, Std: model.DefaultStd},
	}
}

// packRandom packs a model of random weights, spread like a trained layer's, with the starter's tokenizer, and returns
// its folder.
func packRandom(t testing.TB, c model.Config) (dir string, m *bundle.Manifest) {
	t.Helper()
	dir = t.TempDir()
	w, err := bundle.NewWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	rng := rand.New(rand.NewPCG(1, 2))
	piece := make([]uint16, 1<<16)
	for _, tower := range []string{bundle.Image, bundle.Text} {
		layout := bundle.Layout(&c, tower)
		if err := w.Tower(tower, layout); err != nil {
			t.Fatal(err)
		}
		for _, x := range layout {
			n := 1
			for _, d := range x.Shape {
				n *= d
			}
			for n > 0 {
				values := piece[:min(n, len(piece))]
				for i := range values {
					values[i] = float16.Fromfloat32(float32(rng.NormFloat64() * 0.03)).Bits()
				}
				if err := w.Write(values); err != nil {
					t.Fatal(err)
				}
				n -= len(values)
			}
		}
	}
	starter, err := convert.Open(os.DirFS(filepath.Join(root, "models/starter")))
	if err != nil {
		t.Fatal(err)
	}
	defer starter.Close()
	words, err := starter.Tokenizer.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	m = &bundle.Manifest{Name: "random", Config: c}
	if err := w.Finish(m, words); err != nil {
		t.Fatal(err)
	}
	if m.SelfTest, err = bundle.NewSelfTest(t.Context(), bundle.FS(os.DirFS(w.Files())), m, cpu.New()); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(m); err != nil {
		t.Fatal(err)
	}
	return dir, m
}

// link is what all connections to a host share: so many bytes a second. While nothing is sent no more is saved up than
// lateness, by which the server's timers may be late: a real one has as much in the sockets' buffers.
type link struct {
	bytesPerSecond float64

	mu   sync.Mutex
	free time.Time // when the last byte taken so far will be through
	sent int64
}

const lateness = 5 * time.Millisecond

// pass waits until n more bytes are through.
func (l *link) pass(ctx context.Context, n int) {
	l.mu.Lock()
	now := time.Now()
	if latest := now.Add(-lateness); l.free.Before(latest) {
		l.free = latest
	}
	l.free = l.free.Add(time.Duration(float64(n) / l.bytesPerSecond * float64(time.Second)))
	l.sent += int64(n)
	wait := l.free.Sub(now)
	l.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
}

// bytes is how many have been sent since the last call.
func (l *link) bytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.sent
	l.sent = 0
	return n
}

// handler sends what h answers over the link.
func (l *link) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(&linkWriter{ResponseWriter: w, link: l, ctx: r.Context()}, r)
	})
}

type linkWriter struct {
	http.ResponseWriter
	link *link
	ctx  context.Context
}

func (w *linkWriter) Write(b []byte) (int, error) {
	const packet = 16 << 10
	for sent := 0; sent < len(b); {
		n := min(packet, len(b)-sent)
		w.link.pass(w.ctx, n)
		n, err := w.ResponseWriter.Write(b[sent : sent+n])
		sent += n
		if err != nil {
			return sent, err
		}
	}
	w.ResponseWriter.(http.Flusher).Flush()
	return len(b), nil
}

// host serves one model, with faults: a handler of its own for each file that is to go wrong.
type host struct {
	url string // of the model

	mu     sync.Mutex
	files  http.Handler
	faults map[string]http.HandlerFunc
	asked  map[string]int // requests by file
}

// misbehave makes a file's answers h's, until well is called.
func (h *host) misbehave(file string, f http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults[file] = f
}

// well ends all faults and returns how often each file has been asked for since the last call.
func (h *host) well() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked, h.faults = map[string]int{}, map[string]http.HandlerFunc{}
	return asked
}

func newHost(files http.Handler) *host {
	h := &host{files: files}
	h.well()
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	h.mu.Lock()
	h.asked[file]++
	fault := h.faults[file]
	h.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	h.files.ServeHTTP(w, r)
}

// model serves dir as a model with a name of its own, so that nothing of it is in the browser yet.
func (s *site) model(name, dir string) *host {
	at := "models/" + name + "/"
	h := newHost(http.StripPrefix("/some/where/"+at, http.FileServer(http.Dir(dir))))
	h.url = s.url + at
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extras[at] = h
	return h
}

// elsewhere serves dir as a model of another origin; headers are added to every answer.
func elsewhere(t testing.TB, dir string, headers map[string]string) *host {
	t.Helper()
	h := newHost(http.FileServer(http.Dir(dir)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	h.url = server.URL + "/"
	return h
}

// keptDirectory is a function of JavaScript's, from a model's address to the directory that the browser keeps it in.
const keptDirectory = `async (address) => {
	const models = await (await navigator.storage.getDirectory()).getDirectoryHandle('clipside-models');
	for await (const model of models.values()) {
		if ((await (await (await model.getFileHandle('url.txt')).getFile()).text()) === address) return model;
	}
	throw new Error(address + ' is not kept');
}`

// blank serves an empty page of the site's origin.
func (s *site) blank() string {
	s.respond("blank.html", "text/html; charset=utf-8", "<!doctype html><title>blank</title><link rel=icon href=data:,>", nil)
	return s.url + "blank.html"
}

// isolation are the headers of pages that may share memory and have an exact clock, as clipside serve sends them.
var isolation = map[string]string{"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}

// respond serves a text.
func (s *site) respond(file, kind, text string, headers map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extras[file] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		io.WriteString(w, text)
	})
}

// rewrite serves a script of the page as it is in site/, not minified, with pieces of its text, which must be there,
// replaced by others: old, new, old, new.
func (s *site) rewrite(t testing.TB, file string, oldnew ...string) {
	t.Helper()
	data := read(t, filepath.Join(root, "site", file))
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(string(data), oldnew[i]) {
			t.Fatalf("%s has no %q", file, oldnew[i])
		}
	}
	s.respond(file, "text/javascript; charset=utf-8", strings.NewReplacer(oldnew...).Replace(string(data)), nil)
}
