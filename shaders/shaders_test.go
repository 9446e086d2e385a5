package shaders

import (
	"strings"
	"testing"
)

func TestBlocksAreExpanded(t *testing.T) {
	consts := []Const{{"TWO", 2}, {"ON", 1}, {"OFF", 0}}
	for text, want := range map[string]string{
		"a\n":                      "a\n",
		"#for i TWO\nx$i;\n#end\n": "x0;\nx1;\n",
		"#for i TWO\n#for j 2\na$i_$j\n#end\n#end\nb\n": "a0_0\na0_1\na1_0\na1_1\nb\n",
		"#if ON\nx\n#end\n#if !ON\ny\n#end\n":           "x\n",
		"#if OFF\nx\n#end\n#if !OFF\ny\n#end\n":         "y\n",
		"#for i OFF\nx\n#end\n":                         "",
	} {
		if got, err := expand(strings.SplitAfter(text, "\n"), consts); err != nil || got != want {
			t.Errorf("%q is %q, error %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"#for i TWO\nx\n", "#for i NONE\n#end\n", "#if NONE\n#end\n", "#for i\n#end\n", "#else\n#end\n"} {
		if got, err := expand(strings.SplitAfter(text, "\n"), consts); err == nil {
			t.Errorf("%q is %q, want an error", text, got)
		}
	}
}
