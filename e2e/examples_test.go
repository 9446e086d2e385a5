package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// choose gives a file to a file input of the page.
func (p *tab) choose(selector, file string) {
	p.Helper()
	abs, err := filepath.Abs(file)
	if err != nil {
		p.Fatal(err)
	}
	p.run(chromedp.SetUploadFiles(selector, []string{abs}))
}

// TestExamples opens every page in site/examples as a build leaves it, and uses it as a visitor would. Chromium shows
// its test picture for a camera.
func TestExamples(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := launchChromium(t, map[string]any{"use-fake-device-for-media-stream": true, "use-fake-ui-for-media-stream": true})
	text := func(p *tab, selector string) string {
		p.Helper()
		return eval[string](p, "document.querySelector("+js(selector)+").textContent")
	}
	withFile := func(p *tab) {
		p.choose("#file", photo("coffee.png"))
		p.until("the result", "document.querySelector('#result li')")
		if got := text(p, "#result li"); !strings.HasPrefix(got, "cup of coffee") {
			p.Errorf("it says %q", got)
		}
	}
	examples := map[string]func(*tab){
		"plain": withFile,
		"react": withFile,
		"vue":   withFile,
		"widget": func(p *tab) {
			p.until("the elements", "document.querySelector('#german').shadowRoot")
			p.give("#german", ".input", photo("coffee.png"), photo("rocket.jpg"))
			if got := p.classified("#german", 2); len(got) != 2 {
				p.Errorf("the German one says %q", got)
			}
			if got := eval[string](p, inside("#german", ".clear")+".innerText"); got != "Leeren" {
				p.Errorf("the German one's button says %q", got)
			}
			if got := eval[string](p, "getComputedStyle("+inside("#themed", ".title")+").fontStyle"); got != "italic" {
				p.Errorf("the themed one's title is %s", got)
			}
			p.give("[name=kind]", ".input", photo("rocket.jpg"))
			p.classified("[name=kind]", 1)
			p.run(chromedp.Click("#form .button"))
			if got := text(p, "#sent"); got != "who=&kind=rocket" {
				p.Errorf("the form would send %q", got)
			}
		},
		"pipeline": func(p *tab) {
			p.run(chromedp.Click("#run"))
			p.until("the end", "document.querySelector('#status').textContent === 'Done.'")
			if got := eval[string](p, "JSON.parse(document.querySelector('#result').textContent)[0].label"); got != "cat" {
				p.Errorf("the best is %q", got)
			}
		},
		"alt-text": func(p *tab) {
			p.run(chromedp.Click("#propose"))
			p.until("the end", "document.querySelector('#status').textContent.startsWith('Please read')")
			alts := eval[[]string](p, "[...document.querySelectorAll('#pictures img')].map((i) => i.alt)")
			// Of the cat the starter model is not sure enough to propose anything.
			if want := []string{"", "A cup of coffee", "A rocket", "A person"}; !slices.Equal(alts, want) {
				p.Errorf("it proposes %q, want %q", alts, want)
			}
			if !eval[bool](p, "[...document.querySelectorAll('#pictures input')].every((f, i) => f.value === document.images[i].alt)") {
				p.Error("the fields say something else")
			}
		},
		"moderation": func(p *tab) {
			p.choose("#file", photo("astronaut.png"))
			p.until("the refusal", "document.querySelector('#verdict').textContent.startsWith('Stopped')")
			if !eval[bool](p, "document.querySelector('#send').disabled") {
				p.Error("it can be sent nevertheless")
			}
			p.choose("#file", photo("coffee.png"))
			p.until("the consent", "document.querySelector('#verdict').textContent.startsWith('Nobody in it') && !document.querySelector('#send').disabled")
			p.choose("#file", photo("truncated.jpg"))
			p.until("the doubt", "document.querySelector('#verdict').textContent.startsWith('It could not be checked')")
			if !eval[bool](p, "document.querySelector('#send').disabled") {
				p.Error("what could not be checked can be sent")
			}
		},
		"search": func(p *tab) {
			p.until("the element", "document.querySelector('clip-search').shadowRoot")
			eval[any](p, listen)
			eval[any](p, inside("clip-search", ".input")+".focus()")
			p.run(chromedp.KeyEvent("rocket\r"))
			p.until("the answer", "heard.some(({ type }) => type === 'clip-result')")
			if got := eval[string](p, inside("clip-search", ".best .name")+".innerText"); got != "Falcon 9" {
				p.Errorf("the rocket is %q", got)
			}
			p.choose("#files", photo("coffee.png"))
			p.until("the own picture", inside("clip-search", ".name")+".innerText === 'coffee.png'")
		},
		"webcam": func(p *tab) {
			p.run(chromedp.Click("#start"))
			p.until("a few frames", "/^Frame ([3-9]|\\d\\d)/.test(document.querySelector('#status').textContent)")
			if n := eval[int](p, "document.querySelectorAll('#result li').length"); n != 4 {
				p.Errorf("there are %d labels", n)
			}
			p.run(chromedp.Click("#stop"))
			p.until("the end", "document.querySelector('#status').textContent === 'Stopped.'")
			if eval[bool](p, "document.querySelector('#video').srcObject.active") {
				p.Error("the camera is still on")
			}
		},
	}

	index := b.open(t, s.url+"examples/")
	var linked []string
	for _, href := range eval[[]string](index, "[...document.querySelectorAll('.list a')].map((a) => a.getAttribute('href'))") {
		linked = append(linked, strings.TrimSuffix(href, "/index.html"))
	}
	index.noComplaints()
	for name := range examples {
		if !slices.Contains(linked, name) {
			t.Errorf("the list does not name %s", name)
		}
	}
	for _, name := range linked {
		t.Run(name, func(t *testing.T) {
			use, ok := examples[name]
			if !ok {
				t.Fatal("no test uses it")
			}
			p := b.open(t, s.url+"examples/"+name+"/index.html")
			use(p)
			p.axe("afterwards")
			p.run(chromedp.EmulateViewport(360, 640))
			if over := eval[float64](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
				t.Errorf("at 360 px the page is %v px too wide", over)
			}
			p.noComplaints()
		})
	}
}
