package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// readmePolicy is the Content-Security-Policy that the package's README says is enough.
func readmePolicy(t testing.TB) string {
	t.Helper()
	data := read(t, filepath.Join(root, "site/npm/README.md"))
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "default-src ") {
			return strings.TrimSpace(line)
		}
	}
	t.Fatal("the README states no policy")
	return ""
}

// page serves an HTML page below the site, under the README's policy.
func (s *site) page(t testing.TB, name, body string) string {
	t.Helper()
	policy := readmePolicy(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extras[name] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		fmt.Fprintf(w, `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title><link rel="icon" href="icons/icon.svg"></head><body>%s</body></html>`, body)
	})
	return s.url + name
}

const widgetScript = `<script type="module" src="widget.js"></script>`

// inside is a JavaScript expression for what a selector finds in an element's shadow tree.
func inside(element, selector string) string {
	return fmt.Sprintf("document.querySelector(%s).shadowRoot.querySelector(%s)", js(element), js(selector))
}

// give chooses files in the element's input.
func (p *tab) give(element, input string, files ...string) {
	p.Helper()
	for i, f := range files {
		abs, err := filepath.Abs(f)
		if err != nil {
			p.Fatal(err)
		}
		files[i] = abs
	}
	p.run(chromedp.SetUploadFiles(chromedp.JSPath(inside(element, input)), files))
}

// classified waits for a number of results and returns their best labels, top to bottom.
func (p *tab) classified(element string, n int) []string {
	p.Helper()
	best := fmt.Sprintf("[...document.querySelector(%s).shadowRoot.querySelectorAll('.best .label')].map((l) => l.innerText)", js(element))
	p.until(fmt.Sprintf("%d results", n), best+".length === "+fmt.Sprint(n))
	return eval[[]string](p, best)
}

// listen keeps what events say in window.heard, as ["type", detail].
const listen = `(() => {
	window.heard = [];
	for (const type of ['clip-ready', 'clip-progress', 'clip-result', 'clip-error']) {
		document.addEventListener(type, ({ detail, target }) => heard.push({ type, detail, target: target.localName }));
	}
})()`

func TestWidgetClassifies(t *testing.T) {
	t.Parallel()
	s := serve(t)
	url := s.page(t, "one.html", widgetScript+`<clip-classifier device="webgpu" labels="cat, dog, cup of coffee, rocket, woman, motorcycle"></clip-classifier>`)
	p := launchChromium(t, nil).open(t, url)
	p.adapter()
	p.until("the element", "document.querySelector('clip-classifier').shadowRoot")
	eval[any](p, listen)
	for _, path := range s.requests() {
		if strings.Contains(path, "engine.wasm") || strings.HasPrefix(path, "models/") {
			t.Errorf("asked for %s before the visitor did anything", path)
		}
	}
	p.give("clip-classifier", ".input", photo("coffee.png"))
	if best := p.classified("clip-classifier", 1); best[0] != "cup of coffee" {
		t.Errorf("says %q", best)
	}
	g := readStarterGolden(t)
	heard := eval[[]struct {
		Type, Target string
		Detail       struct {
			Name   string
			Result []struct {
				Label string
				Score float64
			}
			Device string
		}
	}](p, "JSON.parse(JSON.stringify(heard))")
	var types []string
	for _, h := range heard {
		if !slices.Contains(types, h.Type) {
			types = append(types, h.Type)
		}
	}
	if want := []string{"clip-progress", "clip-ready", "clip-result"}; !slices.Equal(types, want) {
		t.Errorf("events %q, want %q", types, want)
	}
	last := heard[len(heard)-1]
	for _, i := range g.Images {
		if i.File != "coffee.png" {
			continue
		}
		for _, r := range last.Detail.Result {
			if want := i.Probs[slices.Index(g.Labels, r.Label)]; math.Abs(r.Score-want) > 0.005 {
				t.Errorf("%s at %.4f, want %.4f", r.Label, r.Score, want)
			}
		}
	}
	live := inside("clip-classifier", "[role=status]") + ".textContent"
	p.until("what a screen reader says", live+".includes('coffee.png: cup of coffee, ')")
	eval[any](p, "['One.', 'Two.'].forEach((text) => document.querySelector('clip-classifier').announce(text))")
	p.until("what comes together, said together", live+" === 'One. Two.'")

	// Fewer are shown on demand, by the attribute and by the property.
	bars := inside("clip-classifier", ".base") + ".querySelectorAll('.bar').length"
	eval[any](p, "document.querySelector('clip-classifier').setAttribute('top-k', '2')")
	p.until("the best two", bars+" === 2")
	eval[any](p, "document.querySelector('clip-classifier').topK = 0")
	p.until("all six", bars+" === 6")

	// A change of labels ranks anew; a second picture takes the first one's place.
	eval[any](p, `document.querySelector('clip-classifier').labels = ['tea, green', 'cup, of coffee']`)
	p.until("the new ranking", inside("clip-classifier", ".best .label")+".innerText === 'cup, of coffee'")
	if got := eval[string](p, "document.querySelector('clip-classifier').getAttribute('labels')"); got != `["tea, green","cup, of coffee"]` {
		t.Errorf("labels with commas became %s", got)
	}
	eval[any](p, `document.querySelector('clip-classifier').setAttribute('labels', 'rocket, cat')`)
	p.give("clip-classifier", ".input", photo("rocket.jpg"))
	p.until("the second picture", inside("clip-classifier", ".name")+"?.innerText === 'rocket.jpg' && "+inside("clip-classifier", ".best .label"))
	if best := p.classified("clip-classifier", 1); best[0] != "rocket" {
		t.Errorf("the second picture is %q", best)
	}
	eval[any](p, "document.querySelector('clip-classifier').reset()")
	if n := eval[int](p, "document.querySelector('clip-classifier').results.length"); n != 0 {
		t.Errorf("%d results after reset", n)
	}

	// Pasted and dropped as well.
	for event, transfer := range map[string]string{"paste": "ClipboardEvent('paste', { clipboardData", "drop": "DragEvent('drop', { dataTransfer"} {
		name := eval[string](p, fmt.Sprintf(`(async () => {
			const files = new DataTransfer();
			files.items.add(new File([await (await fetch('photos/rocket.jpg')).blob()], 'Rakete.jpg', { type: 'image/jpeg' }));
			const done = new Promise((resolve) => document.addEventListener('clip-result', ({ detail }) => resolve(detail), { once: true }));
			%s.dispatchEvent(new %s: files, bubbles: true, composed: true, cancelable: true }));
			const { name, result } = await done;
			return name + ': ' + result[0].label;
		})()`, inside("clip-classifier", ".drop"), transfer))
		if want := map[string]string{"paste": "Pasted picture: rocket", "drop": "Rakete.jpg: rocket"}[event]; name != want {
			t.Errorf("after a %s it says %q, want %q", event, name, want)
		}
	}
	p.noComplaints()
}

func TestWidgetShowsItsErrors(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := launch(t, nil)
	for _, test := range []struct{ name, attributes, file, says, event string }{
		{"no model there", `labels="cat, dog" model="models/absent/"`, "coffee.png", "The model could not be loaded.", "ModelError"},
		{"no labels", ``, "coffee.png", "There are no labels to choose from.", "TypeError"},
		{"a template without a place", `labels="cat" template="a photo"`, "coffee.png", "has no {}", "TypeError"},
		{"a model that is no address", `labels="cat" model="http://["`, "coffee.png", "which is not a URL", "TypeError"},
		{"a broken picture", `labels="cat, dog"`, "truncated.jpg", "This picture could not be read.", "ImageDecodeError"},
		{"not a picture", `labels="cat, dog"`, "LICENSES.md", "“LICENSES.md” is not a picture.", "TypeError"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := b.open(t, s.page(t, "error.html", widgetScript+`<clip-classifier device="cpu" `+test.attributes+`></clip-classifier>`))
			p.until("the element", "document.querySelector('clip-classifier').shadowRoot")
			eval[any](p, listen)
			p.give("clip-classifier", ".input", photo(test.file))
			p.until("the message "+test.says, inside("clip-classifier", ".base")+fmt.Sprintf(".innerText.includes(%s)", js(test.says)))
			if got := eval[string](p, "heard.find(({ type }) => type === 'clip-error')?.detail.error.name ?? ''"); got != test.event {
				t.Errorf("clip-error carries %q, want %q", got, test.event)
			}
			p.noComplaints("404")
		})
	}
	t.Run("and goes on when the cause is gone", func(t *testing.T) {
		p := b.open(t, s.page(t, "error.html", widgetScript+`<clip-classifier device="cpu" labels="cat, cup of coffee" model="models/absent/"></clip-classifier>`))
		p.until("the element", "document.querySelector('clip-classifier').shadowRoot")
		p.give("clip-classifier", ".input", photo("coffee.png"))
		p.until("the button", inside("clip-classifier", ".retry")+".offsetParent")
		s.add("models/absent/", filepath.Join(dist(t), "models/starter"))
		eval[any](p, inside("clip-classifier", ".retry")+".focus()")
		p.run(chromedp.KeyEvent(kb.Enter))
		if best := p.classified("clip-classifier", 1); best[0] != "cup of coffee" {
			t.Errorf("after trying again: %q", best)
		}
		if at := eval[string](p, "document.activeElement.shadowRoot?.activeElement?.className ?? ''"); at != "input" {
			t.Errorf("after the button was used up the focus is on %q", at)
		}
	})
	t.Run("methods reject", func(t *testing.T) {
		p := b.open(t, s.page(t, "error.html", widgetScript+`<clip-classifier device="cpu" labels="cat" model="models/absent2/"></clip-classifier>`))
		p.until("the element", "document.querySelector('clip-classifier').shadowRoot")
		names := eval[[]string](p, `(async () => {
			const nameOf = (promise) => promise.then(() => 'nothing', (error) => error.name);
			const one = document.querySelector('clip-classifier');
			const names = [await nameOf(one.load()), await nameOf(one.classify(new Blob(['x'])))];
			names.push(await nameOf(document.createElement('clip-classifier').load()));
			const search = document.createElement('clip-search');
			search.images = ['photos/coffee.png'];
			document.body.append(search);
			names.push(await nameOf(one.classify(['photos/coffee.png'])), await nameOf(search.search(['photos/coffee.png'])));
			return names;
		})()`)
		if want := []string{"ModelError", "ModelError", "InvalidStateError", "TypeError", "TypeError"}; !slices.Equal(names, want) {
			t.Errorf("rejected with %q, want %q", names, want)
		}
	})
}

// TestWidgetSurvivesALostDevice takes the GPU away between two pictures.
func TestWidgetSurvivesALostDevice(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.script("losing.js", `import './clipside/worker.js';
const devices = [];
const { requestDevice } = GPUAdapter.prototype;
GPUAdapter.prototype.requestDevice = async function (...args) {
	const device = await requestDevice.apply(this, args);
	devices.push(device);
	return device;
};
new BroadcastChannel('lose').onmessage = () => devices.forEach((device) => device.destroy());
`)
	p := launch(t, nil).open(t, s.page(t, "lost.html", widgetScript+`<clip-classifier device="webgpu" worker="losing.js" labels="cat, cup of coffee, rocket"></clip-classifier>`))
	p.adapter()
	p.until("the element", "document.querySelector('clip-classifier').shadowRoot")
	eval[any](p, listen)
	p.give("clip-classifier", ".input", photo("coffee.png"))
	p.classified("clip-classifier", 1)
	eval[any](p, "new BroadcastChannel('lose').postMessage('now')")
	p.give("clip-classifier", ".input", photo("rocket.jpg"))
	p.until("the error", "heard.some(({ type, detail }) => type === 'clip-error' && detail.error.name === 'DeviceLostError')")
	p.until("the button", inside("clip-classifier", ".retry")+".offsetParent")
	eval[any](p, inside("clip-classifier", ".retry")+".click()")
	if best := p.classified("clip-classifier", 1); best[0] != "rocket" {
		t.Errorf("after trying again: %q", best)
	}
}

func TestWidgetLanguages(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launch(t, nil).open(t, s.page(t, "languages.html", widgetScript+`
		<clip-classifier id="en" labels="a"></clip-classifier>
		<div lang="de-AT"><clip-classifier id="around" labels="a"></clip-classifier><clip-classifier id="own" lang="en" labels="a"></clip-classifier></div>
		<clip-classifier id="odd" lang="not a language!" labels="a"></clip-classifier>
		<clip-search id="search" lang="de"></clip-search>`))
	p.until("the elements", "document.querySelector('clip-search').shadowRoot")
	title := func(id string) string { return eval[string](p, inside(id, ".title")+".innerText") }
	for id, want := range map[string]string{"#en": "Drop a picture here", "#around": "Bild hier ablegen", "#own": "Drop a picture here", "#odd": "Drop a picture here"} {
		if got := title(id); got != want {
			t.Errorf("%s says %q, want %q", id, got, want)
		}
	}
	if got := eval[string](p, inside("#search", ".caption")+".innerText"); got != "Ein Bild beschreiben" {
		t.Errorf("the search says %q", got)
	}
	eval[any](p, `import('./widget.js').then(({ registerStrings }) => {
		registerStrings('fr', { drop: 'Déposez une image ici' });
		document.querySelector('#en').lang = 'fr';
		document.querySelector('#own').strings = { drop: 'Put it here' };
	})`)
	if got := title("#en"); got != "Déposez une image ici" {
		t.Errorf("in French it says %q", got)
	}
	if got := title("#own"); got != "Put it here" {
		t.Errorf("with strings of its own it says %q", got)
	}

	// An error's own message, which is for whoever built the page, is English and marked as such.
	said := eval[[]string](p, `(async () => {
		const element = document.querySelector('#around');
		element.model = 'models/absent/';
		await element.load().catch(() => {});
		const message = element.shadowRoot.querySelector('.message'), detail = message.querySelector('.detail');
		while (!element.shadowRoot.querySelector('.live').textContent) await new Promise((resolve) => setTimeout(resolve, 20));
		return [message.firstChild.textContent, detail.lang, detail.textContent, element.shadowRoot.querySelector('.live').textContent];
	})()`)
	if want := "Das Modell konnte nicht geladen werden."; said[0] != want || said[1] != "en" || !strings.Contains(said[2], "HTTP 404") || said[3] != want {
		t.Errorf("of a model that is not there it says %q", said)
	}
	p.noComplaints("404")
}

// TestWidgetsShareOneModel puts several elements on a page, one in a shadow root, and counts Workers and downloads.
func TestWidgetsShareOneModel(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launch(t, nil).open(t, s.page(t, "many.html", widgetScript+`
		<clip-classifier id="one" auto-load labels="cat, rocket"></clip-classifier>
		<clip-classifier id="two" auto-load labels="rocket, woman"></clip-classifier>
		<clip-search id="three" auto-load images="photos/rocket.jpg, photos/chelsea.png"></clip-search>
		<div id="host"></div>`))
	p.until("the elements", "document.querySelector('clip-search').shadowRoot")
	eval[any](p, `(() => {
		const root = document.querySelector('#host').attachShadow({ mode: 'open' });
		const four = document.createElement('clip-classifier');
		four.labels = ['rocket', 'cat'];
		four.autoLoad = true;
		root.append(four);
		window.inner = four;
		window.outside = 0;
		document.addEventListener('clip-result', () => outside++);
	})()`)
	p.until("all of them", "[one, two, three, inner].every((e) => e.state === 'ready')")
	if got := eval[string](p, "fetch('photos/rocket.jpg').then((r) => r.blob()).then((b) => inner.classify(b)).then(([{ label }]) => label)"); got != "rocket" {
		t.Errorf("in a shadow root it says %q", got)
	}
	if n := eval[int](p, "outside"); n != 1 {
		t.Errorf("%d events came out of the shadow root", n)
	}
	engines, manifests, chunks := 0, 0, map[string]int{}
	for _, path := range s.requests() {
		switch {
		case strings.HasSuffix(path, "engine.wasm"):
			engines++
		case strings.HasSuffix(path, "manifest.json"):
			manifests++
		case strings.HasSuffix(path, ".zst"):
			chunks[path]++
		}
	}
	if engines != 1 || manifests != 1 || len(chunks) == 0 {
		t.Errorf("%d engines, %d manifests, %d chunks were fetched", engines, manifests, len(chunks))
	}
	for path, n := range chunks {
		if n != 1 {
			t.Errorf("%s was fetched %d times", path, n)
		}
	}
	if n := p.workers(); n != 1 {
		t.Errorf("%d Workers run", n)
	}
	p.noComplaints()
}

// workers counts the dedicated Workers that the page runs.
func (p *tab) workers() int {
	p.Helper()
	return int(p.metrics()["WorkerGlobalScopes"])
}

// metrics are the renderer's counts after a garbage collection.
func (p *tab) metrics() map[string]float64 {
	p.Helper()
	counts := map[string]float64{}
	p.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, performance.Enable, performance.EnableParams{}); err != nil {
			return err
		}
		for range 3 { // what one collection finalises, the next one frees
			if _, err := cdp.Call(ctx, target, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
				return err
			}
		}
		result, err := cdp.Call(ctx, target, performance.GetMetrics, cdp.Empty{})
		for _, m := range result.Metrics {
			counts[m.Name] = m.Value
		}
		return err
	}))
	return counts
}

// TestWidgetLeavesNothingBehind adds and removes both elements. First each round starts a Worker and loads a model, which
// must all go again; then the page itself holds the model, and 50 rounds may add nothing to what it holds.
func TestWidgetLeavesNothingBehind(t *testing.T) {
	s := serve(t)
	s.script("counting.js", countingWorker)
	p := launch(t, nil).open(t, s.page(t, "leak.html", widgetScript+`<div id="place"></div>`))
	p.adapter()
	p.until("the element", "customElements.get('clip-classifier')")
	eval[any](p, helpers)
	round := func(n int) {
		t.Helper()
		eval[bool](p, fmt.Sprintf(`(async () => {
			const picture = await (await fetch('photos/coffee.png')).blob();
			for (let i = 0; i < %d; i++) {
				const one = document.createElement('clip-classifier');
				const search = document.createElement('clip-search');
				one.labels = ['cat', 'cup of coffee'];
				one.device = search.device = 'webgpu';
				one.worker = search.worker = 'counting.js';
				search.images = ['photos/coffee.png'];
				place.append(one, search);
				const [{ label }] = await one.classify(picture);
				same(label, 'cup of coffee', 'the answer');
				if (i %% 10 === 0) await search.search('cat');
				place.append(one); // moved, which must not cost the model
				await Promise.resolve();
				same(one.state, 'ready', 'after moving it');
				place.replaceChildren();
				await new Promise((resolve) => setTimeout(resolve));
				same(one.state, 'idle', 'after removing it');
			}
			return true;
		})()`, n))
	}
	round(2)
	if n := eval[[]int](p, "[started, ended]"); n[0] != 2 || n[1] != 2 {
		t.Errorf("of %d Workers %d were ended, want 2 of 2", n[0], n[1])
	}

	eval[bool](p, `import('./clipside.js').then(async ({ createClip }) => {
		window.clip = await createClip({ device: 'webgpu', worker: 'counting.js' });
		return true;
	})`)
	round(2) // what is made once is made now
	type holdings struct{ Things, Bytes float64 }
	memory := func() holdings {
		return eval[holdings](p, "memory().then(({ things, bytes }) => ({ Things: things, Bytes: bytes }))")
	}
	before, held := p.metrics(), memory()
	round(50)
	after, holds := p.metrics(), memory()
	for _, name := range []string{"Nodes", "JSEventListeners", "Documents", "DetachedScriptStates", "WorkerGlobalScopes", "Resources"} {
		if after[name] > before[name]+5 {
			t.Errorf("%s grew from %v to %v in 50 rounds", name, before[name], after[name])
		}
	}
	t.Logf("heap: %.2f MB before, %.2f MB after; GPU: %.2f MB before, %.2f MB after", before["JSHeapUsedSize"]/1e6, after["JSHeapUsedSize"]/1e6, held.Bytes/1e6, holds.Bytes/1e6)
	if after["JSHeapUsedSize"] > before["JSHeapUsedSize"]+5e5 {
		t.Errorf("the heap grew from %.0f to %.0f bytes", before["JSHeapUsedSize"], after["JSHeapUsedSize"])
	}
	if held.Bytes < 1e6 || holds.Bytes > held.Bytes || holds.Things > held.Things {
		t.Errorf("on the GPU there were %+v, and now there are %+v", held, holds)
	}
	if n := eval[[]int](p, "[started, ended]"); n[0] != 3 || n[1] != 2 {
		t.Errorf("of %d Workers %d were ended, want 2 of 3", n[0], n[1])
	}
	p.noComplaints()
}

func TestWidgetInAForm(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launch(t, nil).open(t, s.page(t, "form.html", widgetScript+`
		<form id="form"><input name="who" value="me"><clip-classifier name="kind" labels="cat, rocket" device="cpu"></clip-classifier><button>Send</button></form>`))
	p.until("the element", "document.querySelector('clip-classifier').shadowRoot")
	eval[any](p, `(() => {
		window.submits = 0;
		form.addEventListener('submit', (event) => { event.preventDefault(); submits++; });
		window.data = () => new URLSearchParams(new FormData(form)).toString();
	})()`)
	if got := eval[string](p, "data()"); got != "who=me&kind=" {
		t.Errorf("empty it gives %q", got)
	}
	p.give("clip-classifier", ".input", photo("rocket.jpg"))
	p.classified("clip-classifier", 1)
	if got := eval[string](p, "data()"); got != "who=me&kind=rocket" {
		t.Errorf("the form would send %q", got)
	}
	for _, wrong := range []string{"labels = []", "template = 'a photo'"} {
		eval[any](p, "document.querySelector('clip-classifier')."+wrong)
		p.until("the error", inside("clip-classifier", ".status")+".dataset.kind === 'error'")
		if got := eval[string](p, "data()"); got != "who=me&kind=" {
			t.Errorf("after %s the form would send %q", wrong, got)
		}
		eval[any](p, "Object.assign(document.querySelector('clip-classifier'), { labels: ['cat', 'rocket'], template: '' })")
		p.classified("clip-classifier", 1)
	}
	if got := eval[string](p, "data()"); got != "who=me&kind=rocket" {
		t.Errorf("with labels and template put right it gives %q", got)
	}
	for _, selector := range []string{".clear", ".input"} {
		eval[any](p, inside("clip-classifier", selector)+".focus()")
		p.run(chromedp.KeyEvent(kb.Enter))
	}
	eval[any](p, inside("clip-classifier", ".retry")+".click()")
	if n := eval[int](p, "submits"); n != 0 {
		t.Errorf("using the element submitted the form %d times", n)
	}
	p.give("clip-classifier", ".input", photo("rocket.jpg"))
	p.classified("clip-classifier", 1)
	eval[any](p, "form.reset()")
	if got := eval[string](p, "data()"); got != "who=me&kind=" {
		t.Errorf("after a reset it gives %q", got)
	}
	eval[any](p, "document.querySelector('clip-classifier').disabled = true")
	if !eval[bool](p, inside("clip-classifier", ".input")+".disabled") {
		t.Error("disabled, it still takes pictures")
	}
	if eval[float64](p, "Number(getComputedStyle("+inside("clip-classifier", ".drop")+").opacity)") == 1 {
		t.Error("disabled, it looks as if it took pictures")
	}
	p.noComplaints()
}

// TestWidgetComesBack takes elements out of the page and puts them back, with something changed meanwhile or at work.
func TestWidgetComesBack(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.add("models/other/", filepath.Join(dist(t), "models/starter"))
	b := launch(t, nil)
	for _, test := range []struct{ name, element, script string }{
		{"moved, with another model", "clip-classifier", `
			await element.classify(picture);
			const again = next('clip-result');
			element.remove();
			element.model = 'models/other/';
			place.append(element);
			same((await again).result[0].label, 'cup of coffee', 'the answer');
			same(element.info.url, new URL('models/other/', location).href, 'the model');`},
		{"while it is at work", "clip-classifier", `
			const call = element.classify(picture).then(() => 'nothing', ({ name }) => name);
			await pause(1);
			element.remove();
			same(await call, 'AbortError', 'the call rejects with');
			await pause(50);
			const again = next('clip-result');
			place.append(element);
			same((await again).result[0].label, 'cup of coffee', 'the answer');`},
		{"with other labels", "clip-classifier", `
			await element.classify(picture);
			element.remove();
			await pause(1);
			element.labels = ['mug', 'tiger'];
			await pause(1);
			const again = next('clip-result');
			place.append(element);
			await again;
			same(inside('.bars').innerText.includes('mug'), true, 'shows the new labels');`},
		{"with nothing changed", "clip-classifier", `
			await element.classify(picture);
			element.remove();
			await pause(1);
			element.addEventListener('clip-progress', () => { throw new Error('It fetches the model, which nobody needs.') });
			place.append(element);
			await pause(200);
			same(element.state, 'idle', 'the model');
			same(element.value, 'cup of coffee', 'the answer');`},
		{"given a picture before", "clip-classifier", `
			element.remove();
			await pause(1);
			same(await element.classify(picture).catch(({ name }) => name), 'InvalidStateError', 'the call rejects with');
			const again = next('clip-result');
			place.append(element);
			same((await again).result[0].label, 'cup of coffee', 'the answer');`},
		{"with a picture at once", "clip-classifier", `
			await element.classify(picture);
			element.remove();
			element.labels = ['rocket', 'cup of coffee', 'cat'];
			place.append(element);
			same((await element.classify(picture)).length, 3, 'labels of the answer');`},
		{"moved", "clip-search", `
			const call = element.search('cup of coffee');
			await pause(1);
			place.append(element);
			same((await call)[0].name, 'coffee.png', 'the answer');
			same(inside('.input').value, 'cup of coffee', 'the query');`},
		{"moved, with another model", "clip-search", `
			await element.search('cup of coffee');
			const again = next('clip-result');
			element.remove();
			element.model = 'models/other/';
			place.append(element);
			same((await again).matches[0].name, 'coffee.png', 'the answer');
			same(element.info.url, new URL('models/other/', location).href, 'the model');`},
		{"while it is at work", "clip-search", `
			const call = element.search('cup of coffee').then(() => 'nothing', ({ name }) => name);
			await pause(1);
			element.remove();
			same(await call, 'AbortError', 'the call rejects with');
			await pause(50);
			const again = next('clip-result');
			place.append(element);
			same((await again).matches[0].name, 'coffee.png', 'the answer');`},
		{"after its search", "clip-search", `
			await element.search('cup of coffee');
			element.remove();
			await pause(50);
			place.append(element);
			same(inside('.heading').hidden, false, 'still shows the answer');
			same(inside('.tiles .name').innerText, 'coffee.png', 'the first');
			same(element.state, 'idle', 'the model');`},
	} {
		t.Run(test.element+" "+test.name, func(t *testing.T) {
			p := b.open(t, s.page(t, "back.html", widgetScript+`<div id="place"></div>`))
			p.until("the elements", "customElements.get('clip-search')")
			eval[bool](p, fmt.Sprintf(`(async () => {
				const element = document.createElement(%s);
				const inside = (selector) => element.shadowRoot.querySelector(selector);
				const next = (type) => Promise.race([
					new Promise((resolve) => element.addEventListener(type, ({ detail }) => resolve(detail), { once: true })),
					pause(240_000).then(() => { throw new Error('no ' + type + '; it shows ' + inside('.base').innerText) }),
				]);
				const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
				const same = (got, want, what) => { if (got !== want) throw new Error(what + ': ' + got + ', want ' + want) };
				const picture = await (await fetch('photos/coffee.png')).blob();
				element.device = 'cpu';
				element.labels = ['cat', 'cup of coffee'];
				element.images = ['photos/chelsea.png', 'photos/coffee.png'];
				place.append(element);
				%s
				return true;
			})()`, js(test.element), test.script))
			p.noComplaints()
		})
	}
}

// TestSearchAgainAfterAFailure retries searches by a picture, whose address must not become words.
func TestSearchAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := launch(t, nil)
	for i, test := range []struct{ search, heading string }{
		{"inside('.tile[title=\"chelsea.png\"]').click()", "Most like chelsea.png"},
		{"element.search(file)", "Most like Tea.png"},
		{"element.search('cat')", "Best matches for “cat”"},
		{"element.search('photos/coffee.png')", "Best matches for “photos/coffee.png”"},
	} {
		t.Run(test.search, func(t *testing.T) {
			model := fmt.Sprintf("models/late%d/", i)
			p := b.open(t, s.page(t, "again.html", widgetScript+`<clip-search device="cpu" model="`+model+`" images="photos/coffee.png, photos/chelsea.png"></clip-search>`))
			p.until("the element", "document.querySelector('clip-search').shadowRoot")
			eval[any](p, `(async () => {
				window.element = document.querySelector('clip-search');
				window.inside = (selector) => element.shadowRoot.querySelector(selector);
				window.file = new File([await (await fetch('photos/coffee.png')).blob()], 'Tea.png', { type: 'image/png' });
			})()`)
			eval[any](p, fmt.Sprintf("Promise.resolve(%s).catch(() => {})", test.search))
			p.until("the button", "inside('.retry').offsetParent")
			s.add(model, filepath.Join(dist(t), "models/starter"))
			eval[any](p, "inside('.retry').click()")
			p.until("the answer", "inside('.heading').offsetParent")
			if got := eval[string](p, "inside('.heading span').innerText"); got != test.heading {
				t.Errorf("it says %q, want %q", got, test.heading)
			}
			eval[any](p, fmt.Sprintf("Promise.all([new Promise((resolve) => element.addEventListener('clip-result', resolve, { once: true })), %s])", test.search))
			if got := eval[string](p, "inside('.heading span').innerText"); got != test.heading {
				t.Errorf("once more it says %q, want %q", got, test.heading)
			}
			p.noComplaints("404")
		})
	}
}

// TestSearchSurvivesChanges changes what is inside the element while the visitor searches.
func TestSearchSurvivesChanges(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launch(t, nil).open(t, s.page(t, "changes.html", widgetScript+`
		<clip-search id="inner" device="cpu"><img src="photos/chelsea.png" alt="Cat"><img src="photos/coffee.png" alt="Coffee"></clip-search>
		<clip-search id="given" device="cpu"></clip-search>`))
	p.until("the elements", "document.querySelector('clip-search').shadowRoot")
	eval[bool](p, `(async () => {
		const same = (got, want, what) => { if (String(got) !== String(want)) throw new Error(what + ': ' + got + ', want ' + want) };
		const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
		const query = (element) => element.shadowRoot.querySelector('.input');
		const tiles = (element) => [...element.shadowRoot.querySelectorAll('.tiles .name')].map((name) => name.innerText);
		const next = (element) => Promise.race([
			new Promise((resolve) => element.addEventListener('clip-result', ({ detail }) => resolve(detail.matches), { once: true })),
			pause(240_000).then(() => { throw new Error('no clip-result') }),
		]);
		const picture = (src, alt) => Object.assign(document.createElement('img'), { src, alt });

		// A change that is none, of the list of pictures.
		given.images = ['photos/chelsea.png', { image: 'photos/coffee.png', name: 'Coffee' }];
		for (const [element, change] of [
			[inner, () => inner.append(' ')],
			[inner, () => { inner.querySelector('img').alt = 'Cat' }],
			[given, () => given.append(picture('photos/rocket.jpg', 'Rocket'))],
			[given, () => { given.images = ['photos/chelsea.png', { image: 'photos/coffee.png', name: 'Coffee' }] }],
		]) {
			query(element).value = 'half a wo';
			change();
			await pause(1);
			same(query(element).value, 'half a wo', change + ', what is typed');
			const call = element.search('cup of coffee');
			change();
			same((await call)[0].name, 'Coffee', change + ', the answer');
			change();
			await pause(1);
			same(tiles(element)[0], 'Coffee', change + ', the first');
			element.reset();
		}

		// More pictures.
		query(inner).value = 'half a wo';
		inner.prepend(picture('photos/astronaut.png', 'Woman'));
		await pause(1);
		same(query(inner).value, 'half a wo', 'what is typed');
		same(tiles(inner), ['Woman', 'Cat', 'Coffee'], 'the pictures');
		const call = inner.search('rocket');
		inner.append(picture('photos/rocket.jpg', 'Rocket'));
		same((await call).map(({ name }) => name)[0], 'Rocket', 'the answer with the picture that came meanwhile');
		const again = next(inner);
		inner.append(picture('photos/chelsea.png', 'Kitten'));
		same((await again).length, 5, 'matches with one more picture');
		same(query(inner).value, 'rocket', 'the query');
		same(tiles(inner)[0], 'Rocket', 'the first');

		// Fewer pictures: those that the search has found are not there any more.
		inner.querySelector('[alt=Rocket]').remove();
		await pause(1);
		same(query(inner).value, '', 'the query');
		same(tiles(inner), ['Woman', 'Cat', 'Coffee', 'Kitten'], 'the pictures');
		return true;
	})()`)
	p.noComplaints()
}

// TestSearchTriesPicturesAgain has a server fail for a while.
func TestSearchTriesPicturesAgain(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var well atomic.Bool
	s.mu.Lock()
	s.extras["passing.png"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !well.Load() {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		http.ServeFile(w, r, photo("coffee.png"))
	})
	s.mu.Unlock()
	p := launch(t, nil).open(t, s.page(t, "passing.html", widgetScript+`<clip-search device="cpu" images="photos/chelsea.png, passing.png"></clip-search>`))
	p.until("the element", "document.querySelector('clip-search').shadowRoot")
	search := "document.querySelector('clip-search').search('cup of coffee').then((matches) => matches.map(({ name }) => name))"
	if got := eval[[]string](p, search); !slices.Equal(got, []string{"chelsea.png"}) {
		t.Errorf("while the server fails it finds %q", got)
	}
	well.Store(true)
	if got := eval[[]string](p, search); !slices.Equal(got, []string{"passing.png", "chelsea.png"}) {
		t.Errorf("when the server answers again it finds %q", got)
	}
	if got := eval[string](p, inside("clip-search", ".message")+".innerText"); got != "" {
		t.Errorf("it still says %q", got)
	}
	p.until("its thumbnail", inside("clip-search", ".thumbnail[src='passing.png']")+".naturalWidth > 0")

	well.Store(false)
	eval[any](p, `(async () => {
		const element = document.createElement('clip-classifier');
		Object.assign(element, { device: 'cpu', labels: ['cat', 'cup of coffee'] });
		document.body.append(element);
		await element.classify('passing.png?again').catch(() => {});
	})()`)
	well.Store(true)
	eval[any](p, "document.querySelector('clip-classifier').labels = ['cat', 'cup of tea']")
	p.until("the thumbnail of what is classified", inside("clip-classifier", "canvas")+".checkVisibility()")
	p.noComplaints("503")
}

// TestWidgetPropertiesAreTakenBack sets what frameworks set for a property that is not there.
func TestWidgetPropertiesAreTakenBack(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launch(t, nil).open(t, s.page(t, "nothing.html", widgetScript+`<clip-classifier></clip-classifier><clip-search><img src="photos/coffee.png" alt="Coffee"></clip-search>`))
	p.until("the elements", "document.querySelector('clip-search').shadowRoot")
	for _, test := range []struct{ tag, property, value string }{
		{"clip-classifier", "labels", "['a', 'b']"},
		{"clip-classifier", "template", "['a {}', 'b {}']"},
		{"clip-classifier", "template", "'a {}'"},
		{"clip-classifier", "name", "'kind'"},
		{"clip-classifier", "topK", "2"},
		{"clip-classifier", "model", "'m/'"},
		{"clip-classifier", "strings", "{ drop: 'here' }"},
		{"clip-search", "images", "['photos/rocket.jpg']"},
		{"clip-search", "images", "'photos/rocket.jpg, photos/chelsea.png'"},
		{"clip-search", "template", "'a {}'"},
		{"clip-search", "topK", "2"},
	} {
		for _, nothing := range []string{"undefined", "null"} {
			got, err := try[[]string](p, fmt.Sprintf(`(() => {
				const element = document.querySelector(%s), states = [];
				const keep = () => states.push(JSON.stringify(element.%[2]s) + ' ' + [...element.attributes].map(({ name, value }) => name + '=' + value));
				keep();
				element.%[2]s = %[3]s;
				keep();
				element.%[2]s = %[4]s;
				keep();
				return states;
			})()`, js(test.tag), test.property, test.value, nothing))
			if err != nil {
				t.Errorf("%s.%s = %s: %v", test.tag, test.property, nothing, err)
			} else if got[1] == got[0] || got[2] != got[0] {
				t.Errorf("%s.%s is %s, then %s, and with %s %s", test.tag, test.property, got[0], got[1], nothing, got[2])
			}
		}
	}
	p.noComplaints()
}

// TestWidgetIsRenderedAgain sets what is set already, as React does with a list that a component writes out.
func TestWidgetIsRenderedAgain(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launch(t, nil).open(t, s.page(t, "rendered.html", widgetScript+`<clip-classifier device="cpu"></clip-classifier>`))
	p.until("the element", "document.querySelector('clip-classifier').shadowRoot")
	eval[any](p, `(async () => {
		window.element = document.querySelector('clip-classifier');
		window.told = 0;
		element.addEventListener('clip-result', () => { told++; });
		window.render = (word) => Object.assign(element, { labels: ['cat', 'cup of coffee'], topK: 1, template: ['a ' + word + ' of a {}', 'the {}'] });
		render('photo');
		await element.classify('photos/coffee.png');
		render('photo');
		// What that asked for, if anything, was asked of the same Worker before this.
		const { createClip } = await import('./clipside.js');
		const clip = await createClip({ device: 'cpu' });
		await clip.embedTexts('a later text');
		await clip.dispose();
	})()`)
	if n := eval[int](p, "told"); n != 1 {
		t.Errorf("%d results are told of one picture and one question", n)
	}
	eval[any](p, "render('drawing')")
	p.until("the answer to another question", "told === 2")

	// What is equal and another object.
	if !eval[bool](p, `(async () => {
		const search = document.createElement('clip-search');
		const renderBoth = (word) => {
			search.images = [new URL('photos/chelsea.png', location), { image: new URL('photos/coffee.png', location), name: 'Coffee' }];
			element.strings = search.strings = { clear: word, drop: undefined };
		};
		search.device = 'cpu';
		document.body.append(search);
		renderBoth('Away');
		await search.search('cup of coffee');
		const shown = () => [element, search].flatMap(({ shadowRoot }) => [...shadowRoot.querySelectorAll('.bar, .tile')]);
		const before = shown();
		renderBoth('Away');
		const same = before.length === 3 && shown().every((part, i) => part === before[i]) && search.query === 'cup of coffee';
		renderBoth('Begone');
		return same && element.shadowRoot.querySelector('.clear').innerText === 'Begone';
	})()`) {
		t.Error("with equal pictures and strings it is drawn anew, or with others it is not")
	}
	p.noComplaints()
}

// TestSearchTakesWhatIsWritten sets as properties what is written as attributes, as React and Vue do.
func TestSearchTakesWhatIsWritten(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launch(t, nil).open(t, s.page(t, "written.html", widgetScript+`<clip-search device="cpu"></clip-search>`))
	p.until("the element", "document.querySelector('clip-search').shadowRoot")
	first := func(template string) string {
		return eval[string](p, fmt.Sprintf(`(() => {
			const element = document.querySelector('clip-search');
			element.images = 'photos/coffee.png, photos/rocket.jpg';
			element.setAttribute('template', %s);
			return element.search('rocket').then(([{ name }]) => name, ({ name, message }) => name + ': ' + message);
		})()`, js(template)))
	}
	for _, template := range []string{"{}", "a photo of a {}.", ""} {
		if got := first(template); got != "rocket.jpg" {
			t.Errorf("with the template %q it finds %q", template, got)
		}
	}
	// A search that is shown follows what it is asked to show.
	shown := inside("clip-search", ".base") + ".querySelectorAll('.name').length"
	eval[any](p, "document.querySelector('clip-search').topK = 1")
	p.until("the best one", shown+" === 1")
	eval[any](p, "document.querySelector('clip-search').addEventListener('clip-result', () => { window.again = true; })")
	eval[any](p, "document.querySelector('clip-search').template = 'a drawing of a {}.'")
	p.until("the search with another template", "window.again")

	// So does one that is under way.
	if got := eval[string](p, `(async () => {
		const element = document.createElement('clip-search');
		Object.assign(element, { device: 'cpu', images: 'photos/coffee.png, photos/rocket.jpg', template: 'a photo of a {}.' });
		document.body.append(element);
		await element.load();
		// Says how many pictures it has looked at: the query has been embedded by then.
		new MutationObserver(() => { element.template = 'a drawing of a {}.'; })
			.observe(element.shadowRoot.querySelector('.message'), { childList: true });
		const scores = (matches) => matches.map(({ name, score }) => name + score).join();
		const meanwhile = scores(await element.search('rocket'));
		return meanwhile === scores(await element.search('rocket')) ? 'the same' : meanwhile;
	})()`); got != "the same" {
		t.Errorf("with a template that changes meanwhile it finds %s", got)
	}

	if got := first("a photo"); !strings.HasPrefix(got, "TypeError: The template 'a photo' has no {}") {
		t.Errorf("with a template without a place for the words it finds %q", got)
	}
	p.noComplaints()
}

// TestWidgetThumbnails shows pictures that are not there yet, or in their address, under the README's policy.
func TestWidgetThumbnails(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.mu.Lock()
	s.extras["slow.png"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(300 * time.Millisecond)
		http.ServeFile(w, r, photo("coffee.png"))
	})
	s.mu.Unlock()
	p := launch(t, nil).open(t, s.page(t, "thumbnails.html", widgetScript+`<clip-classifier device="cpu" labels="cat, cup of coffee" multiple></clip-classifier><clip-search device="cpu"></clip-search>`))
	p.until("the elements", "document.querySelector('clip-search').shadowRoot")
	eval[any](p, `(async () => {
		const canvas = new OffscreenCanvas(60, 40);
		canvas.getContext('2d').fillRect(0, 0, 60, 40);
		const bytes = await (await canvas.convertToBlob()).bytes();
		const address = 'data:image/png;base64,' + btoa(String.fromCharCode(...bytes));
		const loading = (query) => Object.assign(new Image(), { src: 'slow.png?' + query });
		const one = document.querySelector('clip-classifier');
		document.querySelector('clip-search').images = [address, new URL(address), loading('search')];
		await Promise.all([address, new URL(address), loading('classifier')].map((image) => one.classify(image)));
		await document.querySelector('clip-search').search('cat');
	})()`)
	for element, want := range map[string]string{"clip-classifier": "60,60,480", "clip-search": "60,60,480"} {
		drawn := fmt.Sprintf("[...document.querySelector(%s).shadowRoot.querySelectorAll('canvas')].map((c) => c.hidden ? 0 : c.width).join()", js(element))
		p.until("thumbnails of "+element+" as wide as "+want, drawn+" === '"+want+"'")
	}
	if got := eval[string](p, inside("clip-search", ".name")+".innerText"); got != "Picture 1" {
		t.Errorf("a picture in its address is called %q", got)
	}
	red := eval[bool](p, `(async () => {
		const one = document.querySelector('clip-classifier');
		const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
		const context = canvas.getContext('2d');
		context.fillStyle = 'red';
		context.fillRect(0, 0, 8, 8);
		const call = one.classify(canvas);
		context.clearRect(0, 0, 8, 8);
		await call;
		return [...one.shadowRoot.querySelectorAll('canvas')].at(-1).getContext('2d').getImageData(4, 4, 1, 1).data.join() === '255,0,0,255';
	})()`)
	if !red {
		t.Error("a canvas is not shown as it was at the moment of the call")
	}
	p.noComplaints()
}

func TestSearchByWordsAndByExample(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launch(t, nil).open(t, s.page(t, "search.html", widgetScript+`
		<clip-search device="cpu" template="a photo of a {}.">
			<img src="photos/chelsea.png" alt="Chelsea"><img src="photos/coffee.png" alt="Coffee">
			<img src="photos/rocket.jpg" alt="Falcon"><img src="photos/astronaut.png" alt="Eileen"><img src="photos/LICENSES.md" alt="Broken">
		</clip-search>`))
	p.until("the element", "document.querySelector('clip-search').shadowRoot")
	eval[any](p, listen)
	shown := "[..." + "document.querySelector('clip-search').shadowRoot.querySelectorAll('.tiles .name')].map((n) => n.innerText)"
	if got := eval[[]string](p, shown); !slices.Equal(got, []string{"Chelsea", "Coffee", "Falcon", "Eileen", "Broken"}) {
		t.Errorf("before a search it shows %q", got)
	}
	results := "heard.filter(({ type }) => type === 'clip-result').length"
	for i, test := range []struct{ query, want string }{{"rocket", "Falcon"}, {"cup of coffee", "Coffee"}, {"cat", "Chelsea"}} {
		eval[any](p, fmt.Sprintf("(%s).value = %s", inside("clip-search", ".input"), js(test.query)))
		eval[any](p, inside("clip-search", ".input")+".focus()")
		p.run(chromedp.KeyEvent(kb.Enter))
		p.until("the answer to "+test.query, fmt.Sprintf("%s === %d", results, i+1))
		if got := eval[[]string](p, shown); len(got) != 4 || got[0] != test.want {
			t.Errorf("%s: shows %q, want %s first of 4", test.query, got, test.want)
		}
	}
	if got := eval[string](p, inside("clip-search", ".message")+".innerText"); got != "Could not be read: Broken." {
		t.Errorf("of the broken picture it says %q", got)
	}
	p.give("clip-search", ".example-input", photo("astronaut.png"))
	p.until("the answer by example", results+" === 4")
	top := eval[struct {
		Name  string
		Score float64
	}](p, "(({ name, score }) => ({ name, score }))(heard.at(-1).detail.matches[0])")
	if top.Name != "Eileen" || top.Score < 0.99 {
		t.Errorf("most like the astronaut: %+v", top)
	}
	eval[any](p, inside("clip-search", ".tile[title=Chelsea]")+".click()")
	p.until("the answer to a click", results+" === 5")
	if got := eval[[]string](p, shown); got[0] != "Chelsea" {
		t.Errorf("most like Chelsea: %q", got)
	}
	eval[any](p, inside("clip-search", ".clear")+".click()")
	if got := eval[[]string](p, shown); len(got) != 5 {
		t.Errorf("without a search it shows %q", got)
	}
	p.noComplaints()
}

// axe runs axe-core over the page, shadow roots included, and reports what it finds.
func (p *tab) axe(what string) {
	p.Helper()
	source, err := os.ReadFile(filepath.Join(root, "site/node_modules/axe-core/axe.min.js"))
	if err != nil {
		p.Fatal("axe-core is not installed: run npm ci in site/, as ./build.sh test does")
	}
	if eval[string](p, "typeof axe") == "undefined" {
		eval[any](p, string(source)+";0")
	}
	found := eval[[]string](p, `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
		violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join(' | ')))`)
	for _, f := range found {
		p.Errorf("%s: axe finds %s", what, f)
	}
}

func (p *tab) media(scheme, motion string) {
	p.Helper()
	p.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion}},
		})
		return err
	}))
}

func TestWidgetIsAccessible(t *testing.T) {
	t.Parallel()
	s := serve(t)
	url := s.page(t, "axe.html", `<link rel="stylesheet" href="examples/style.css">`+widgetScript+`<main><h1>A page</h1>
		<clip-classifier id="one" multiple device="cpu" labels="cat, dog, cup of coffee, rocket"></clip-classifier>
		<clip-search id="search" device="cpu"><img src="photos/chelsea.png" alt="Chelsea"><img src="photos/coffee.png" alt="Coffee"></clip-search>
		<clip-classifier id="bad" device="cpu" auto-load model="models/absent/" labels="cat"></clip-classifier></main>`)
	b := launch(t, nil)
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			p := b.open(t, "")
			p.media(scheme, "reduce")
			p.run(chromedp.Navigate(url))
			p.until("the error", inside("#bad", ".retry")+"?.offsetParent")
			p.axe("empty, and with an error")
			p.give("#one", ".input", photo("coffee.png"), photo("truncated.jpg"))
			p.classified("#one", 1)
			eval[any](p, "document.querySelector('#search').search('cat').then(() => true)")
			p.until("the broken picture's message", inside("#one", ".error"))
			p.axe("with results")
			if motion := eval[string](p, fmt.Sprintf("getComputedStyle(%s).transitionDuration", inside("#one", ".bar-fill"))); motion != "0s" {
				t.Errorf("with reduced motion bars take %s", motion)
			}
			// 200% zoom of a 640 px window leaves 320 CSS px.
			p.run(chromedp.EmulateViewport(320, 480, chromedp.EmulateScale(2)))
			if over := eval[float64](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
				t.Errorf("at 200%% zoom the page is %v px too wide", over)
			}
			p.axe("at 200% zoom")
		})
	}
}

// focused describes where the focus is, through all shadow roots.
const focused = `(() => {
	let at = document.activeElement;
	while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
	const ring = getComputedStyle(at.matches('.input[type=file]') ? at.closest('.drop') : at.matches('.example-input') ? at.parentElement : at);
	return (at.className || at.localName) + (ring.outlineStyle === 'none' ? ' without a ring' : '');
})()`

// TestWidgetByKeysAlone never touches the mouse: the file dialog, which Chromium opens for Enter on the input, is
// answered through the protocol.
func TestWidgetByKeysAlone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launch(t, nil).open(t, s.page(t, "keys.html", widgetScript+`
		<clip-classifier device="cpu" labels="cat, cup of coffee"></clip-classifier>
		<clip-search device="cpu"><img src="photos/chelsea.png" alt="Chelsea"><img src="photos/coffee.png" alt="Coffee"></clip-search>`))
	p.until("the elements", "document.querySelector('clip-search').shadowRoot")
	eval[any](p, listen)
	walk := func(want ...string) {
		t.Helper()
		for _, w := range want {
			p.run(chromedp.KeyEvent(kb.Tab))
			if got := eval[string](p, focused); got != w {
				t.Errorf("the focus is on %q, want %q", got, w)
			}
		}
	}
	walk("input")
	eval[any](p, `(() => {
		const input = `+inside("clip-classifier", ".input")+`;
		input.addEventListener('click', (event) => { event.preventDefault(); window.dialog = true; });
	})()`)
	p.run(chromedp.KeyEvent(" "))
	if !eval[bool](p, "window.dialog === true") {
		t.Error("the space bar does not open the file dialog")
	}
	p.give("clip-classifier", ".input", photo("coffee.png"))
	p.classified("clip-classifier", 1)
	walk("link clear")
	p.run(chromedp.KeyEvent(kb.Enter))
	if n := eval[int](p, "document.querySelector('clip-classifier').results.length"); n != 0 {
		t.Error("Enter on the button clears nothing")
	}
	if got := eval[string](p, focused); got != "input" {
		t.Errorf("after clearing the focus is on %q, want the input", got)
	}
	walk("input")
	p.run(chromedp.KeyEvent("cat"), chromedp.KeyEvent(kb.Enter))
	p.until("the search's answer", "heard.some(({ type, target }) => type === 'clip-result' && target === 'clip-search')")
	walk("button solid", "example-input", "link clear", "tile", "tile")
	p.run(chromedp.KeyEvent(kb.Enter))
	p.until("the answer to the second tile", inside("clip-search", ".heading")+".innerText.startsWith('Most like Coffee')")
	if got := eval[string](p, focused); got != "tile" {
		t.Errorf("after the list was sorted anew the focus is on %q", got)
	}
	p.noComplaints()
}

func TestElementsManifestNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var manifest struct {
		Modules []struct {
			Declarations []struct {
				TagName    string
				CSSParts   []struct{ Name string }
				Attributes []struct{ Name string }
				Events     []struct{ Name string }
			}
		}
	}
	data, err := os.ReadFile(filepath.Join(packaged(t), "custom-elements.json"))
	if err == nil {
		err = json.Unmarshal(data, &manifest)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := launch(t, nil).open(t, s.page(t, "parts.html", widgetScript+`<clip-classifier device="cpu" labels="cat, dog" multiple></clip-classifier>
		<clip-search device="cpu"><img src="photos/chelsea.png" alt="Chelsea"></clip-search>`))
	p.until("the elements", "document.querySelector('clip-search').shadowRoot")
	p.give("clip-classifier", ".input", photo("coffee.png"), photo("truncated.jpg"))
	p.classified("clip-classifier", 1)
	p.until("the error", inside("clip-classifier", ".error"))
	eval[any](p, "document.querySelector('clip-search').search('cat').then(() => true)")
	found := 0
	for _, m := range manifest.Modules {
		for _, d := range m.Declarations {
			if d.TagName == "" {
				continue
			}
			found++
			parts := eval[[]string](p, fmt.Sprintf(`[...new Set([...document.querySelector(%q).shadowRoot.querySelectorAll('[part]')].flatMap((e) => [...e.part]))]`, d.TagName))
			listed := []string{"note"} // a note is shown only while a picture waits
			for _, part := range d.CSSParts {
				listed = append(listed, part.Name)
				if part.Name != "note" && !slices.Contains(parts, part.Name) {
					t.Errorf("%s has no part %q", d.TagName, part.Name)
				}
			}
			for _, part := range parts {
				if !slices.Contains(listed, part) {
					t.Errorf("%s has a part %q that custom-elements.json does not name", d.TagName, part)
				}
			}
			var attributes []string
			for _, a := range d.Attributes {
				attributes = append(attributes, a.Name)
			}
			for _, observed := range eval[[]string](p, fmt.Sprintf("customElements.get(%q).observedAttributes", d.TagName)) {
				if !slices.Contains(attributes, observed) {
					t.Errorf("custom-elements.json does not name %s's attribute %s: it has %q", d.TagName, observed, attributes)
				}
			}
			if len(d.Events) != 4 {
				t.Errorf("custom-elements.json names %d events of %s, want 4", len(d.Events), d.TagName)
			}
		}
	}
	if found != 2 {
		t.Errorf("custom-elements.json has %d elements, want 2", found)
	}
}
