package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/clipside/clipside/model/bundle"
)

// library is what the tests' scripts begin with: the package, and a picture.
const library = `const { createClip, deleteModel, listModels, storageEstimate } = await import('./clipside.js');
	const picture = new ImageData(64, 64);
	picture.data.forEach((_, i) => { picture.data[i] = i * i % 251; });
`

// script is an async function's body that may use library.
func script(format string, args ...any) string {
	return "(async () => {" + library + fmt.Sprintf(format, args...) + "})()"
}

// weights are the requests for a model's stored files among those of a host or a site.
func weights[T any](asked map[string]T) (files []string) {
	for file := range asked {
		if strings.HasSuffix(file, ".zst") {
			files = append(files, file)
		}
	}
	return files
}

func storedBytes(m *bundle.Manifest) int64 {
	n := int64(m.Tokenizer.Stored)
	for _, s := range m.Sizes() {
		n += s.Stored
	}
	return n
}

// TestHeavyModelIsLoadedInFlatMemoryAndKept visits a page with 300 MB of weights over a link of 100 Mbit/s, and once more.
func TestHeavyModelIsLoadedInFlatMemoryAndKept(t *testing.T) {
	dir, m := packRandom(t, heavy())
	stored := storedBytes(m)
	if stored < 300e6 {
		t.Fatalf("the model has only %d bytes", stored)
	}
	s := serve(t)
	h := s.model("heavy", dir)
	road := &link{bytesPerSecond: 100e6 / 8}
	h.files = road.handler(h.files)
	b := launchChromium(t, nil)
	type visit struct {
		First               float64 // ms to the first result
		Start, Peak         float64 // bytes of both heaps
		GoStart, GoPeak     float64
		Samples             int // of page, engine and fetcher
		Kept, Passed        bool
		Fetched, Cached     int64
		Usage, Quota, Total float64
	}
	visitOnce := func() visit {
		p := b.open(t, s.blank())
		p.adapter()
		eval[bool](p, script("window.engine = await createClip({ device: 'cpu' }); return true;")) // it runs, and has nothing of the model
		heaps := p.heaps()
		start := heaps.measure()
		eval[bool](p, script(`
			const began = performance.now();
			window.over = false;
			window.loaded = (async () => {
				const clip = await createClip({ model: %q, device: 'webgpu', wait: false });
				await clip.classify(picture, ['a cat', 'a dog']);
				return { clip, first: performance.now() - began };
			})().finally(() => { over = true; });
			return true;
		`, h.url))
		var peak, goPeak float64
		samples := 0
		for over := false; !over; {
			time.Sleep(500 * time.Millisecond)
			over = eval[bool](p, "over")
			now := heaps.measure()
			peak = max(peak, now.JavaScript+now.Go)
			goPeak = max(goPeak, now.Go)
			if now.Heaps >= 3 {
				samples++
			}
		}
		v := eval[visit](p, script(`
			const { clip, first } = await loaded;
			await clip.ready;
			const { storage, bytes, selfTest } = clip.info, { usage, quota } = await storageEstimate();
			await Promise.all([clip.dispose(), engine.dispose()]);
			return { First: first, Kept: storage.kept, Passed: selfTest.passed, Fetched: bytes.fetched, Cached: bytes.cached, Usage: usage, Quota: quota };
		`))
		v.Start, v.Peak, v.GoStart, v.GoPeak, v.Samples = start.JavaScript+start.Go, peak, start.Go, goPeak, samples
		return v
	}

	first := visitOnce()
	download := float64(road.bytes()) / road.bytesPerSecond
	t.Logf("%.0f MB: first result after %.1f s, of which %.1f s for the bytes alone", float64(stored)/1e6, first.First/1e3, download)
	t.Logf("Go and JavaScript: %.1f MiB before, %.1f MiB at most (Go %.1f to %.1f), in %d samples", first.Start/(1<<20), first.Peak/(1<<20), first.GoStart/(1<<20), first.GoPeak/(1<<20), first.Samples)
	if grown := first.Peak - first.Start; grown > 64<<20 || first.Samples < 5 {
		t.Errorf("both heaps grew by %.1f MiB (%d samples), allowed are 64", grown/(1<<20), first.Samples)
	}
	if !first.Kept || !first.Passed || first.Fetched != stored || first.Cached != 0 || first.Usage < float64(stored) {
		t.Errorf("the first visit: %+v", first)
	}
	if n := len(weights(h.well())); n != len(m.Towers[bundle.Image].Chunks)+len(m.Towers[bundle.Text].Chunks)+1 {
		t.Errorf("%d files were fetched", n)
	}

	second := visitOnce()
	// How much sooner is for the README: in a test it would be a bound on how busy the machine is.
	t.Logf("second visit: first result after %.1f s, %.1f times sooner; Go takes %.1f MiB at most", second.First/1e3, first.First/second.First, second.GoPeak/(1<<20))
	if files := weights(h.well()); len(files) > 0 || second.Fetched != 0 || second.Cached != stored {
		t.Errorf("the second visit asked for %q; %+v", files, second)
	}
}

// TestFirstResultComesWithTheLastByte: over a slow link the first result takes no byte but those of the model. How long
// after the last one it comes is for the README; a busy machine would fail a bound on it for no fault of ours.
func TestFirstResultComesWithTheLastByte(t *testing.T) {
	t.Parallel()
	dir, m := packRandom(t, light())
	s := serve(t)
	road := &link{bytesPerSecond: 4e6}
	p := launch(t, nil).open(t, s.blank())
	p.adapter()
	eval[bool](p, script("window.engine = await createClip({ device: 'cpu' }); return true;"))
	h := s.model("light", dir)
	h.files = road.handler(h.files)
	road.bytes()
	first := eval[float64](p, script(`
			const began = performance.now();
			const clip = await createClip({ model: %q, device: 'webgpu', wait: false });
			await clip.classify(picture, ['a cat', 'a dog']);
			const first = performance.now() - began;
			await clip.dispose();
			return first;
		`, h.url)) / 1e3
	sent := road.bytes()
	manifest, err := os.Stat(filepath.Join(dir, bundle.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	if needed := storedBytes(m) + manifest.Size(); sent != needed {
		t.Errorf("%d bytes were sent, and %d are needed", sent, needed)
	}
	download := float64(sent) / road.bytesPerSecond
	t.Logf("first result after %.2f s, of which %.2f s for the bytes alone: %+.1f %%", first, download, 100*(first/download-1))
}

// TestModelRunsWhileItArrives holds the image tower's last chunk back until the labels are encoded and the tower's first
// layers have run, of which the Worker tells.
func TestModelRunsWhileItArrives(t *testing.T) {
	dir, m := packRandom(t, light())
	s := serve(t)
	chunks := m.Towers[bundle.Image].Chunks
	released := make(chan struct{})
	held := s.model("held", dir)
	held.misbehave(chunks[len(chunks)-1].File, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-released:
			held.files.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
	s.rewrite(t, "clipside/worker.js", "const models = new Map();", `const models = new Map();
		{
			const channel = new BroadcastChannel('models');
			channel.onmessage = async ({ data }) => data === '?' && channel.postMessage(await Promise.all([...models.values()].map((model) => model.info())));
		}`)
	p := launch(t, nil).open(t, s.blank())
	p.adapter()
	eval[bool](p, script(`
		window.clip = await createClip({ model: %q, device: 'webgpu', wait: false, profile: true });
		window.settled = false;
		window.classified = clip.classify(picture, ['a cat', 'a dog']).finally(() => { settled = true; });
		window.channel = new BroadcastChannel('models');
		window.told = () => new Promise((resolve) => {
			channel.onmessage = ({ data: [{ timings, profile }] }) => resolve({ text: timings.text, ops: profile.map(({ op }) => op) });
			channel.postMessage('?');
		});
		return true;
	`, held.url))
	// The towers are told apart by the width of what they compute on.
	eval[bool](p, fmt.Sprintf(`(async () => {
		for (;;) {
			const { text, ops } = await told();
			if (settled) throw new Error('the answer came before the model was there');
			if (text > 0 && ops.some((op) => op.includes('%d]'))) return true;
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	})()`, m.Config.Image.Width))
	close(released)
	if n := eval[int](p, "classified.then(({ length }) => length)"); n != 2 {
		t.Errorf("%d labels were ranked", n)
	}
}

// TestSmallModelAnswersUntilTheLargeOneHasCome holds the large model's last chunk back, and compares every answer with
// that of a Clip which has one of the models alone.
func TestSmallModelAnswersUntilTheLargeOneHasCome(t *testing.T) {
	smallDir, _ := packRandom(t, light())
	wide := light()
	wide.EmbedDim = 48
	largeDir, m := packRandom(t, wide)
	s := serve(t)
	small, large := s.model("small", smallDir), s.model("large", largeDir)
	chunks := m.Towers[bundle.Image].Chunks
	last := chunks[len(chunks)-1].File
	released := make(chan struct{})
	large.misbehave(last, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-released:
			large.files.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
	p := launch(t, nil).open(t, s.blank())
	const ask = `const texts = ['a cat', 'a dog', 'a boat'];
		const answers = async (clip) => ({ dim: clip.info.dim, scores: (await clip.classify(picture, texts)).map(({ label, score }) => label + ' ' + score.toFixed(6)).join(', '), text: [...(await clip.embedTexts('a cat'))].join() });
	`
	type answers struct {
		Dim    int
		Scores string
		Text   string
	}
	before := eval[answers](p, script(ask+`
		window.clip = await createClip({ model: [%q, %q], device: 'cpu' });
		window.upgraded = new Promise((resolve) => clip.addEventListener('upgrade', ({ detail }) => resolve(detail.dim), { once: true }));
		window.stream = clip.embedEach((function* () { for (;;) yield picture; })());
		if ((await stream.next()).value.result.length !== clip.info.dim) throw new Error('a stream of another model');
		return answers(clip);
	`, small.url, large.url))
	close(released)
	if dim := eval[int](p, "upgraded"); dim != 48 {
		t.Errorf("the event speaks of %d dimensions", dim)
	}
	// Embeddings of two models in one stream would be compared with each other.
	if ended := eval[string](p, `(async () => {
		for (let seen = 1; ; seen++) {
			const { value } = await stream.next();
			if (value.result.length !== 32) return 'an embedding of ' + value.result.length + ' numbers after ' + seen;
		}
	})().catch(({ name }) => name)`); ended != "InvalidStateError" {
		t.Errorf("the stream that had begun ends with %s", ended)
	}
	after := eval[answers](p, script(ask+"return answers(clip);"))
	alone := func(h *host) answers {
		return eval[answers](p, script(ask+`
			const one = await createClip({ model: %q, device: 'cpu' });
			const a = await answers(one);
			await one.dispose();
			return a;
		`, h.url))
	}
	if want := alone(small); before != want || before.Dim != 32 {
		t.Errorf("before: %+v, the small model alone: %+v", before, want)
	}
	if want := alone(large); after != want || after.Dim != 48 {
		t.Errorf("after: %+v, the large model alone: %+v", after, want)
	}
	eval[bool](p, "clip.dispose().then(() => true)")

	// Where the large model cannot be had, the Clip says so and stays with the small one.
	for _, chunk := range chunks {
		large.misbehave(chunk.File, status(http.StatusNotFound))
	}
	kept := eval[answers](p, script(ask+`
		const clip = await createClip({ model: [%q, %q], device: 'cpu', cache: false });
		const message = await new Promise((resolve) => clip.addEventListener('upgradeerror', ({ message }) => resolve(message), { once: true }));
		if (!message.includes('HTTP 404')) throw new Error(message);
		const a = await answers(clip);
		await clip.dispose();
		return a;
	`, small.url, large.url))
	if kept != before {
		t.Errorf("with no large model: %+v, want %+v", kept, before)
	}

	// A Clip that is disposed of keeps nothing, though the large model's manifest never comes.
	large.misbehave(bundle.ManifestName, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	eval[bool](p, script(`
		const { terminate } = Worker.prototype;
		Worker.prototype.terminate = function () { window.ended = true; return terminate.call(this); };
		const clip = await createClip({ model: [%q, %q], device: 'cpu', cache: false });
		await clip.dispose();
		return true;
	`, small.url, large.url))
	p.until("the end of the Worker", "window.ended")
}

// TestPageRefinesItsAnswers opens the page with two models: the cards show the first one's answers, and then, where they
// are, the second one's.
func TestPageRefinesItsAnswers(t *testing.T) {
	smallDir, _ := packRandom(t, light())
	wide := light()
	wide.EmbedDim = 48
	largeDir, m := packRandom(t, wide)
	s := serve(t)
	s.model("small", smallDir)
	large := s.model("large", largeDir)
	chunks := m.Towers[bundle.Image].Chunks
	released := make(chan struct{})
	large.misbehave(chunks[len(chunks)-1].File, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-released:
			large.files.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
	p := launch(t, nil).open(t, s.url+"?device=cpu&model=small,large")
	p.drop(photo("coffee.png"), photo("rocket.jpg"))
	p.settled(2)
	p.until("word of the larger model", "document.querySelector('[data-testid=progress]').dataset.state === 'following'")
	before := p.cards()
	const rects = `[...document.querySelectorAll('[data-testid=card]')].map((card) => { const { x, y, width, height } = card.getBoundingClientRect(); return [x, y, width, height].join(); }).join(' ')`
	at := eval[string](p, `(() => {
		window.shifts = [];
		new PerformanceObserver((list) => shifts.push(...list.getEntries().map(({ value }) => value))).observe({ type: 'layout-shift' });
		return `+rects+`;
	})()`)
	close(released)
	p.until("the larger model", "document.querySelector('[data-testid=progress]').dataset.state === 'ready' && !document.querySelector('.card-stale')")
	p.settled(2)
	for name, card := range p.cards() {
		same := true
		for label, score := range card.Scores {
			same = same && score == before[name].Scores[label]
		}
		if same || card.State != "done" {
			t.Errorf("%s shows what it did: %+v", name, card)
		}
	}
	if now := eval[string](p, rects); now != at {
		t.Errorf("the cards were at %s and are at %s", at, now)
	}
	// The facts beneath the bar grow and shrink by a digit.
	if shift := eval[float64](p, "shifts.reduce((sum, value) => sum + value, 0)"); shift > 0.001 {
		t.Errorf("the page jumped: layout shift %g", shift)
	}
	p.noComplaints()

	// The note that the page comes with is the starter's.
	p.run(chromedp.Navigate(s.url + "?device=cpu&model=starter,large"))
	p.press()
	p.until("the larger model", "document.getElementById('model-note').innerText === 'Model: "+m.Name+".'")
	// Without a file, and kept anew, it is on its way until all of it has come.
	last := chunks[len(chunks)-1].File
	comes := make(chan struct{})
	large.misbehave(last, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-comes:
			large.files.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
	eval[bool](p, fmt.Sprintf("(%s)(%q).then((model) => model.removeEntry(%q)).then(() => true)", keptDirectory, large.url, last))
	p.click("models-open")
	const used = "[...document.querySelectorAll('[data-testid=model]')].find((row) => row.innerText.includes('in use'))?"
	const line = used + ".querySelector('[data-testid=model-line]').innerText"
	p.until("the model in use, and what it lacks", line+".endsWith(': 1 file missing')")
	if name := eval[string](p, used+".dataset.name"); name != m.Name {
		t.Errorf("%s is in use", name)
	}
	eval[bool](p, "("+used+".querySelector('[data-testid=model-keep]').click(), true)")
	p.until("its way", line+" === 'On its way'")
	close(comes)
	p.until("its end", line+" !== 'On its way'")
	if told := eval[string](p, line); !strings.HasSuffix(told, "MB kept") {
		t.Errorf("of the larger model it says %q", told)
	}
	p.noComplaints()
}
