package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	permission "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// serveApp serves dist with the headers that its _headers file asks of a static host.
func serveApp(t *testing.T) *site {
	t.Helper()
	s := serve(t)
	data := read(t, filepath.Join(dist(t), "_headers"))
	_, all, _ := strings.Cut(string(data), "/*\n")
	all, _, _ = strings.Cut(all, "\n\n")
	s.headers = map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSuffix(all, "\n"), "\n") {
		name, value, found := strings.Cut(strings.TrimSpace(line), ": ")
		if !found {
			t.Fatalf("_headers has the line %q", line)
		}
		s.headers[name] = value
	}
	if !strings.Contains(s.headers["Content-Security-Policy"], "frame-ancestors") {
		t.Fatalf("_headers has no policy: %q", s.headers)
	}
	return s
}

// weightsAsked are the weights among the requests since the last call, by the beginning of their names.
func (s *site) weightsAsked() (files []string) {
	for _, path := range s.requests() {
		if strings.HasSuffix(path, ".zst") {
			files = append(files, path[strings.LastIndex(path, "/")+1:])
		}
	}
	return files
}

// setOffline tells the page that the machine has no network. What really cuts it off is that the server is stopped.
func (p *tab) setOffline(offline bool) {
	p.Helper()
	if _, err := chromedp.Call(p.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1}); err != nil {
		p.Fatal(err)
	}
}

// beforeScripts runs a script in every document that the tab opens, before the page's own.
func (p *tab) beforeScripts(script string) {
	p.Helper()
	if _, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		p.Fatal(err)
	}
}

// setRoom is how many bytes the site may keep.
func (p *tab) setRoom(s *site, bytes float64) {
	p.Helper()
	params := storage.OverrideQuotaForOriginParams{Origin: strings.TrimSuffix(s.url, "/some/where/"), QuotaSize: &bytes}
	if _, err := chromedp.Call(p.ctx, storage.OverrideQuotaForOrigin, params); err != nil {
		p.Fatal(err)
	}
}

func (p *tab) text(testid string) string {
	p.Helper()
	return eval[string](p, fmt.Sprintf("document.querySelector('[data-testid=%s]').innerText.trim()", testid))
}

const getOffered = "document.querySelector('[data-testid=model-get]').checkVisibility()"

// evict deletes the kept model's largest chunk, as a browser short of room would, and returns its name and size.
const evict = `(async () => {
	const models = await (await navigator.storage.getDirectory()).getDirectoryHandle('clipside-models');
	for await (const model of models.values()) {
		let largest = { Name: '', Size: 0 };
		for await (const file of model.values()) {
			const { size } = await file.getFile();
			if (size > largest.Size) largest = { Name: file.name, Size: size };
		}
		await model.removeEntry(largest.Name);
		return largest;
	}
})()`

// TestOfflineAfterARestart visits the page once, kills the server, ends the browser, and starts it again with the same
// profile. Then a part of the model is lost, too.
func TestOfflineAfterARestart(t *testing.T) {
	t.Parallel()
	s := serveApp(t)
	profile := map[string]any{"user-data-dir": t.TempDir()}

	t.Run("first visit", func(t *testing.T) {
		p := launchChromium(t, profile).open(t, s.url)
		p.until("the shell to be kept", readiness+" === 'no-model'")
		p.until("the offer of the model", getOffered)
		if asked := s.weightsAsked(); len(asked) != 0 {
			t.Errorf("nobody asked for the model, and the page fetched %q", asked)
		}
		if text := p.text("model-get"); text != "Get the model (9.3 MB)" {
			t.Errorf("the button says %q", text)
		}
		checkInstallable(t, p)

		p.drop(photo("coffee.png"))
		p.answered(1, "coffee.png", "cup of coffee")
		p.until("the badge", readiness+" === 'ready'")
		if text := p.text("badge"); text != "Ready to work offline" {
			t.Errorf("the badge says %q", text)
		}
		if asked := s.weightsAsked(); len(asked) != 5 {
			t.Errorf("the model's 5 files were asked for as %q", asked)
		}
		p.noComplaints()
	})

	s.stop()
	t.Run("without a network", func(t *testing.T) {
		p := launchChromium(t, profile).open(t, "")
		p.setOffline(true)
		p.run(chromedp.Navigate(s.url))
		p.until("the model", ready)
		p.drop(photo("coffee.png"), photo("rocket.jpg"))
		p.settled(2)
		for name, want := range map[string]string{"coffee.png": "cup of coffee", "rocket.jpg": "rocket"} {
			if c := p.cards()[name]; c.State != "done" || c.Order[0] != want {
				t.Errorf("%s offline: %+v", name, c)
			}
		}
		p.until("the badge", readiness+" === 'ready'")
		if text := p.text("badge"); text != "Offline: all is here" {
			t.Errorf("the badge says %q", text)
		}
		p.noComplaints()

		// Any other page of the site's leads to the shell.
		p.run(chromedp.Navigate(s.url + "no/such/page"))
		p.until("the model", ready)
		if at := eval[string](p, "location.href"); at != s.url {
			t.Errorf("without a network no/such/page led to %s", at)
		}

		lost := eval[struct {
			Name string
			Size float64
		}](p, evict)
		amount := fmt.Sprintf("%.1f MB", lost.Size/1e6)
		p.run(chromedp.Navigate(s.url))
		p.setOffline(true)
		p.until("what is missing", "document.querySelector('[data-testid=progress-text]').innerText.includes('missing')")
		if text := p.text("progress-text"); text != "This machine is offline, and 1 file of the starter model is missing here: connect it once to fetch "+amount+"." {
			t.Errorf("offline the page says %q", text)
		}
		if eval[bool](p, getOffered) {
			t.Error("offline the page offers to fetch it")
		}
		p.until("the badge", readiness+" === 'no-model'")
		p.click("models-open")
		p.until("the panel's line", "document.querySelector('[data-testid=model-line]')")
		if text := p.text("model-line"); !strings.Contains(text, "1 file missing") {
			t.Errorf("the panel says %q", text)
		}
		p.click("models-close")

		s.restart(t)
		s.requests()
		p.setOffline(false)
		p.until("the offer", getOffered)
		if text := p.text("model-get"); text != "Get the missing "+amount {
			t.Errorf("the button says %q", text)
		}
		p.click("model-get")
		p.until("the model", ready)
		if asked := s.weightsAsked(); !slices.Equal(asked, []string{lost.Name}) {
			t.Errorf("%s was missing, and %q were asked for", lost.Name, asked)
		}
		p.until("the badge", readiness+" === 'ready'")
	})
}

func checkInstallable(t *testing.T, p *tab) {
	t.Helper()
	verdict, err := chromedp.Call(p.ctx, page.GetInstallabilityErrors, cdp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range verdict.InstallabilityErrors {
		t.Errorf("not installable: %s", e.ErrorID)
	}
	manifest, err := chromedp.Call(p.ctx, page.GetAppManifest, page.GetAppManifestParams{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range manifest.Errors {
		t.Errorf("the manifest: %s", e.Message)
	}
	// What Chromium made of it, not what the file says. Of file_handlers DevTools tells nothing but errors.
	m := manifest.Manifest
	if m == nil || m.ShareTarget == nil || m.LaunchHandler == nil || len(m.Shortcuts) != 2 || len(m.Screenshots) != 2 || len(m.Icons) < 5 {
		t.Errorf("Chromium reads the manifest as %+v", m)
	}
}

// release is a version of the app in which the style sheet alone differs.
type release struct{ worker, style []byte }

func (s *site) publish(r release) {
	serve := func(kind string, data []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Write(data)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extras["sw.js"] = serve("text/javascript", r.worker)
	s.extras["style.css"] = serve("text/css", r.style)
}

func makeRelease(t *testing.T, name string) release {
	t.Helper()
	worker, style := withMore(t, "style.css", ":root{--release:"+name+"}\n")
	return release{worker, style}
}

// withMore appends to a file of dist's, and returns it with the service worker that lists it.
func withMore(t *testing.T, name, more string) (worker, changed []byte) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(dist(t), name))
	if err != nil {
		t.Fatal(err)
	}
	worker, err = os.ReadFile(filepath.Join(dist(t), "sw.js"))
	if err != nil {
		t.Fatal(err)
	}
	changed = append(bytes.Clone(file), more...)
	before, after := fmt.Sprintf("%x", sha256.Sum256(file)), fmt.Sprintf("%x", sha256.Sum256(changed))
	if bytes.Count(worker, []byte(before)) != 1 {
		t.Fatalf("sw.js does not have the hash of %s", name)
	}
	return bytes.Replace(worker, []byte(before), []byte(after), 1), changed
}

// isGood tells which release the page is of, also while it is being replaced.
const isGood = "document.documentElement && getComputedStyle(document.documentElement).getPropertyValue('--release').trim() === 'good'"

func (p *tab) release() string {
	p.Helper()
	return eval[string](p, "getComputedStyle(document.documentElement).getPropertyValue('--release').trim()")
}

// update has the browser look for a new version, as it does by itself on a visit, until what it finds is installed or
// given up.
func (p *tab) update() (installed bool) {
	p.Helper()
	return eval[bool](p, `(async () => {
		const registration = await navigator.serviceWorker.ready;
		await registration.update().catch(() => {});
		while (registration.installing) await new Promise((resolve) => setTimeout(resolve, 50));
		return registration.waiting !== null;
	})()`)
}

// TestHalfInstalled visits a site whose first version is not all there: the page works over the network.
func TestHalfInstalled(t *testing.T) {
	t.Parallel()
	s := serveApp(t)
	s.mu.Lock()
	s.extras["icons/icon-512.png"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "out of order", 500) })
	s.mu.Unlock()
	p := launchChromium(t, nil).open(t, s.url)
	p.until("the badge", readiness+" === 'online-only'")
	p.press()
	p.drop(photo("coffee.png"))
	p.answered(1, "coffee.png", "cup of coffee")

	// The next visit goes on where the first one stopped.
	s.mu.Lock()
	delete(s.extras, "icons/icon-512.png")
	s.mu.Unlock()
	s.requests()
	p.run(chromedp.Reload())
	p.until("the badge", readiness+" === 'ready'")
	if asked := s.requests(); !slices.Contains(asked, "icons/icon-512.png") || slices.Contains(asked, "icons/icon-192.png") {
		t.Errorf("the second visit asked for %q", asked)
	}
}

// TestUpdates goes from one version to the next: over broken ones, without a network, and with four tabs open.
func TestUpdates(t *testing.T) {
	t.Parallel()
	s := serveApp(t)
	b := launchChromium(t, nil)
	p := b.open(t, s.url)
	kept := readiness + " === 'no-model'" // the engine is started where it matters
	p.until("the page to be kept", kept)
	s.requests()
	good := makeRelease(t, "good")
	bannerShown := "document.querySelector('[data-testid=update]').checkVisibility()"

	goesOn := func(what string) {
		t.Helper()
		p.run(chromedp.Reload())
		p.until("the page", kept)
		if got := p.release(); got != "" || eval[bool](p, bannerShown) {
			t.Errorf("%s: the page is of release %q and offers an update", what, got)
		}
	}
	fault := func(what string) {
		t.Helper()
		if p.update() {
			t.Errorf("%s: the version was installed", what)
		}
		goesOn(what)
	}
	broken := makeRelease(t, "broken")
	s.publish(broken)
	s.mu.Lock()
	s.extras["style.css"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "out of order", 500) })
	s.mu.Unlock()
	fault("a file that answers 500")
	s.publish(release{broken.worker, broken.style[:len(broken.style)/2]})
	fault("a file that is cut short")
	s.publish(release{broken.worker[:len(broken.worker)/2], broken.style})
	fault("a service worker that is cut short in its list or code")
	s.publish(release{broken.worker[:bytes.LastIndex(broken.worker, []byte("\n}\n"))+1], broken.style})
	fault("a service worker that lacks only its last line")
	s.publish(good)
	s.stop()
	fault("no network")
	s.restart(t)
	s.requests()

	// A tab with pictures in it, one with labels of the person's own, and one without.
	busy, labelled, idle := b.open(t, s.url), b.open(t, s.url), b.open(t, s.url)
	busy.drop(photo("coffee.png"))
	busy.settled(1)
	there := kept + " || " + readiness + " === 'ready'" // the busy tab may have kept the model by now
	labelled.until("the page", there)
	labelled.run(chromedp.SendKeys("[data-testid=label-input]", "lighthouse"+kb.Enter))
	idle.until("the page", there)
	// Their visit made the browser look for the new version.
	p.update()
	for _, one := range []*tab{p, busy, labelled, idle} {
		one.until("the offer of the update", bannerShown)
		if text := one.text("update-text"); text != "Update available" || one.release() != "" {
			t.Errorf("the page is of release %q and says %q", one.release(), text)
		}
	}
	asked := s.requests()
	fetched := map[string]int{}
	for _, path := range asked {
		fetched[path]++
	}
	if fetched["style.css"] != 1 {
		t.Errorf("the style sheet was fetched %d times", fetched["style.css"])
	}
	delete(fetched, "style.css")
	delete(fetched, "sw.js")
	for path, n := range fetched {
		if !strings.HasPrefix(path, "models/") || strings.HasSuffix(path, ".zst") && n > 1 { // once, by the busy tab
			t.Errorf("an update of the style sheet fetched %s", path)
		}
	}

	p.click("update-reload")
	p.until("the new version", isGood)
	idle.until("the new version in a tab without work", isGood)
	for _, one := range []*tab{busy, labelled} {
		one.until("the other offer", "document.querySelector('[data-testid=update-text]').innerText === 'Updated in another tab'")
	}
	if !eval[bool](labelled, "!!document.querySelector('[data-label=lighthouse]')") {
		t.Error("the label is gone")
	}
	busy.drop(photo("rocket.jpg"))
	busy.settled(2)
	if c := busy.cards(); busy.release() != "" || c["coffee.png"].State != "done" || c["rocket.jpg"].Order[0] != "rocket" {
		t.Errorf("the tab with work in it is of release %q: %+v", busy.release(), c)
	}
	busy.click("update-reload")
	busy.until("the new version", isGood)

	// The old version is gone, and the model is not.
	sheets := eval[[]string](p, `(async () => {
		const names = await caches.keys();
		return (await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url)))).flat().filter((url) => url.includes('style.css'));
	})()`)
	if len(sheets) != 1 || !strings.HasSuffix(sheets[0], fmt.Sprintf("%x", sha256.Sum256(good.style))) {
		t.Errorf("kept style sheets: %q", sheets)
	}
	s.requests()
	p.run(chromedp.Reload())
	p.until("the model", ready)
	if asked := s.weightsAsked(); len(asked) != 0 {
		t.Errorf("after the update the model was fetched again: %q", asked)
	}
}

// TestEngineOfAnotherVersion updates the page in another tab before the engine has been started in the first, which has
// work in it and goes on as it is.
func TestEngineOfAnotherVersion(t *testing.T) {
	t.Parallel()
	s := serveApp(t)
	b := launchChromium(t, nil)
	first := b.open(t, s.url)
	first.until("the shell to be kept", readiness+" === 'no-model'")
	first.run(chromedp.SendKeys("[data-testid=label-input]", "lighthouse"+kb.Enter))
	s.publish(makeRelease(t, "good"))
	second := b.open(t, s.url)
	second.until("the shell to be kept", readiness+" === 'no-model'")
	if !second.update() {
		t.Fatal("the new version was not installed")
	}
	second.click("update-reload")
	second.until("the new version", isGood)
	first.until("the other offer", "document.querySelector('[data-testid=update-text]').innerText === 'Updated in another tab'")

	first.drop(photo("coffee.png"))
	first.until("why the engine does not start", "document.querySelector('[data-testid=model-error]').innerText.includes('updated in another tab')")
	first.click("models-open")
	first.until("the button", "document.querySelector('[data-testid=model-keep]')")
	first.click("model-keep")
	first.until("why it is not kept", "document.querySelector('[data-testid=models-message]').innerText !== ''")
	first.click("models-close")
	if asked := s.weightsAsked(); len(asked) > 0 {
		t.Errorf("%q were asked for", asked)
	}
	first.click("update-reload")
	first.until("the new version", isGood)
	first.press()
	first.drop(photo("coffee.png"))
	first.answered(1, "coffee.png", "cup of coffee")
}

// TestHostBeginsToIsolateThePage changes the host's headers between two versions, which differ in the page alone: its
// Workers' scripts are kept from before.
func TestHostBeginsToIsolateThePage(t *testing.T) {
	t.Parallel()
	s := serveApp(t)
	isolating := s.headers
	s.headers = nil
	p := launchChromium(t, nil).open(t, s.url)
	p.model()

	worker, changed := withMore(t, "index.html", "<!-- changed -->\n")
	s.stop()
	s.headers = isolating
	old := s.server.Config.Handler
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range isolating {
			w.Header().Set(name, value)
		}
		switch strings.TrimPrefix("http://"+r.Host+r.URL.Path, s.url) {
		case "":
			w.Header().Set("Content-Type", "text/html")
			w.Write(changed)
		case "sw.js":
			w.Header().Set("Content-Type", "text/javascript")
			w.Write(worker)
		default:
			old.ServeHTTP(w, r)
		}
	})
	s.restart(t)
	if !p.update() {
		t.Fatal("the new version was not installed")
	}
	p.click("update-reload")
	p.until("the model in the new version", "crossOriginIsolated && "+ready)
	p.drop(photo("coffee.png"))
	p.answered(1, "coffee.png", "cup of coffee")
	p.noComplaints()
}

// TestWithoutServiceWorker opens the page over plain http from another host, where browsers have neither service workers
// nor a store nor hashes nor WebGPU.
func TestWithoutServiceWorker(t *testing.T) {
	t.Parallel()
	s := serveApp(t)
	p := launchChromium(t, map[string]any{"host-resolver-rules": "MAP clipside.test 127.0.0.1"}).open(t, strings.Replace(s.url, "127.0.0.1", "clipside.test", 1))
	if eval[bool](p, "isSecureContext || 'serviceWorker' in navigator") {
		t.Fatal("this is a secure context")
	}
	p.until("the badge", readiness+" === 'online-only'")
	if text := p.text("badge"); text != "Works online only" {
		t.Errorf("the badge says %q", text)
	}
	p.press()
	p.until("the model", ready)
	p.drop(photo("coffee.png"))
	p.answered(1, "coffee.png", "cup of coffee")
	if c := p.cards()["coffee.png"]; c.State != "done" || c.Order[0] != "cup of coffee" {
		t.Errorf("without a service worker: %+v", c)
	}
	p.click("models-open")
	p.until("the panel", "document.querySelector('[data-testid=models-room]').innerText !== ''")
	if text := p.text("models-room"); !strings.Contains(text, "keeps no models") {
		t.Errorf("the panel says %q", text)
	}
	p.noComplaints("Cross-Origin-Opener-Policy") // which browsers ignore here, and say so
}

// TestPicturesComeAndResultsGo brings pictures in every way but choosing, over a connection that saves data, and takes
// the results out.
func TestPicturesComeAndResultsGo(t *testing.T) {
	t.Parallel()
	s := serveApp(t)
	p := launchChromium(t, nil).open(t, "")
	p.beforeScripts(`
		Object.defineProperty(navigator, 'connection', { value: { saveData: true } });
		Object.defineProperty(window, 'launchQueue', { value: { setConsumer(consumer) { window.launch = consumer; } } });
		navigator.canShare = () => true;
		navigator.share = async (data) => { window.sharedOut = data; };
	`)
	p.run(chromedp.Navigate(s.url))
	p.until("the offer of the model", getOffered)

	// Saving data, it asks before it fetches anything large.
	p.run(chromedp.Click("[data-sample='rocket.jpg']"))
	p.until("a waiting card", "document.querySelector('[data-testid=card][data-state=waiting]')")
	p.until("the question", "document.querySelector('[data-testid=progress-text]').innerText.includes('saves data')")
	time.Sleep(time.Second) // for a download that should not begin
	for _, path := range s.requests() {
		if strings.HasSuffix(path, ".zst") || strings.HasSuffix(path, ".wasm") || path == "sw.js" {
			t.Errorf("saving data, the page fetched %s", path)
		}
	}
	if text := p.text("badge"); text != "" {
		t.Errorf("saving data, the badge says %q", text)
	}
	p.model()
	p.settled(1)

	// Opened with the installed app.
	eval[bool](p, `(async () => {
		const handle = await (await navigator.storage.getDirectory()).getFileHandle('opened.png', { create: true });
		const writing = await handle.createWritable();
		await writing.write(await (await fetch('photos/coffee.png')).blob());
		await writing.close();
		launch({ files: [handle] });
		return true;
	})()`)
	p.settled(2)

	// Pasted.
	eval[bool](p, `(async () => {
		const clipboardData = new DataTransfer();
		clipboardData.items.add(new File([await (await fetch('photos/chelsea.png')).blob()], 'image.png', { type: 'image/png' }));
		document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
		return true;
	})()`)
	p.settled(3)

	// A folder in a folder, with things in it that are no pictures.
	dir := t.TempDir()
	for name, from := range map[string]string{"holiday/beach/a.png": photo("chelsea.png"), "holiday/b.jpg": photo("rocket.jpg"), "holiday/notes.txt": photo("LICENSES.md"), "holiday/c.HEIC": photo("LICENSES.md"), "holiday/.hidden": photo("LICENSES.md"), "holiday/.thumbnails/d.png": photo("coffee.png")} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	dragged := func(kind input.DispatchDragEventType, x, y float64) {
		t.Helper()
		drag := input.DispatchDragEventParams{Type: kind, X: x, Y: y, Data: &input.DragData{Items: []*input.DragDataItem{}, Files: []string{filepath.Join(dir, "holiday")}, DragOperationsMask: 1}}
		if _, err := chromedp.Call(p.ctx, input.DispatchDragEvent, drag); err != nil {
			t.Fatal(err)
		}
	}
	// At first it leaves the page again, and what was below it has gone meanwhile.
	const over = "document.querySelector('.drop-over')"
	eval[any](p, "document.body.append(Object.assign(document.createElement('div'), { id: 'below', style: 'position: fixed; inset: 0; z-index: 9' }))")
	dragged(input.DispatchDragEventTypeDragEnter, 200, 200)
	p.until("the mark", over)
	eval[any](p, "document.querySelector('#below').remove()")
	dragged(input.DispatchDragEventTypeDragOver, 210, 200)
	dragged(input.DispatchDragEventTypeDragOver, -5, -5)
	p.until("the end of the mark", "!"+over)
	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		dragged(kind, 200, 200)
	}
	p.settled(6) // what cannot be read tells so itself
	if text := p.text("drop-message"); text != "3 pictures from the folder. 1 other file was left out." {
		t.Errorf("after a folder was dropped the page says %q", text)
	}
	for name, want := range map[string]string{"rocket.jpg": "rocket", "opened.png": "cup of coffee", "Pasted picture": "cat", "a.png": "cat", "b.jpg": "rocket"} {
		if c := p.cards()[name]; c.State != "done" || c.Order[0] != want {
			t.Errorf("%s: %+v", name, c)
		}
	}

	checkResults(t, p)
	checkModelPanel(t, p, s)

	// Shared from another application: the browser posts it to the manifest's share_target.
	s.mu.Lock()
	s.extras["gallery.html"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src data:")
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `<!doctype html><title>gallery</title><link rel=icon href=data:,><form method=post action=share enctype=multipart/form-data><input type=file name=pictures multiple></form>`)
	})
	s.mu.Unlock()
	share := func(files ...string) {
		for i := range files {
			files[i] = mustAbs(t, photo(files[i]))
		}
		p.run(chromedp.Navigate(s.url + "gallery.html"))
		p.run(chromedp.SetUploadFiles("input", files))
		eval[bool](p, "document.forms[0].submit() ?? true")
	}
	share("astronaut.png")
	p.until("the page with the shared picture", "location.pathname.endsWith('/where/') && document.querySelector('[data-testid=card]')")
	p.press()
	p.settled(1)
	if c := p.cards()["astronaut.png"]; c.State != "done" || c.Order[0] != "woman" {
		t.Errorf("the shared picture: %+v", c)
	}
	if at := eval[string](p, "location.href"); at != s.url {
		t.Errorf("the address is %s", at)
	}
	if slices.Contains(s.requests(), "share") {
		t.Error("the shared picture was sent to the server")
	}

	// Of several none is taken in where there is no room for all.
	p.setRoom(s, eval[float64](p, "navigator.storage.estimate().then(({ usage }) => usage)")+400e3)
	share("rocket.jpg", "astronaut.png")
	p.until("why they are not there", "location.pathname.endsWith('/where/') && document.querySelector('[data-testid=drop-message]')?.innerText.includes('could not be taken in')")
	if left := eval[int](p, "caches.open('clipside shared ' + new URL('./', document.baseURI)).then((cache) => cache.keys()).then((keys) => keys.length)"); left != 0 {
		t.Errorf("%d are kept for what is shared next", left)
	}
	p.noComplaints("Failed to load resource") // the thumbnail of what is no picture
}

func mustAbs(t *testing.T, file string) string {
	t.Helper()
	abs, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// checkResults takes the results of five pictures out in every way.
func checkResults(t *testing.T, p *tab) {
	t.Helper()
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		granted := permission.SetPermissionParams{Permission: &permission.PermissionDescriptor{Name: name}, Setting: permission.PermissionSettingGranted}
		if _, err := chromedp.CallBrowser(p.ctx, permission.SetPermission, granted); err != nil {
			t.Fatal(err)
		}
	}
	// On paper are the answers, and nothing to press.
	emulate := func(media string) {
		t.Helper()
		if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media}); err != nil {
			t.Fatal(err)
		}
	}
	emulate("print")
	for part, printed := range map[string]bool{"main": true, "#cards": true, ".template": true, "#drop": false, "#samples": false, "#chips": false, "#results-tools": false, "#models-open": false} {
		if got := eval[bool](p, fmt.Sprintf("document.querySelector(%q).checkVisibility()", part)); got != printed {
			t.Errorf("%s is printed: %v", part, got)
		}
	}
	emulate("")

	p.click("results-copy")
	p.until("the copy", "document.querySelector('[data-testid=results-copy]').innerText === 'Copied'")
	copied := eval[string](p, "navigator.clipboard.readText()")
	if lines := strings.Split(strings.ReplaceAll(copied, "\r\n", "\n"), "\n"); len(lines) != 5 || !strings.HasPrefix(lines[4], "rocket.jpg: rocket ") || !strings.Contains(lines[4], "%, ") {
		t.Errorf("copied was %q", copied)
	}
	p.click("results-share")
	if shared := eval[string](p, "sharedOut.text"); strings.ReplaceAll(copied, "\r\n", "\n") != shared {
		t.Errorf("shared was %q", shared)
	}

	downloads := t.TempDir()
	behaviour := permission.SetDownloadBehaviorParams{Behavior: permission.SetDownloadBehaviorBehaviorAllow, DownloadPath: downloads}
	if _, err := chromedp.CallBrowser(p.ctx, permission.SetDownloadBehavior, behaviour); err != nil {
		t.Fatal(err)
	}
	download := func(testid, name string) []byte {
		t.Helper()
		p.click(testid)
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if data, err := os.ReadFile(filepath.Join(downloads, name)); err == nil && len(data) > 0 {
				return data
			}
		}
		t.Fatalf("%s was not downloaded", name)
		return nil
	}
	score := p.cards()["rocket.jpg"].Scores["rocket"]
	rows, err := csv.NewReader(bytes.NewReader(download("results-csv", "clipside.csv"))).ReadAll()
	if err != nil || len(rows) != 1+5*6 || !slices.Equal(rows[0], []string{"picture", "label", "score"}) || !slices.Equal(rows[25], []string{"rocket.jpg", "rocket", fmt.Sprint(score)}) {
		t.Errorf("the CSV: %v, %q", err, rows)
	}
	var results struct {
		Model, Template string
		Pictures        []struct {
			Picture string
			Scores  []struct {
				Label string
				Score float64
			}
		}
	}
	data := download("results-json", "clipside.json")
	if err := json.Unmarshal(data, &results); err != nil || results.Model != "starter" || results.Template != "a photo of a {}." || len(results.Pictures) != 5 || results.Pictures[4].Scores[0].Score != score {
		t.Errorf("the JSON: %v, %s", err, data)
	}
}

// checkModelPanel deletes the kept model in the panel, and keeps it anew.
func checkModelPanel(t *testing.T, p *tab, s *site) {
	t.Helper()
	line := func(words string) string {
		return fmt.Sprintf("document.querySelector('[data-testid=model][data-name=starter] [data-testid=model-line]')?.innerText.includes(%q)", words)
	}
	p.click("models-open")
	p.until("the kept model", line("9.3 MB kept"))
	p.click("model-delete")
	p.until("its end", line("not kept"))
	p.until("the badge to say so", readiness+" === 'no-model'")
	s.requests()
	p.click("model-keep")
	p.until("the model to be kept again", line("9.3 MB kept"))
	p.until("the badge to say so", readiness+" === 'ready'")
	if asked := s.weightsAsked(); len(asked) != 5 {
		t.Errorf("keeping the model anew fetched %q", asked)
	}
	p.click("models-close")
}

// TestModelsToKeep has a choice of two, and keeps the one that the page does not use. Then the site gets a newer version
// of it, and at last there is no room for the other.
func TestModelsToKeep(t *testing.T) {
	t.Parallel()
	s := serveApp(t)
	twin := s.model("twin", filepath.Join(dist(t), "models/starter"))
	s.mu.Lock()
	s.extras["models/index.json"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `[{"name":"starter","path":"starter/","bytes":9342207},{"name":"twin","path":"twin/","bytes":9342207,"license":"MIT"}]`)
	})
	s.extras["sw.js"] = http.NotFoundHandler() // the shell would have its own list of models
	s.mu.Unlock()
	p := launchChromium(t, nil).open(t, s.url)
	part := func(testid string) string {
		return fmt.Sprintf("document.querySelector('[data-testid=model][data-name=twin] [data-testid=%s]')", testid)
	}
	click := func(testid string) {
		t.Helper()
		p.until(testid, part(testid))
		eval[bool](p, part(testid)+".focus() ?? "+part(testid)+".click() ?? true")
	}
	// The row is made anew, and a person who uses the keys is still where they were.
	focused := func(testid string) {
		t.Helper()
		p.until("the focus on "+testid, "document.activeElement === "+part(testid))
	}
	p.click("models-open")
	p.until("the choice", part("model-line")+"?.innerText === '9.3 MB, not kept, MIT'")
	click("model-keep")
	p.until("the model to be kept", part("model-line")+"?.innerText.startsWith('9.3 MB kept')")
	focused("model-delete")
	if files := weights(twin.well()); len(files) != 5 {
		t.Errorf("keeping it fetched %q", files)
	}
	if asked := eval[bool](p, "document.documentElement.dataset.ready === 'true'"); asked {
		t.Error("the page's own model came with it")
	}

	manifest := read(t, filepath.Join(dist(t), "models/starter/manifest.json"))
	twin.misbehave("manifest.json", func(w http.ResponseWriter, _ *http.Request) { w.Write(append(manifest, '\n')) })
	p.click("models-close")
	p.click("models-open")
	p.until("word of the newer version", part("model-line")+"?.innerText.includes('the site has a newer version')")
	click("model-keep")
	p.until("the newer version", part("model-line")+"?.innerText === '9.3 MB kept, MIT'")
	if files := weights(twin.well()); len(files) != 0 {
		t.Errorf("the newer version has the same weights, and %q were fetched", files)
	}
	click("model-delete")
	p.until("its end", part("model-line")+"?.innerText === '9.3 MB, not kept, MIT'")
	focused("model-keep")

	// The page's own, where there is no room for it.
	p.setRoom(s, 1000)
	p.run(chromedp.Click("[data-testid=model][data-name=starter] [data-testid=model-keep]"))
	p.until("the model", ready)
	p.until("why it is not kept", "document.querySelector('[data-testid=models-message]').innerText.includes('no room left')")
}

// TestKeepingWhatIsJustComing presses Keep, twice, for the page's own model while that is on its way.
func TestKeepingWhatIsJustComing(t *testing.T) {
	t.Parallel()
	s := serveApp(t)
	released := make(chan struct{})
	starter := s.model("starter", filepath.Join(dist(t), "models/starter"))
	files := starter.files
	starter.files = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".zst") {
			select {
			case <-released:
			case <-r.Context().Done():
			}
		}
		files.ServeHTTP(w, r)
	})
	p := launchChromium(t, nil).open(t, s.url)
	p.press()
	p.click("models-open")
	const keep = "document.querySelector('[data-testid=model-keep]')"
	p.until("the button", keep)
	eval[any](p, "for (const button of ["+keep+", "+keep+"]) button.click()")
	line := "document.querySelector('[data-testid=model-line]').innerText"
	p.until("that it is on its way", line+" === 'On its way'")
	time.Sleep(time.Second) // for an end that should not be
	if text := eval[string](p, line); text != "On its way" {
		t.Errorf("before it is there the panel says %q", text)
	}
	close(released)
	p.until("the model to be kept", line+".startsWith('9.3 MB kept')")
	p.until("the model", ready)
	for file, n := range starter.well() {
		if strings.HasSuffix(file, ".zst") && n != 1 {
			t.Errorf("%s was asked for %d times", file, n)
		}
	}
	p.noComplaints()
}
