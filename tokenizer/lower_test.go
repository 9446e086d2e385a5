//go:build !js

package tokenizer

import (
	"testing"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// Package cases knows Unicode's full mapping, and is too large for the browser.
func TestLowerMapsEveryCharacterAsUnicodeSays(t *testing.T) {
	want := cases.Lower(language.Und, cases.HandleFinalSigma(false))
	for r := range rune(unicode.MaxRune + 1) {
		if s := string(r); lower(s) != want.String(s) {
			t.Errorf("%U: got %q, want %q", r, lower(s), want.String(s))
		}
	}
}
