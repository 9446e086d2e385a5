package tokenizer

import (
	"html"
	"strings"
	"testing"
)

// forgotten are two entities of HTML that package html has commented out.
var forgotten = map[string]string{"nGt;": "≫\u20d2", "nLt;": "≪\u20d2"}

func TestEntitiesAreThoseOfHTML(t *testing.T) {
	for name, text := range entities() {
		if want, ok := forgotten[name]; ok {
			if text != want {
				t.Errorf("%s is %q, want %q", name, text, want)
			}
			continue
		}
		if want := html.UnescapeString("&" + name); text != want {
			t.Errorf("%s is %q, want %q", name, text, want)
		}
		if bare, ok := strings.CutSuffix(name, ";"); ok {
			if _, known := entities()[bare]; known != (html.UnescapeString("&"+bare) == text) {
				t.Errorf("%s without a semicolon: %v", bare, known)
			}
		} else if len(name) > longestBare {
			t.Errorf("%s is longer than %d", name, longestBare)
		}
	}
	if len(entities()) != 2231 { // as many as HTML has
		t.Errorf("%d entities", len(entities()))
	}
}

func TestUnescapeNamed(t *testing.T) {
	for _, text := range []string{"", "&", "&&", "a&amp;b", "&amp", "&ampa", "&am", "&notit;", "&notin;", "&NewLine;&Tab;", "&bne;", "&lt;&gt",
		"&unknown;", "&;", "&amp;lt;", "é&eacute;é", "&EACUTE;", "&zwnj;&nbsp", "&acE;", "&CounterClockwiseContourIntegral;", "&sup1", "&sup;", "&a&b;&quot", "&\xff;"} {
		if got, want := unescapeNamed(text), html.UnescapeString(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestNumericEntitiesAreReadAsWindows1252(t *testing.T) {
	for code := range len(windows1252) {
		entity := "&#x" + string("89"[code/16]) + string("0123456789abcdef"[code%16]) + ";"
		if got, want := unescape(entity), html.UnescapeString(entity); got != want {
			t.Errorf("%s is %q, want %q", entity, got, want)
		}
	}
	if got := unescape("&#13;"); got != "\r" {
		t.Errorf("&#13; is %q", got)
	}
}

func FuzzUnescapeNamed(f *testing.F) {
	f.Add("a &amp; b &notit; &#38;")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "#", "") // numeric ones are another function's
		for name := range forgotten {
			text = strings.ReplaceAll(text, name, "")
		}
		if got, want := unescapeNamed(text), html.UnescapeString(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	})
}
