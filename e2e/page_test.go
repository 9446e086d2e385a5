package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// answer is a card of the page.
type answer struct {
	Name   string             `json:"name"`
	State  string             `json:"state"`
	Error  string             `json:"error"`
	Scores map[string]float64 `json:"scores"`
	Order  []string           `json:"order"` // labels as shown, top to bottom
}

const readCards = `[...document.querySelectorAll('[data-testid=card]')].map((card) => {
	const bars = [...card.querySelectorAll('[data-testid=bar]')].sort((a, b) => a.offsetTop - b.offsetTop); // where they are on their way to
	return {
		name: card.dataset.name, state: card.dataset.state, error: card.querySelector('[data-testid=card-error]').innerText,
		scores: Object.fromEntries(bars.map((b) => [b.dataset.label, Number(b.dataset.score)])),
		order: bars.map((b) => b.dataset.label),
	};
})`

func (p *tab) cards() map[string]answer {
	p.Helper()
	byName := map[string]answer{}
	for _, c := range eval[[]answer](p, readCards) {
		byName[c.Name] = c
	}
	return byName
}

// ready is asked of pages that are being loaded, too: documents without an element.
const ready = "document.documentElement?.dataset.ready === 'true'"

// readiness is what the page says of working offline.
const readiness = "document.querySelector('[data-testid=badge]')?.dataset.state"

// press asks for the model as a person does, where it is not kept and so does not come by itself.
func (p *tab) press() {
	p.Helper()
	p.until("the model or the offer of it", ready+" || document.querySelector('[data-testid=model-get]')?.checkVisibility()")
	if !eval[bool](p, ready) {
		p.click("model-get")
	}
}

// model waits until the model is there, and neither it nor the service worker asks the network for anything more.
func (p *tab) model() {
	p.Helper()
	p.press()
	p.until("the model", ready)
	p.until("the page to be kept", readiness+" === 'ready'")
}

// drop gives files to the page as a person choosing them does.
func (p *tab) drop(files ...string) {
	p.Helper()
	for i, f := range files {
		abs, err := filepath.Abs(f)
		if err != nil {
			p.Fatal(err)
		}
		files[i] = abs
	}
	if p.other == nil {
		p.run(chromedp.SetUploadFiles("[data-testid=drop-input]", files))
	} else if err := p.other.SetFiles(p.Context(), "[data-testid=drop-input]", files...); err != nil {
		p.Fatal(err)
	}
}

func (p *tab) click(testid string) {
	p.Helper()
	selector := "[data-testid=" + testid + "]"
	if p.other == nil {
		p.run(chromedp.Click(selector))
	} else if err := p.other.Click(p.Context(), selector); err != nil {
		p.Fatal(err)
	}
}

// enter is the key, as WebDriver has it.
const enter = "\ue007"

// label adds a label as a person does.
func (p *tab) label(text string) {
	p.Helper()
	if p.other == nil {
		p.run(chromedp.SendKeys("[data-testid=label-input]", text+kb.Enter))
		return
	}
	p.click("label-input")
	if err := p.other.Type(p.Context(), text+enter); err != nil {
		p.Fatal(err)
	}
}

func photo(name string) string { return filepath.Join(root, "testdata/photos", name) }

// settled waits until n cards are done or failed, and nothing moves any more.
func (p *tab) settled(n int) {
	p.Helper()
	p.until(fmt.Sprintf("%d settled cards", n), fmt.Sprintf(
		`document.querySelectorAll('[data-testid=card][data-state=done], [data-testid=card][data-state=error]').length === %d
		&& document.getAnimations().every((a) => a.playState === 'finished')`, n))
}

// answered waits until n cards are settled, and fails the test unless the picture's best label is this.
func (p *tab) answered(n int, name, best string) {
	p.Helper()
	p.settled(n)
	if c := p.cards()[name]; c.State != "done" || len(c.Order) == 0 || c.Order[0] != best {
		p.Errorf("%s is answered by %+v", name, c)
	}
}

// noComplaints fails the test if the page wrote an error to the console that is not expected.
func (p *tab) noComplaints(expected ...string) {
	p.Helper()
next:
	for _, c := range p.complaints() {
		for _, e := range expected {
			if strings.Contains(c, e) {
				continue next
			}
		}
		p.Errorf("the page complained: %s", c)
	}
}

type starterGolden struct {
	Labels []string
	Images []struct {
		File  string
		Probs []float64
	}
}

func readStarterGolden(t testing.TB) (g starterGolden) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "models/starter/golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil || len(g.Images) != 4 || len(g.Labels) != 6 {
		t.Fatalf("starter's golden.json: %v, %d images, %d labels", err, len(g.Images), len(g.Labels))
	}
	return g
}

// check drops the golden photos and compares what the page says of them.
func (g starterGolden) check(t *testing.T, p *tab) {
	t.Helper()
	var files []string
	for _, i := range g.Images {
		files = append(files, photo(i.File))
	}
	p.drop(files...)
	p.settled(len(files))
	cards := p.cards()
	for _, i := range g.Images {
		card := cards[i.File]
		best := 0
		for l, want := range i.Probs {
			if got := card.Scores[g.Labels[l]]; math.Abs(got-want) > 0.005 {
				t.Errorf("%s: %s at %.4f, want %.4f", i.File, g.Labels[l], got, want)
			}
			if want > i.Probs[best] {
				best = l
			}
		}
		if len(card.Order) == 0 || card.Order[0] != g.Labels[best] {
			t.Errorf("%s: shown order %v, want %s first", i.File, card.Order, g.Labels[best])
		}
	}
}

// checkWithAnother is check, and then adds a label, of a page that runs on device.
func (g starterGolden) checkWithAnother(t *testing.T, p *tab, device string) {
	t.Helper()
	g.check(t, p)
	p.label("bicycle")
	p.until("the new label's scores", readCards+".every((card) => card.scores.bicycle > 0)")
	if got := eval[string](p, "document.querySelector('[data-testid=status]').dataset.device"); got != device {
		t.Errorf("the page says it runs on %q, want %q", got, device)
	}
	p.noComplaints()
}

func TestPhotosFindTheirLabels(t *testing.T) {
	t.Parallel()
	g := readStarterGolden(t)
	b := launchChromium(t, nil)
	for _, device := range []string{"webgpu", "cpu"} {
		t.Run(device, func(t *testing.T) {
			s := serve(t)
			p := b.open(t, s.url+"?device="+device)
			t.Log("adapter:", p.adapter())
			p.model()
			loaded := s.requests()
			g.check(t, p)
			for _, path := range s.requests() {
				if path != "sw.js" { // the browser looks for a newer one when it sees fit
					t.Errorf("classifying asked the network for %q", path)
				}
			}
			for _, path := range loaded {
				if strings.Contains(path, "..") || strings.HasPrefix(path, "models/") && !strings.HasPrefix(path, "models/starter/") && path != "models/index.json" {
					t.Errorf("loading asked for %q", path)
				}
			}
			if got := eval[string](p, "document.querySelector('[data-testid=status]').dataset.device"); got != device {
				t.Errorf("the page says it runs on %q, want %q", got, device)
			}
			p.noComplaints()
		})
	}
}

func TestPageWorksBeforeTheModelIsThere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	hold := make(chan struct{})
	s.mu.Lock()
	s.extras["models/"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
		http.StripPrefix("/some/where/", http.FileServer(http.Dir(dist(t)))).ServeHTTP(w, r)
	})
	s.mu.Unlock()
	p := launch(t, nil).open(t, s.url+"?device=webgpu")
	p.adapter()
	p.drop(photo("coffee.png"))
	p.until("a waiting card", "document.querySelector('[data-testid=card][data-state=waiting]')")
	p.label("bicycle")
	p.until("the new label", "document.querySelector('[data-testid=chip][data-label=bicycle]')")
	height := "document.querySelector('[data-testid=card]').getBoundingClientRect().height"
	before := eval[float64](p, height)
	close(hold)
	p.until("the model", ready)
	p.settled(1)
	if after := eval[float64](p, height); after != before {
		t.Errorf("the card was %v px high while it waited and is %v px now", before, after)
	}
	if c := p.cards()["coffee.png"]; c.Order[0] != "cup of coffee" || c.Scores["bicycle"] == 0 {
		t.Errorf("the queued picture's answer: %+v", c)
	}
	p.noComplaints()
}

func TestLabelsChangeTheAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launch(t, nil).open(t, s.url+"?device=cpu")
	p.model()
	p.run(chromedp.Click("[data-sample='rocket.jpg']"))
	p.settled(1)
	if c := p.cards()["rocket.jpg"]; len(c.Order) == 0 || c.Order[0] != "rocket" {
		t.Fatalf("the sample's answer: %+v", c)
	}
	// The template changes every probability.
	before := p.cards()["rocket.jpg"].Scores["rocket"]
	eval[bool](p, "document.querySelector('[data-testid=template-input]').select() ?? true")
	p.run(chromedp.SendKeys("[data-testid=template-input]", "a drawing of a {}."))
	p.until("another answer", fmt.Sprintf(
		`((score) => score !== undefined && score != %v)(document.querySelector('[data-testid=card][data-state=done]:not(.card-stale) [data-label=rocket]')?.dataset.score)`, before))

	// While there is nothing to ask, nothing can be taken away as if it were the answer.
	const takeable = "!document.querySelector('[data-testid=results-copy]').disabled"
	p.until("the results to be taken", takeable)
	eval[bool](p, "document.querySelector('[data-testid=template-input]').select() ?? true")
	p.run(chromedp.SendKeys("[data-testid=template-input]", "no place in it"))
	p.until("word of what is missing", "document.querySelector('[data-testid=card-time]').innerText === 'Waiting for a template'")
	if eval[bool](p, takeable) {
		t.Error("results of another template can be taken")
	}
	p.click("template-reset")
	p.until("the answer", takeable)

	// A word that is being typed is no label because the person looks at another window.
	labels := func() int { return eval[int](p, "document.querySelectorAll('[data-testid=chip]').length") }
	p.run(chromedp.SendKeys("[data-testid=label-input]", "half a wo"))
	eval[bool](p, "document.activeElement.dispatchEvent(new FocusEvent('blur'))")
	if n := labels(); n != 6 {
		t.Errorf("half a word made %d labels of 6", n)
	}
	// Cells of a spreadsheet are on the clipboard as a picture too.
	eval[bool](p, `(() => {
		const clipboardData = new DataTransfer();
		clipboardData.setData('text/plain', 'rd\tapple\tpear');
		clipboardData.items.add(new File(['a picture of cells'], 'image.png', { type: 'image/png' }));
		return document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
	})()`)
	if n, cards := labels(), len(p.cards()); n != 10 || cards != 1 {
		t.Errorf("after three cells were pasted behind half a word there are %d labels and %d pictures", n, cards)
	}
	p.settled(1)
	p.click("clear")
	if eval[bool](p, "document.querySelector('[data-testid=results-tools]').checkVisibility()") {
		t.Error("without pictures there are results to take")
	}
	p.noComplaints()
}

// TestAnotherModelTakesOver: pictures, labels and template stay, even where the model before is still on its way, and the
// browser's way back leads to the model before.
func TestAnotherModelTakesOver(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.add("models/twin/", filepath.Join(dist(t), "models/starter"))
	s.mu.Lock()
	s.extras["models/index.json"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `[{"name":"starter","path":"starter/","bytes":9342207},{"name":"twin","path":"twin/","bytes":9342207}]`)
	})
	s.extras["models/starter/"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s.extras["sw.js"] = http.NotFoundHandler() // the shell would have its own list of models
	s.mu.Unlock()
	p := launch(t, nil).open(t, s.url+"?device=cpu")
	p.drop(photo("coffee.png"))
	p.label("bicycle")
	eval[bool](p, "document.querySelector('[data-testid=template-input]').select() ?? true")
	p.run(chromedp.SendKeys("[data-testid=template-input]", "a drawing of a {}."))
	answers := func(name string) {
		t.Helper()
		p.until("the model", ready)
		p.settled(1)
		p.until("its answer", "!document.querySelector('.card-stale')")
		if at := eval[string](p, "location.search"); at != "?model="+name+"&device=cpu" {
			t.Errorf("the page is at %q", at)
		}
		if c := p.cards()["coffee.png"]; c.State != "done" || c.Scores["bicycle"] == 0 {
			t.Errorf("%s's answer: %+v", name, c)
		}
		if template := eval[string](p, "document.querySelector('[data-testid=template-input]').value"); template != "a drawing of a {}." {
			t.Errorf("the template is %q", template)
		}
	}
	use := func(name string) {
		t.Helper()
		p.click("models-open")
		p.until("the choice", "document.querySelector('[data-testid=model][data-name="+name+"] [data-testid=model-use]')")
		p.run(chromedp.Click("[data-testid=model][data-name=" + name + "] [data-testid=model-use]"))
		answers(name)
	}
	p.until("the model on its way", "document.querySelector('[data-testid=progress-text]').innerText.startsWith('Fetching')")
	use("twin")
	s.add("models/starter/", filepath.Join(dist(t), "models/starter"))
	use("starter")
	if note := eval[string](p, "document.querySelector('#model-note').innerText"); !strings.Contains(note, "small demonstration") {
		t.Errorf("of the starter it says %q", note)
	}
	if stays := eval[bool](p, `new Promise((resolve) => {
		addEventListener('hashchange', () => resolve(document.documentElement.dataset.ready === 'true'));
		location.hash = 'elsewhere';
	})`); !stays {
		t.Error("a fragment in the address lost the model")
	}
	eval[bool](p, "(history.go(-2), true)")
	p.until("the model before", "location.search.includes('twin') && !document.querySelector('#model-note').innerText.includes('small demonstration')")
	answers("twin")
	p.noComplaints("404") // sw.js
}

// TestManyLabels: a thousand labels are not a thousand bars at each picture, nor a thousand chips unless they are asked
// for, and leave the template in sight.
func TestManyLabels(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launch(t, nil).open(t, "")
	p.beforeScripts(`(() => {
		window.heard = 0; // messages of Workers
		window.Worker = class extends Worker {
			constructor(...args) { super(...args); this.addEventListener('message', () => heard++); }
		};
	})()`)
	p.run(chromedp.Navigate(s.url+"?device=cpu"), chromedp.EmulateViewport(1280, 800))
	p.model()
	paste := func(labels int) {
		t.Helper()
		eval[bool](p, fmt.Sprintf(`(() => {
			const clipboardData = new DataTransfer();
			clipboardData.setData('text/plain', Array.from({ length: %d }, (_, i) => 'thing ' + i).join());
			return document.querySelector('[data-testid=label-input]').dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
		})()`, labels))
	}
	paste(1000)
	p.drop(photo("coffee.png"), photo("rocket.jpg"), photo("chelsea.png"))
	p.settled(3)
	p.until("the answers", "!document.querySelector('.card-stale')")
	bars := func() int { return eval[int](p, "document.querySelectorAll('[data-testid=bar]').length") }
	if n := bars(); n != 3*8 {
		t.Errorf("three pictures show %d bars", n)
	}
	p.click("bars-more")
	if n := bars(); n != 1006+2*8 {
		t.Errorf("with all labels of the first picture there are %d bars", n)
	}
	p.click("bars-more")
	if n := bars(); n != 3*8 {
		t.Errorf("folded again, three pictures show %d bars", n)
	}
	if bottom := eval[float64](p, "(scrollTo(0, 1e6), document.querySelector('[data-testid=template-input]').getBoundingClientRect().bottom)"); bottom > 800 {
		t.Errorf("the template ends %v px down a window of 800", bottom)
	}
	eval[bool](p, "(scrollTo(0, 0), document.querySelector('[data-testid=chips]').scrollTop = 0, true)")
	p.click("chip-remove")
	if at := eval[string](p, "document.querySelector('[data-testid=chips]').scrollTop + ' ' + document.activeElement.textContent"); at != "0 dog" {
		t.Errorf("after the first label was removed the field is scrolled, and the focus, at %s", at)
	}

	// Work that nobody waits for any more ends: what was under way is still answered, but nothing after it.
	paste(8000)
	p.until("the work", "document.querySelector('[data-testid=card-time]').textContent.includes('%')")
	eval[bool](p, "(window.atEnd = heard, document.querySelector('[data-testid=clear]').click(), true)")
	chips := func() int { return eval[int](p, "document.querySelectorAll('[data-testid=chip]').length") }
	if n := chips(); n != 500 {
		t.Errorf("of 9000 labels %d are shown at first", n)
	}
	if n := eval[int](p, `(async () => {
		for (let seen; seen !== heard;) {
			seen = heard;
			await new Promise((resolve) => setTimeout(resolve, 2000));
		}
		return heard - atEnd;
	})()`); n > 10 { // where the work goes on they are dozens
		t.Errorf("after all pictures were removed %d messages still came", n)
	}
	p.click("chips-more")
	if n := chips(); n < 8000 {
		t.Errorf("of all labels %d are shown", n)
	}
	if at := eval[string](p, "document.activeElement.textContent + ' ' + document.querySelectorAll('.chip-text[tabindex=\"0\"]').length"); at != "thing 495 1" {
		t.Errorf("then the focus, of so many tab stops, is on %s", at)
	}
	p.noComplaints()
}

// TestPageIsAccessible looks at the page with axe-core in every state and both colour schemes, at every width, and walks
// it with keys alone.
func TestPageIsAccessible(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := launch(t, nil)
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			p := b.open(t, "")
			p.media(scheme, "reduce")
			p.run(chromedp.Navigate(s.url + "?device=cpu"))
			looks := func(state string) {
				t.Helper()
				for _, width := range []int64{320, 360, 768, 1440} {
					p.run(chromedp.EmulateViewport(width, 800))
					if over := eval[float64](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
						t.Errorf("%s, at %d px: the page is %v px too wide", state, width, over)
					}
				}
				p.axe(state)
			}
			p.model()
			looks("empty")
			p.run(chromedp.EmulateViewport(320, 800))
			if heights := eval[int](p, `(() => {
				const [line, badge, install] = ['.app', '#badge', '#install'].map((selector) => document.querySelector(selector));
				const [text, { hidden }] = [badge.textContent, install];
				const heights = new Set(['', 'Ready to work offline', 'Works online only'].flatMap((said) => [true, false].map((without) => {
					badge.textContent = said;
					install.hidden = without;
					return line.offsetHeight;
				})));
				badge.textContent = text;
				install.hidden = hidden;
				return heights.size;
			})()`); heights != 1 {
				t.Errorf("by what the line at the top says, it has %d heights", heights)
			}
			p.drop(photo("coffee.png"), photo("truncated.jpg"))
			p.settled(2)
			looks("with a result and an error")
			p.run(chromedp.SendKeys("[data-testid=label-input]", strings.Repeat("Donaudampfschifffahrt", 4)+","+strings.Repeat("שלום ", 30)+","+strings.Repeat("a, word, of, many, ", 3)+kb.Enter))
			looks("with long labels, while they are looked for")
			p.until("fresh answers", "!document.querySelector('.card-stale')")
			p.settled(2)
			looks("with long labels")
			if cut := eval[[]string](p, `(() => {
				document.documentElement.style.fontSize = '200%';
				const cut = [...document.querySelectorAll('.chip-text, .bar, .field')].filter((e) => e.scrollHeight > e.clientHeight);
				document.documentElement.style.fontSize = '';
				return cut.map((e) => e.className);
			})()`); len(cut) > 0 {
				t.Errorf("text of twice the size is cut off in %q", cut)
			}
			if out := eval[[]string](p, `[...document.querySelectorAll('.chip-text, .bar-label')].filter((e) => {
				const [word, around] = [new Range(), e.getBoundingClientRect()];
				word.setStart(e.firstChild, 0);
				word.setEnd(e.firstChild, 1);
				const { left, right } = word.getBoundingClientRect();
				return left < around.left - 1 || right > around.right + 1;
			}).map((e) => e.className + ' ' + e.textContent)`); len(out) > 0 {
				t.Errorf("the beginning is cut off of %q", out)
			}
			p.click("models-open")
			p.until("the panel", "document.querySelector('[data-testid=models-room]').innerText !== ''")
			looks("with the panel of models")
			p.run(chromedp.KeyEvent(kb.Escape))
			if eval[bool](p, "document.querySelector('[data-testid=models]').open") {
				t.Error("Escape does not close the panel")
			}
			p.run(chromedp.Navigate(s.url + "?device=cpu&model=nowhere"))
			p.press()
			p.until("the model's error", "!document.querySelector('[data-testid=model-error]').hidden")
			looks("without a model")
			eval[any](p, "document.querySelector('[data-testid=retry]').focus()")
			p.run(chromedp.KeyEvent(kb.Enter))
			p.until("the error of the second time", "document.querySelector('[data-testid=retry]') && document.activeElement.dataset.testid !== 'retry'")
			if at := eval[string](p, "document.activeElement.className"); at != "engine" {
				t.Errorf("after the button was used up the focus is on %q", at)
			}
		})
	}

	t.Run("by keys alone", func(t *testing.T) {
		p := b.open(t, s.url+"?device=cpu")
		p.model()
		p.run(chromedp.Reload()) // the walk begins at the top, and not where the mouse has been
		p.model()
		// Everything that can be used is reached once, each with a ring, and in the order in which it stands there.
		var walked []string
		for range 100 {
			p.run(chromedp.KeyEvent(kb.Tab))
			at := eval[string](p, `(() => {
				const at = document.activeElement;
				if (at === document.body || at.dataset.walked) return '';
				at.dataset.walked = true;
				const around = { 'drop-input': '.drop', 'chips-input': '.chips', 'chip-text': '.chip' }[at.className];
				const { outlineStyle } = getComputedStyle(around ? at.closest(around) : at);
				return (at.id || at.className || at.localName) + (outlineStyle === 'none' ? ' without a ring' : '');
			})()`)
			if at == "" {
				break
			}
			walked = append(walked, at)
			if strings.Contains(at, "without a ring") {
				t.Errorf("the focus is on %s", at)
			}
		}
		missed := eval[[]string](p, `[...document.querySelectorAll('a[href], button, input')]
			.filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.tabIndex >= 0 && !e.dataset.walked).map((e) => e.id || e.className)`)
		if len(walked) < 15 || len(missed) > 0 {
			t.Errorf("the walk %q missed %q", walked, missed)
		}
		eval[any](p, "document.querySelector('[data-sample=\"rocket.jpg\"]').focus()")
		p.run(chromedp.KeyEvent(kb.Enter))
		p.settled(1)
		const live = "document.querySelector('[data-testid=live]').textContent"
		p.until("what a screen reader hears of the sample", live+".includes('rocket')")
		eval[any](p, "("+live+" = '', document.querySelector('[data-testid=label-input]').focus())")
		p.run(chromedp.KeyEvent("bicycle"), chromedp.KeyEvent(kb.Enter))
		p.until("the label", "document.querySelector('[data-testid=chip][data-label=bicycle]')")
		p.until("what it hears of the new answer", live+".includes('rocket')")
		p.noComplaints()
	})
}

// TestCamera: whatever happens while it starts and runs, it is off once its dialog is closed.
func TestCamera(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := launchChromium(t, map[string]any{"use-fake-device-for-media-stream": true, "auto-accept-camera-and-microphone-capture": true}).open(t, "")
	p.beforeScripts(`(() => {
		window.cameras = [];
		window.answers = [];
		const { getUserMedia } = MediaDevices.prototype;
		MediaDevices.prototype.getUserMedia = async function (asked) {
			await new Promise((resolve) => answers.push(resolve));
			const camera = await getUserMedia.call(this, asked);
			cameras.push(camera);
			return camera;
		};
	})()`)
	p.run(chromedp.Navigate(s.url))
	open := func(n int) {
		t.Helper()
		p.until("the button", "!document.querySelector('[data-testid=camera-open]').hidden")
		p.click("camera-open")
		p.until("the question", fmt.Sprintf("answers.length === %d", n))
	}
	on := "cameras.filter((camera) => camera.active).length"
	runs := "!document.querySelector('[data-testid=camera-take]').disabled"

	// Opened again while the browser still asks whether it may.
	open(1)
	p.run(chromedp.KeyEvent(kb.Escape))
	open(2)
	eval[any](p, "answers.forEach((answer) => answer())")
	p.until("the camera", "cameras.length === 2 && "+runs)
	if n := eval[int](p, on); n != 1 {
		t.Errorf("%d cameras are on", n)
	}
	p.click("camera-close")
	p.until("the end", on+" === 0")

	// Unplugged.
	open(3)
	eval[any](p, "answers.at(-1)()")
	p.until("the camera", "cameras.length === 3 && "+runs)
	eval[any](p, "(() => { const [track] = cameras.at(-1).getTracks(); track.stop(); track.dispatchEvent(new Event('ended')); })()")
	if text := p.text("camera-message"); !strings.Contains(text, "has stopped") || eval[bool](p, runs) {
		t.Errorf("of a camera that is gone it says %q", text)
	}
	p.click("camera-close")

	open(4)
	eval[any](p, "answers.at(-1)()")
	p.until("the camera", "cameras.length === 4 && "+runs)
	p.click("camera-take")
	p.until("the photo", "document.querySelector('[data-testid=card]')?.dataset.name.startsWith('Photo')")
	if n := eval[int](p, on); n != 0 {
		t.Errorf("%d cameras are on", n)
	}
	p.noComplaints()
}

// TestFaults: each shows its own error where it belongs, and the page goes on working.
func TestFaults(t *testing.T) {
	t.Parallel()
	b := launch(t, nil)
	s := serve(t)

	t.Run("a JPEG cut short", func(t *testing.T) {
		p := b.open(t, s.url+"?device=cpu")
		p.model()
		p.drop(photo("truncated.jpg"), photo("coffee.png"))
		p.settled(2)
		cards := p.cards()
		if c := cards["truncated.jpg"]; c.State != "error" || !strings.Contains(c.Error, "cut short") {
			t.Errorf("the broken picture: %+v", c)
		}
		if c := cards["coffee.png"]; c.State != "done" || c.Order[0] != "cup of coffee" {
			t.Errorf("the picture beside it: %+v", c)
		}
		p.noComplaints("Failed to load resource") // the broken picture's own thumbnail
	})

	t.Run("no labels", func(t *testing.T) {
		p := b.open(t, s.url+"?device=cpu")
		p.model()
		for range 6 {
			p.run(chromedp.Click("[data-testid=chip-remove]"))
		}
		p.drop(photo("coffee.png"))
		p.until("a word about labels", `document.querySelector('[data-testid=labels-message]').innerText.trim() !== '' && document.querySelectorAll('[data-testid=chip]').length === 0`)
		if kind := eval[string](p, "document.querySelector('[data-testid=labels-message]').dataset.kind"); kind != "error" {
			t.Errorf("an empty list of labels is told as %q", kind)
		}
		p.run(chromedp.SendKeys("[data-testid=label-input]", "cup of coffee, dog"+kb.Enter))
		p.settled(1)
		if c := p.cards()["coffee.png"]; c.State != "done" || c.Order[0] != "cup of coffee" {
			t.Errorf("after labels were typed: %+v", c)
		}
		p.noComplaints()
	})

	t.Run("no such model", func(t *testing.T) {
		p := b.open(t, s.url+"?model=nowhere")
		p.adapter()
		p.press()
		p.until("the model's error", "!document.querySelector('[data-testid=model-error]').hidden")
		if text := eval[string](p, "document.querySelector('[data-testid=model-error]').innerText"); !strings.Contains(text, "nowhere") {
			t.Errorf("the error says %q", text)
		}
		if eval[bool](p, "import(new URL('clipside.js', location.origin + location.pathname).href).then(({ listModels }) => listModels()).then((kept) => kept.some(({ url }) => url.includes('nowhere')))") {
			t.Error("of a model that is not there something is kept")
		}
		s.add("models/nowhere/", filepath.Join(dist(t), "models/starter"))
		p.run(chromedp.Click("[data-testid=retry]"))
		p.until("the model, after a retry", ready)
		p.drop(photo("coffee.png"))
		p.settled(1)
		if c := p.cards()["coffee.png"]; c.State != "done" {
			t.Errorf("after the retry: %+v", c)
		}
		p.noComplaints("404")
	})

	t.Run("no WebGPU", func(t *testing.T) {
		b := launch(t, map[string]any{"enable-unsafe-webgpu": false, "disable-features": "WebGPU,WebGPUService", "disable-blink-features": "WebGPU"})
		p := b.open(t, s.url)
		if eval[bool](p, "(async () => navigator.gpu !== undefined && !!(await navigator.gpu.requestAdapter()))()") {
			t.Fatal("this browser has WebGPU all the same")
		}
		p.model()
		p.drop(photo("coffee.png"))
		p.settled(1)
		if c := p.cards()["coffee.png"]; c.State != "done" || c.Order[0] != "cup of coffee" {
			t.Errorf("on the CPU: %+v", c)
		}
		status := eval[string](p, "document.querySelector('[data-testid=status]').innerText")
		if !strings.Contains(status, "CPU") || !strings.Contains(status, "WebGPU is not available") {
			t.Errorf("the status says %q", status)
		}
		p.noComplaints()

		p = b.open(t, s.url+"?device=webgpu")
		p.until("the error", "!document.querySelector('[data-testid=model-error]').hidden")
		if text := eval[string](p, "document.querySelector('[data-testid=model-error]').innerText"); !strings.Contains(text, "WebGPU") {
			t.Errorf("the error says %q", text)
		}
	})
}
