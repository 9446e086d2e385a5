package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestBenchShowsWhereTheTimeGoes(t *testing.T) {
	out := succeed(t, "bench", "-model", starter, "-device", "cpu", "-runs", "1")
	for _, want := range []string{`the CPU`, `at its peak: [\d.]*[1-9][\d.]* GFLOP/s, [\d.]*[1-9][\d.]* GB/s`, `image encoder, 1 in a call: [\d.]+ ms`, `text encoder, 1 in a call`, `\d+ +[\d.]+ ms +[\d.]+% .* \d+% +matmul \[\d+, \d+\]·\[\d+\] quick_gelu`, `attention`, `all, [\d.]+ GFLOP`} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if strings.Contains(out, "NaN") || strings.Contains(out, "Inf") {
		t.Errorf("a rate that is none:\n%s", out)
	}
}
