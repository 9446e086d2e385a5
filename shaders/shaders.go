// Package shaders holds the WGSL kernels, one file a kernel, and specialises them for an adapter.
//
// A kernel is a text without constants of its own: what Source puts before it defines
//
//	Halves              four consecutive weights as the device stores them
//	fn widen(Halves)    those weights as vec4f
//	const …             whatever the dispatching code fixes at compile time
//
// Every matrix in memory has its rows padded with zeros to a multiple of 4 values; kernels keep it so.
package shaders

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.wgsl
var files embed.FS

// Store is how weights lie in GPU memory.
type Store int

const (
	// F16 reads weights as f16; the adapter must have shader-f16.
	F16 Store = iota
	// Packed reads the same bytes through unpack2x16float, which every adapter has.
	Packed
	// F32 reads weights widened when they were uploaded: twice the memory, and no conversion in the inner loop. For
	// software adapters, where a conversion costs more than a load.
	F32
)

// Suffix names the store, for a user to read.
func (s Store) String() string { return [...]string{"f16", "packed f16", "f32"}[s] }

// HalvesBytes is the size of four weights.
func (s Store) HalvesBytes() int {
	if s == F32 {
		return 16
	}
	return 8
}

var preambles = [...]string{
	F16: `enable f16;
alias Halves = vec4<f16>;
fn widen(h: Halves) -> vec4f { return vec4f(h); }
`,
	Packed: `alias Halves = vec2u;
fn widen(h: Halves) -> vec4f { return vec4f(unpack2x16float(h.x), unpack2x16float(h.y)); }
`,
	F32: `alias Halves = vec4f;
fn widen(h: Halves) -> vec4f { return h; }
`,
}

// Const is a number fixed when a kernel is compiled, a u32 in WGSL.
type Const struct {
	Name  string
	Value int
}

// Source is the kernel's text for an adapter.
func Source(kernel string, store Store, consts ...Const) (string, error) {
	body, err := files.ReadFile(kernel + ".wgsl")
	if err != nil {
		return "", fmt.Errorf("shaders: no kernel %q", kernel)
	}
	var b strings.Builder
	b.WriteString(preambles[store])
	for _, c := range consts {
		fmt.Fprintf(&b, "const %s = %du;\n", c.Name, c.Value)
	}
	if strings.Contains(string(body), "activate(") {
		act, err := files.ReadFile("activation.wgsl")
		if err != nil {
			return "", err
		}
		b.Write(act)
	}
	b.Write(body)
	return b.String(), nil
}

// Names lists the kernels.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // embedded: cannot fail
	}
	var names []string
	for _, e := range entries {
		if n := strings.TrimSuffix(e.Name(), ".wgsl"); n != "activation" {
			names = append(names, n)
		}
	}
	return names
}
