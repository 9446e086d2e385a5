// Package shaders holds the WGSL kernels, one file a kernel, and specialises them for an adapter.
//
// A kernel is a text without constants of its own: what Source puts before it defines
//
//	Halves              four consecutive weights as the device stores them
//	fn widen(Halves)    those weights as vec4f
//	const …             whatever the dispatching code fixes at compile time
//
// and a kernel whose constant SUBGROUPS is not 0 may use those.
//
// Every matrix in memory has its rows padded with zeros to a multiple of 4 values; kernels keep it so.
//
// Lines between "#for i N" and "#end", N a constant of the dispatching code or a number, are repeated for i from 0 to
// N-1 with each $i replaced: not every compiler unrolls loops, and none keeps an array in registers whose loop it has
// not unrolled. Lines between "#if N" or "#if !N" and "#end" are there if N is not 0, or is: compilers take their time
// over code that a constant rules out. Such blocks may be nested.
package shaders

import (
	"embed"
	"fmt"
	"strconv"
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

// pieces are what several kernels call, put before those that do.
var pieces = []struct{ name, called string }{{"activation", "activate"}, {"slices", "share_of"}}

// Source is the kernel's text for an adapter.
func Source(kernel string, store Store, consts ...Const) (string, error) {
	body, err := files.ReadFile(kernel + ".wgsl")
	if err != nil {
		return "", fmt.Errorf("shaders: no kernel %q", kernel)
	}
	var b strings.Builder
	if v, err := value("SUBGROUPS", consts); err == nil && v != 0 {
		b.WriteString("enable subgroups;\n")
	}
	b.WriteString(preambles[store])
	for _, c := range consts {
		fmt.Fprintf(&b, "const %s = %du;\n", c.Name, c.Value)
	}
	for _, p := range pieces {
		if !strings.Contains(string(body), p.called) {
			continue
		}
		piece, err := files.ReadFile(p.name + ".wgsl")
		if err != nil {
			return "", err
		}
		b.Write(piece)
	}
	text, err := expand(strings.SplitAfter(string(body), "\n"), consts)
	if err != nil {
		return "", fmt.Errorf("shaders: %s: %w", kernel, err)
	}
	b.WriteString(text)
	return b.String(), nil
}

// expand repeats the lines of #for blocks and chooses those of #if blocks.
func expand(lines []string, consts []Const) (string, error) {
	var b strings.Builder
	for i := 0; i < len(lines); i++ {
		f := directive(lines[i])
		if f == nil {
			b.WriteString(lines[i])
			continue
		}
		end, err := blockEnd(lines, i)
		if err != nil {
			return "", err
		}
		block, err := expand(lines[i+1:end], consts)
		if err != nil {
			return "", err
		}
		switch {
		case f[0] == "#for" && len(f) == 3:
			count, err := value(f[2], consts)
			if err != nil {
				return "", err
			}
			for n := range count {
				b.WriteString(strings.ReplaceAll(block, "$"+f[1], strconv.Itoa(n)))
			}
		case f[0] == "#if" && len(f) == 2:
			name, not := strings.CutPrefix(f[1], "!")
			v, err := value(name, consts)
			if err != nil {
				return "", err
			}
			if (v != 0) != not {
				b.WriteString(block)
			}
		default:
			return "", fmt.Errorf("%q is neither \"#for name count\" nor \"#if name\"", strings.TrimSpace(lines[i]))
		}
		i = end
	}
	return b.String(), nil
}

// directive splits a line that starts or ends a block; other lines are nil.
func directive(line string) []string {
	if f := strings.Fields(line); len(f) > 0 && strings.HasPrefix(f[0], "#") {
		return f
	}
	return nil
}

// blockEnd is the line of the #end that belongs to the block that starts at line start.
func blockEnd(lines []string, start int) (int, error) {
	depth := 0
	for i := start; i < len(lines); i++ {
		switch f := directive(lines[i]); {
		case f == nil:
		case f[0] != "#end":
			depth++
		default:
			if depth--; depth == 0 {
				return i, nil
			}
		}
	}
	return 0, fmt.Errorf("%q has no #end", strings.TrimSpace(lines[start]))
}

// value is a number, or the value of a constant.
func value(name string, consts []Const) (int, error) {
	if n, err := strconv.Atoi(name); err == nil {
		return n, nil
	}
	for _, c := range consts {
		if c.Name == name {
			return c.Value, nil
		}
	}
	return 0, fmt.Errorf("no constant %q", name)
}
