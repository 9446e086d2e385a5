package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	permission "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/clipside/clipside/model/bundle"
)

// loaded is what became of loading a model, classifying a picture and disposing of the model.
type loaded struct {
	Name, Message string // of the error, if it is one
	Status        int
	MS            float64
	Bytes         struct{ Total, Fetched, Cached int64 }
	Storage       struct {
		Kept   bool
		Reason string
	}
	Scores []float64
}

// faultSite is a page in a browser and a model to serve badly.
type faultSite struct {
	*site
	tabs  *browser
	page  *tab
	dir   string // of the model
	m     *bundle.Manifest
	chunk bundle.File // the one that goes wrong
	names int
}

func newFaultSite(t *testing.T) *faultSite {
	f := &faultSite{site: serve(t)}
	f.dir, f.m = packRandom(t, light())
	f.chunk = f.m.Towers[bundle.Text].Chunks[2]
	// What is patience with a network is time lost in a test, but nothing else than a host that stalls on purpose may be
	// taken for one on a busy machine.
	f.rewrite(t, "clipside/download.js", "Math.min(hurryMs ?? Infinity, via.stallMs)", "url.includes('/stalling') ? 1_000 : Math.min(hurryMs ?? Infinity, via.stallMs)", "firstWaitMs = 250", "firstWaitMs = 50")
	f.tabs = launch(t, nil)
	f.page = f.open(t)
	return f
}

// open opens a tab with the engine running in it, so that what follows is loading alone.
func (f *faultSite) open(t *testing.T) *tab {
	p := f.tabs.open(t, f.blank())
	eval[bool](p, script(`window.engine = await createClip({ device: 'cpu' }); return true;`))
	return p
}

// fresh serves the model under a name that the browser does not know.
func (f *faultSite) fresh() *host { return f.named("faulty") }

func (f *faultSite) named(kind string) *host {
	f.names++
	return f.model(kind+strconv.Itoa(f.names), f.dir)
}

// load loads a host's model in a tab; options are more of createClip's, in JavaScript.
func load(t *testing.T, p *tab, h *host, options string) loaded {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	l, err := chromedp.Run(ctx, chromedp.Evaluate[loaded](script(`
		const began = performance.now();
		const result = { Scores: [] };
		try {
			const clip = await createClip({ model: %q, device: 'cpu', %s });
			try {
				result.Scores = (await clip.classify(picture, ['a cat', 'a dog'])).map(({ score }) => score);
				const { bytes, storage } = clip.info;
				Object.assign(result, { Bytes: { Total: bytes.total, Fetched: bytes.fetched, Cached: bytes.cached }, Storage: { Kept: storage.kept, Reason: storage.reason } });
			} finally {
				await clip.dispose();
			}
		} catch (error) {
			Object.assign(result, { Name: error.name, Message: error.message, Status: error.status ?? 0 });
		}
		result.MS = performance.now() - began;
		return result;
	`, h.url, options), chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("loading hangs: %v", err)
	}
	return l
}

// mustWork fails the test unless the model was loaded and has an answer.
func (l loaded) mustWork(t *testing.T) {
	t.Helper()
	if l.Name != "" || len(l.Scores) != 2 {
		t.Fatalf("%s: %s", l.Name, l.Message)
	}
}

// mustFail fails the test unless loading ended in an error of a name that says all of some words.
func (l loaded) mustFail(t *testing.T, name string, says ...string) {
	t.Helper()
	if l.Name != name {
		t.Fatalf("got %q (%s), want a %s", l.Name, l.Message, name)
	}
	for _, word := range says {
		if !strings.Contains(l.Message, word) {
			t.Errorf("%q does not say %q", l.Message, word)
		}
	}
}

// times makes the first n answers bad, and all further ones well.
func times(n int, h *host, bad http.HandlerFunc) http.HandlerFunc {
	var asked atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= int64(n) {
			bad(w, r)
			return
		}
		h.files.ServeHTTP(w, r)
	}
}

const always = 1 << 30

// send answers with data and a Content-Length of its own choosing, and cuts the connection where there is more to come.
func send(data []byte, length int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(length))
		w.Write(data)
		if len(data) < length {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

// stall sends a half and then nothing.
func stall(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Write(data[:len(data)/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// TestFaultyHosts loads a model from hosts that misbehave in every way, each under a name that the browser does not
// know, in one browser.
func TestFaultyHosts(t *testing.T) {
	t.Parallel()
	f := newFaultSite(t)
	t.Run("network", f.survivesTheNetwork)
	t.Run("manifest", f.refusesHostileManifests)
	t.Run("store", f.keepsModels)
	t.Run("other origin", f.needsCORS)
	t.Run("no Worker to fetch", f.fetchesByItself)
}

func (f *faultSite) survivesTheNetwork(t *testing.T) {
	good := read(t, filepath.Join(f.dir, f.chunk.File))
	flipped := bytes.Clone(good)
	flipped[len(good)/2] ^= 1
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(good)
	z.Close()

	for _, c := range []struct {
		name  string
		bad   http.HandlerFunc
		times int      // how many answers are bad
		asked int      // how often the chunk is asked for
		fails string   // the error's class, or "" if it works in the end
		says  []string // words of the error's message
	}{
		{"connection cut", send(good[:len(good)/2], len(good)), 1, 2, "", nil},
		{"connection always cut", send(good[:len(good)/2], len(good)), always, 5, "ModelError", []string{f.chunk.File, "the connection was cut"}},
		{"byte flipped", send(flipped, len(good)), 1, 2, "", nil},
		{"byte always flipped", send(flipped, len(good)), always, 2, "IntegrityError", []string{f.chunk.File, "damaged", "SHA-256"}},
		{"chunk truncated", send(good[:1000], 1000), 1, 2, "", nil},
		{"chunk always truncated", send(good[:1000], 1000), always, 5, "ModelError", []string{f.chunk.File, "ended after 1000 of"}},
		{"chunk too long", send(append(bytes.Clone(good), 0), len(good)+1), always, 2, "IntegrityError", []string{f.chunk.File, "longer than"}},
		{"Content-Length too large", send(good, len(good)+100), 1, 2, "", nil},
		{"missing", status(404), always, 1, "ModelError", []string{f.chunk.File, "HTTP 404"}},
		{"500 three times", status(500), 3, 4, "", nil},
		{"always 500", status(500), always, 5, "ModelError", []string{f.chunk.File, "HTTP 500"}},
		{"stalled", stall(good), 1, 2, "", nil},
		{"always stalled", stall(good), always, 5, "ModelError", []string{f.chunk.File, "brought nothing for 1 s"}},
		{"429 with Retry-After", status(429, "Retry-After", "1"), 1, 2, "", nil},
		{"Content-Encoding identity", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "identity")
			w.Write(good)
		}, always, 1, "", nil},
		{"Content-Encoding gzip", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zipped.Bytes())
		}, always, 1, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			kind := "faulty"
			if strings.HasSuffix(c.name, "stalled") {
				kind = "stalling"
			}
			h := f.named(kind)
			h.misbehave(f.chunk.File, times(c.times, h, c.bad))
			l := load(t, f.page, h, "")
			asked := h.well()
			if c.fails == "" {
				l.mustWork(t)
				if files := weights(asked); len(files) != 7 {
					t.Errorf("%d files were asked for", len(files))
				}
			} else {
				l.mustFail(t, c.fails, c.says...)
			}
			if asked[f.chunk.File] != c.asked {
				t.Errorf("the chunk was asked for %d times, want %d", asked[f.chunk.File], c.asked)
			}
			if strings.HasPrefix(c.name, "429") && l.MS < 1000 {
				t.Errorf("tried again after %.0f ms, the server asked for 1 s", l.MS)
			}
			if c.fails == "" {
				return
			}
			// What was complete is kept, and the rest is fetched once the host is well.
			load(t, f.page, h, "").mustWork(t)
			if again := h.well(); again[f.chunk.File] != 1 || len(weights(again)) > 5 {
				t.Errorf("once the host was well it was asked for %d files, the chunk %d times", len(weights(again)), again[f.chunk.File])
			}
		})
	}
}

func (f *faultSite) refusesHostileManifests(t *testing.T) {
	text := read(t, filepath.Join(f.dir, bundle.ManifestName))
	edited := func(edit func(m, tower, tensor, chunk map[string]any)) []byte {
		var m map[string]any
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		tower := m["towers"].(map[string]any)["text"].(map[string]any)
		edit(m, tower, tower["tensors"].([]any)[1].(map[string]any), tower["chunks"].([]any)[1].(map[string]any))
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, c := range []struct {
		name     string
		manifest []byte
		says     []string
	}{
		{"a chunk of 1 TB", edited(func(_, _, _, c map[string]any) { c["stored"] = 1 << 40 }), []string{"towers.text.chunks[1].stored", "1099511627776"}},
		{"a tower of 1 TB", edited(func(_, tower, _, _ map[string]any) { tower["raw"] = 1 << 40 }), []string{"towers.text.raw", "1099511627776"}},
		{"a negative size", edited(func(_, _, _, c map[string]any) { c["stored"] = -1 }), []string{"towers.text.chunks[1].stored", "-1"}},
		{"overlapping tensors", edited(func(_, _, x, _ map[string]any) { x["offset"] = 0 }), []string{"towers.text.tensors[1]", "lies at 0"}},
		{"path traversal", edited(func(_, _, _, c map[string]any) { c["file"] = "../../../../etc/passwd" }), []string{"towers.text.chunks[1].file", "../../../../etc/passwd"}},
		{"another version", edited(func(m, _, _, _ map[string]any) { m["version"] = 2 }), []string{"version", "2 is not supported"}},
		{"cut in the middle", text[:len(text)/2], []string{"not a manifest"}},
		{"longer than any", bytes.Repeat([]byte(" "), 3<<20), nil},
		{"a web page", []byte("<!doctype html><title>app</title>"), []string{"instead of manifest.json", "web page"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := f.fresh()
			h.misbehave(bundle.ManifestName, send(c.manifest, len(c.manifest)))
			name := "ModelError"
			if c.says == nil {
				name, c.says = "IntegrityError", []string{"longer than"}
			}
			load(t, f.page, h, "").mustFail(t, name, c.says...)
			if files := weights(h.well()); len(files) > 0 {
				t.Errorf("asked for %q", files)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		h := f.fresh()
		h.misbehave(bundle.ManifestName, status(404))
		if l := load(t, f.page, h, ""); l.Status != 404 {
			t.Errorf("status %d", l.Status)
		} else {
			l.mustFail(t, "ModelError", "no model at", h.url)
		}
	})
	t.Run("pinned", func(t *testing.T) {
		h := f.fresh()
		pin := fmt.Sprintf("%x", sha256.Sum256(text))
		load(t, f.page, h, "integrity: '"+strings.Repeat("0", 64)+"'").mustFail(t, "IntegrityError", bundle.ManifestName, pin)
		if files := weights(h.well()); len(files) > 0 {
			t.Errorf("asked for %q", files)
		}
		load(t, f.page, h, "integrity: '"+pin+"'").mustWork(t)
		h.well()
		load(t, f.page, h, "integrity: '"+pin+"'").mustWork(t)
		if asked := h.well(); len(asked) > 0 {
			t.Errorf("a pinned model that is kept was asked after: %v", asked)
		}
		// Another manifest of the same name is passed over for the one that was pinned, and not taken.
		other := edited(func(m, _, _, _ map[string]any) { m["name"] = "other" })
		h.misbehave(bundle.ManifestName, send(other, len(other)))
		load(t, f.page, h, "integrity: '"+pin+"'").mustWork(t)
		load(t, f.page, h, "cache: false, integrity: '"+pin+"'").mustFail(t, "IntegrityError", bundle.ManifestName)
	})
}

func (f *faultSite) keepsModels(t *testing.T) {
	stored := storedBytes(f.m)

	t.Run("across tabs and without a network", func(t *testing.T) {
		h := f.fresh()
		first := load(t, f.page, h, "")
		first.mustWork(t)
		if !first.Storage.Kept || first.Bytes.Fetched != stored || first.Bytes.Cached != 0 {
			t.Errorf("the first visit: %+v", first)
		}
		h.well()
		second := load(t, f.open(t), h, "")
		second.mustWork(t)
		if files := weights(h.well()); len(files) > 0 || second.Bytes.Fetched != 0 || second.Bytes.Cached != stored {
			t.Errorf("the second visit asked for %q: %+v", files, second)
		}
		h.misbehave(bundle.ManifestName, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		load(t, f.page, h, "").mustWork(t)
		h.well()
	})

	t.Run("damaged", func(t *testing.T) {
		h := f.fresh()
		load(t, f.page, h, "").mustWork(t)
		h.well()
		chunks := f.m.Towers[bundle.Text].Chunks
		eval[bool](f.page, fmt.Sprintf(`(async () => {
			const model = await (%s)(%q);
			const flipped = await model.getFileHandle(%q), cut = await model.getFileHandle(%q);
			const bytes = new Uint8Array(await (await flipped.getFile()).arrayBuffer());
			bytes[bytes.length >> 1] ^= 1;
			let writing = await flipped.createWritable();
			await writing.write(bytes);
			await writing.close();
			writing = await cut.createWritable({ keepExistingData: true });
			await writing.truncate(1000);
			await writing.close();
			await model.removeEntry(%q);
			return true;
		})()`, keptDirectory, h.url, chunks[0].File, chunks[1].File, chunks[3].File))
		l := load(t, f.page, h, "")
		l.mustWork(t)
		asked := h.well()
		if files := weights(asked); len(files) != 3 || asked[chunks[0].File] != 1 || asked[chunks[1].File] != 1 || asked[chunks[3].File] != 1 {
			t.Errorf("asked for %q, want the three that are damaged or gone", files)
		}
		if want := int64(chunks[0].Stored + chunks[1].Stored + chunks[3].Stored); l.Bytes.Fetched != want {
			t.Errorf("%d bytes fetched, want %d", l.Bytes.Fetched, want)
		}
		load(t, f.page, h, "").mustWork(t)
		if files := weights(h.well()); len(files) > 0 {
			t.Errorf("once repaired it asked for %q", files)
		}
	})

	// hold starts a load in which the chunk never comes, and returns once all before it are delivered: only then is the
	// last one asked for. The chunk comes after all once release is called.
	images := f.m.Towers[bundle.Image].Chunks
	last := images[len(images)-1].File
	hold := func(t *testing.T, h *host, start func()) (release func()) {
		reached, released := make(chan struct{}, 10), make(chan struct{})
		h.misbehave(f.chunk.File, func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-released:
				h.files.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		})
		h.misbehave(last, func(w http.ResponseWriter, r *http.Request) {
			reached <- struct{}{}
			h.files.ServeHTTP(w, r)
		})
		start()
		select {
		case <-reached:
		case <-time.After(2 * time.Minute):
			t.Fatal("the load did not come as far as the chunk")
		}
		return func() { close(released) }
	}
	begin := func(p *tab, h *host) func() {
		return func() {
			eval[bool](p, script(`
				window.stop = new AbortController();
				window.loading = createClip({ model: %q, device: 'cpu', signal: stop.signal }).then((clip) => ((window.clip = clip), 'loaded'), (error) => error.name);
				return true;
			`, h.url))
		}
	}
	goesOn := func(t *testing.T, h *host) {
		t.Helper()
		h.well()
		l := load(t, f.page, h, "")
		l.mustWork(t)
		asked := h.well()
		if files := weights(asked); len(files) > 4 || asked[f.chunk.File] != 1 {
			t.Errorf("%d files were asked for again", len(files))
		}
		if l.Bytes.Cached == 0 || l.Bytes.Cached+l.Bytes.Fetched != stored {
			t.Errorf("bytes: %+v of %d", l.Bytes, stored)
		}
	}
	t.Run("after an abort", func(t *testing.T) {
		h := f.fresh()
		hold(t, h, begin(f.page, h))
		// At once: it does not wait for the Worker, which a task of the page's cannot have heard of it from.
		if name := eval[string](f.page, "(stop.abort(), Promise.race([loading, new Promise((resolve) => setTimeout(resolve, 0, 'nothing yet'))]))"); name != "AbortError" {
			t.Errorf("aborting gave %q", name)
		}
		goesOn(t, h)
	})
	t.Run("after a closed tab", func(t *testing.T) {
		h := f.fresh()
		p := f.open(t)
		hold(t, h, begin(p, h))
		if err := chromedp.Cancel(p.ctx); err != nil {
			t.Fatal(err)
		}
		goesOn(t, h)
	})
	t.Run("after a reload", func(t *testing.T) {
		h := f.fresh()
		p := f.open(t)
		hold(t, h, begin(p, h))
		p.run(chromedp.Reload())
		goesOn(t, h)
	})

	t.Run("two tabs at once", func(t *testing.T) {
		h := f.fresh()
		h.files = (&link{bytesPerSecond: 4e6}).handler(h.files)
		p := f.open(t)
		begin(p, h)()
		load(t, f.page, h, "").mustWork(t)
		if how := eval[string](p, "loading"); how != "loaded" {
			t.Errorf("the other tab: %s", how)
		}
		for file, n := range h.well() {
			if strings.HasSuffix(file, ".zst") && n != 1 {
				t.Errorf("%s was asked for %d times", file, n)
			}
		}
	})

	t.Run("listed and deleted", func(t *testing.T) {
		h := f.fresh()
		load(t, f.page, h, "").mustWork(t)
		h.well()
		type listed struct {
			Name, URL    string
			Bytes, Total int64
		}
		find := func() (found []listed) {
			for _, m := range eval[[]listed](f.page, script("return (await listModels()).map(({ name, url, bytes, total }) => ({ Name: name, URL: url, Bytes: bytes, Total: total }));")) {
				if m.URL == h.url {
					found = append(found, m)
				}
			}
			return found
		}
		if got := find(); len(got) != 1 || got[0].Name != f.m.Name || got[0].Bytes != stored || got[0].Total != stored {
			t.Errorf("listed: %+v", got)
		}
		if !eval[bool](f.page, script("return deleteModel(%q);", h.url)) || eval[bool](f.page, script("return deleteModel(%q);", h.url)) {
			t.Error("deleting does not say whether there was one")
		}
		if got := find(); len(got) > 0 {
			t.Errorf("after deleting: %+v", got)
		}
		load(t, f.page, h, "").mustWork(t)
		if got := eval[[]bool](f.page, script("return Promise.all([1, 2, 3].map(() => deleteModel(%q)));", h.url)); !slices.Equal(got, []bool{true, false, false}) {
			t.Errorf("deleting it three times at once gave %v", got)
		}
		h.well()
		load(t, f.page, h, "").mustWork(t)
		if files := weights(h.well()); len(files) != 7 {
			t.Errorf("after deleting %d files were asked for", len(files))
		}
	})

	t.Run("not, if the page does not want it", func(t *testing.T) {
		h := f.fresh()
		l := load(t, f.page, h, "cache: false")
		l.mustWork(t)
		if l.Storage.Kept || !strings.Contains(l.Storage.Reason, "asked not to keep") {
			t.Errorf("storage: %+v", l.Storage)
		}
		h.well()
		load(t, f.page, h, "").mustWork(t)
		if files := weights(h.well()); len(files) != 7 {
			t.Errorf("%d files were asked for", len(files))
		}
	})

	t.Run("told while it goes on", func(t *testing.T) {
		h := f.fresh()
		type event struct {
			Model, Phase                string
			Loaded, Total, Cached, Rate int64
		}
		events := func() []event {
			return eval[[]event](f.page, script(`
				const events = [];
				const onProgress = ({ model, phase, loaded, total, cached, rate }) => events.push({ Model: model, Phase: phase, Loaded: loaded, Total: total, Cached: cached, Rate: rate });
				await (await createClip({ model: %q, device: 'cpu', onProgress })).dispose();
				return events;
			`, h.url))
		}
		for visit, cached := range []int64{0, stored} {
			list := events()
			order := map[string]int{"download": 1, "compile": 2, "warm-up": 3, "ready": 4}
			before := event{Phase: "download"}
			for _, e := range list {
				if e.Model != h.url || e.Total != stored || e.Loaded < before.Loaded || e.Loaded > stored || e.Cached < before.Cached || order[e.Phase] < order[before.Phase] {
					t.Errorf("visit %d: %+v after %+v", visit, e, before)
				}
				before = e
			}
			if len(list) < 4 || before.Phase != "ready" || before.Loaded != stored || before.Cached != cached {
				t.Errorf("visit %d ends with %+v after %d events", visit, before, len(list))
			}
		}
	})

	quota := func(t *testing.T, bytes float64) {
		origin, _, _ := strings.Cut(f.url, "/some/")
		params := storage.OverrideQuotaForOriginParams{Origin: origin, QuotaSize: &bytes}
		if _, err := chromedp.Call(f.page.ctx, storage.OverrideQuotaForOrigin, params); err != nil {
			t.Fatal(err)
		}
	}
	const plenty = 10e9
	t.Run("not, where there is no room", func(t *testing.T) {
		h := f.fresh()
		quota(t, 6e6)
		defer quota(t, plenty)
		l := load(t, f.page, h, "")
		l.mustWork(t)
		if l.Storage.Kept || !strings.Contains(l.Storage.Reason, "no room left") {
			t.Errorf("storage: %+v", l.Storage)
		}
	})
	t.Run("as far as there is room", func(t *testing.T) {
		h := f.fresh()
		release := hold(t, h, begin(f.page, h))
		quota(t, 1)
		release()
		if how := eval[string](f.page, "loading"); how != "loaded" {
			t.Errorf("with the disk full: %s", how)
		}
		if l := eval[loaded](f.page, "clip.info.storage.kept ? { Name: 'kept' } : { Message: clip.info.storage.reason }"); l.Name != "" || !strings.Contains(l.Message, "no room left") {
			t.Errorf("storage: %+v", l)
		}
		eval[bool](f.page, "clip.dispose().then(() => true)")
		quota(t, plenty)
		goesOn(t, h)
	})

	t.Run("for good, if the user agrees", func(t *testing.T) {
		p := f.open(t)
		granted := permission.SetPermissionParams{Permission: &permission.PermissionDescriptor{Name: "persistent-storage"}, Setting: permission.PermissionSettingGranted}
		if _, err := chromedp.CallBrowser(p.ctx, permission.SetPermission, granted); err != nil {
			t.Fatal(err)
		}
		if !eval[bool](p, "import('./clipside.js').then(async ({ persistModels, storageEstimate }) => (await persistModels()) && (await storageEstimate()).persisted)") {
			t.Error("the browser may still clear the models away")
		}
	})
}

func (f *faultSite) needsCORS(t *testing.T) {
	closed := elsewhere(t, f.dir, nil)
	load(t, f.page, closed, "").mustFail(t, "ModelError", closed.url, "CORS")
	open := elsewhere(t, f.dir, map[string]string{"Access-Control-Allow-Origin": "*"})
	load(t, f.page, open, "").mustWork(t)
	open.well()
	load(t, f.page, open, "").mustWork(t)
	if files := weights(open.well()); len(files) > 0 {
		t.Errorf("the second visit asked for %q", files)
	}
}

// fetchesByItself: a host or a bundler may have left the Worker behind that fetches for the engine.
func (f *faultSite) fetchesByItself(t *testing.T) {
	f.mu.Lock()
	f.extras["clipside/fetcher.js"] = status(http.StatusNotFound)
	f.mu.Unlock()
	p, h := f.open(t), f.fresh()
	l := load(t, p, h, "")
	l.mustWork(t)
	if stored := storedBytes(f.m); !l.Storage.Kept || l.Bytes.Fetched != stored {
		t.Errorf("%+v", l)
	}
	h.well()
	l = load(t, p, h, "")
	l.mustWork(t)
	if files := weights(h.well()); len(files) > 0 || l.Bytes.Cached != storedBytes(f.m) {
		t.Errorf("the second visit asked for %q; %+v", files, l)
	}
}

// TestThreadsThatEnd has the kernels' other threads fail: those that cannot start are not missed, and what one was at when
// it ended is an error.
func TestThreadsThatEnd(t *testing.T) {
	t.Parallel()
	const start = "const { exports } = new WebAssembly.Instance(module, { env: { memory } });"
	tabs := launch(t, nil)
	for _, c := range []struct {
		name, thread string // what a thread does instead of starting
		failures     int
	}{
		{"cannot start", "throw new RangeError('no memory'); " + start, 0},
		{"ends at a piece", `const exports = { serve() {
			const words = new BigInt64Array(memory.buffer);
			for (;;) {
				const offer = Atomics.load(words, 1), next = offer & 0xffffn;
				const command = new Uint32Array(memory.buffer, 16, 1)[0];
				const wakes = new Uint8Array(memory.buffer)[command + 78]; // unlike the self-test's, which would end it too early
				if (wakes && next < ((offer >> 16n) & 0xffffn) && Atomics.compareExchange(words, 1, offer, offer + 1n) === offer) throw new WebAssembly.RuntimeError('out of bounds');
			}
		} };`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t)
			s.headers = isolation
			s.rewrite(t, "clipside/thread.js", start, c.thread)
			// One other thread, as another would be at pieces of its own.
			s.rewrite(t, "clipside/threads.js", "thread < count", "thread < 2")
			p := tabs.open(t, s.url+"models/index.json")
			if !eval[bool](p, "navigator.hardwareConcurrency > 1") {
				t.Skip("on one processor there are no other threads")
			}
			// Threads come when they come: until then a call is the first one's alone. After a failure there is one more.
			failures := eval[[]string](p, fmt.Sprintf(`(async () => {
				const { createClip } = await import(%q);
				const clip = await createClip({ model: %q, device: 'cpu', cache: false });
				const failures = [];
				const embed = (call) => {
					const texts = Array.from({ length: 300 }, (_, i) => 'text ' + i + ' of call ' + call);
					return clip.embedTexts(texts).catch((error) => failures.push(String(error)));
				};
				for (let call = 0; call < %d && failures.length === 0; call++) await embed(call);
				await embed('the last');
				await clip.dispose();
				return failures;
			})()`, s.url+"clipside.js", s.url+"models/starter/", 1+50*c.failures))
			if len(failures) != c.failures {
				t.Errorf("%q, want %d", failures, c.failures)
			}
		})
	}
}
