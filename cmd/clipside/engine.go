package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// buildEngine compiles the engine into file. Work is a directory for what that takes.
func buildEngine(ctx context.Context, out output, root, work, file string) error {
	modfile, err := patchModules(ctx, root, filepath.Join(work, "modules"))
	if err != nil {
		return err
	}
	overlay, err := stripKernels(root, filepath.Join(work, "kernels"))
	if err != nil {
		return err
	}
	linked := file + ".linked" // left there, so that the next build of the same sources only compares build ids
	if !isFile(linked) {
		fmt.Fprintln(out.stderr, "compiling the engine; the first time takes a while")
	}
	// What the engine has no use for in packages that it has is built without the tag engine.
	args := []string{"build", "-trimpath", "-buildvcs=false", "-tags=engine", "-ldflags=-s -w", "-modfile=" + modfile, "-overlay=" + overlay}
	if _, err := goCommand(ctx, root, forBrowser, slices.Concat(args, inlining, []string{"-o", linked, "./wasm"})...); err != nil {
		return err
	}
	module, err := os.ReadFile(linked)
	if err != nil {
		return err
	}
	small, err := dropLines(module)
	if err == nil {
		small, err = packTables(small)
	}
	if errors.Is(err, errTables) { // it runs as well
		fmt.Fprintf(out.stderr, "the engine is larger than it should be: %v\n", err)
		small, err = joinSegments(module)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", linked, err)
	}
	return writeChanged(file, small)
}

// forBrowser is the environment of the go command; a workspace would not let go.mod be replaced.
var forBrowser = []string{"GOOS=js", "GOARCH=wasm", "GOWORK=off"}

// inlining is only where loops are long: everywhere, it adds a tenth to what a first visit downloads.
var inlining = []string{
	"-gcflags=all=-l",
	"-gcflags=encoding/binary=", // or nothing could have it inlined
	"-gcflags=github.com/klauspost/compress/...=",
	"-gcflags=github.com/clipside/clipside/cpu=",
	"-gcflags=github.com/clipside/clipside/internal/sha256=",
	"-gcflags=github.com/clipside/clipside/model/bundle=",
	"-gcflags=github.com/clipside/clipside/preprocess=",
	"-gcflags=github.com/clipside/clipside/tokenizer=",
}

// stripKernels copies the WGSL kernels into dir without comments and indentation, which are a third of them, and returns
// a file that has the go command take them from there. Lines stay where they are, for what a compiler says of them.
func stripKernels(root, dir string) (overlay string, err error) {
	files, err := filepath.Glob(filepath.Join(root, "shaders", "*.wgsl"))
	if err != nil {
		return "", err
	}
	var replace struct{ Replace map[string]string }
	replace.Replace = map[string]string{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		stripped := filepath.Join(dir, filepath.Base(file))
		if err := writeChanged(stripped, stripComments(source)); err != nil {
			return "", err
		}
		replace.Replace[filepath.Join("shaders", filepath.Base(file))] = stripped // relative to where the go command runs
	}
	list, err := json.Marshal(replace)
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, writeChanged(overlay, list)
}

// stripComments takes the comments and the indentation out of WGSL, which has no strings that could look like either.
// The kernels have no comments but those to a line's end.
func stripComments(wgsl []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(wgsl) {
		code, _, _ := bytes.Cut(line, []byte("//"))
		out.Write(append(bytes.TrimSpace(code), '\n'))
	}
	return out.Bytes()
}

// patch replaces a text in a file of a module, wherever it occurs; it must.
type patch struct{ module, file, old, new string }

// patches keep out of the engine what no call of it reaches, but what its modules import: whatever a package
// initialises is linked. Random numbers, which pad what zstd's encoder writes, bring the cryptography of a whole FIPS
// module with its self-tests; the loggers bring times and their formats. That is 5 % of the engine.
//
// And they have zstd's literals decoded by package huffman, which says why, but for the last few of each stream. What the
// library does otherwise with short codes is then of no use.
var patches = []patch{
	{"github.com/klauspost/compress", "huff0/decompress_generic.go", "\t\"fmt\"\n", "\t\"fmt\"\n\t\"unsafe\"\n\n\t\"github.com/clipside/clipside/model/bundle/huffman\"\n"},
	{"github.com/klauspost/compress", "huff0/decompress_generic.go", "\tvar decoded int\n", fourStreams},
	{"github.com/klauspost/compress", "huff0/decompress.go", "const use8BitTables = true", "const use8BitTables = false"},
	{"github.com/klauspost/compress", "zstd/encoder.go", "\t\"crypto/rand\"\n", ""},
	{"github.com/klauspost/compress", "zstd/encoder.go", ", rand.Reader)", ", nil)"}, // the engine encodes nothing
	{"github.com/klauspost/compress", "zstd/zstd.go", "\t\"log\"\n", ""},
	{"github.com/klauspost/compress", "zstd/zstd.go", "\t\tlog.Println(a...)\n", ""}, // where a constant says debug
	{"github.com/klauspost/compress", "zstd/zstd.go", "\t\tlog.Printf(format, a...)\n", ""},
	{"github.com/cogentcore/webgpu", "jsx/jsx.go", "\t\"log/slog\"\n", ""},
	{"github.com/cogentcore/webgpu", "jsx/jsx.go", `slog.Error("wgpu.AwaitJS: promise rejected", "reason", result)`,
		`println("wgpu.AwaitJS: promise rejected, reason:", result.Call("toString").String())`},
	{"github.com/cogentcore/webgpu", "wgpu/instance_js.go", "\t\"log\"\n", ""},
	{"github.com/cogentcore/webgpu", "wgpu/instance_js.go", `log.Println("WebGPU not supported")`, `println("WebGPU not supported")`},
	{"github.com/cogentcore/webgpu", "wgpu/instance_js.go", "log.Println(err)", "println(err.Error())"},
}

// fourStreams is where huff0's decoder has initialised its four readers br, and is about to write symbols to out.
const fourStreams = `
	var streams [4]huffman.Stream
	for i := range br {
		streams[i] = huffman.Stream{In: br[i].in, Off: br[i].off, Read: br[i].bitsRead}
	}
	decoded := 4 * huffman.Decode(&streams, (*huffman.Table)(unsafe.Pointer(&single[0])), d.actualTableLog, out, dstEvery)
	if decoded > 0 {
		for i, s := range streams {
			br[i].off, br[i].bitsRead, br[i].value = s.Off, s.Read, s.Value()
		}
	}
	out = out[decoded/4:]
`

// patchModules copies the packages that the engine has of patched modules into dir, patched, and returns a file to use
// instead of go.mod, which has them there.
func patchModules(ctx context.Context, root, dir string) (modfile string, err error) {
	list, err := goCommand(ctx, root, forBrowser, "list", "-deps", "-json=Dir,GoFiles,Module", "./wasm")
	if err != nil {
		return "", err
	}
	wanted := map[string][]byte{}
	modules := map[string]string{} // to where they are
	for d := json.NewDecoder(strings.NewReader(list)); d.More(); {
		var p struct {
			Dir     string
			GoFiles []string
			Module  struct{ Path, Dir, GoMod string }
		}
		if err := d.Decode(&p); err != nil {
			return "", fmt.Errorf("go list: %w", err)
		}
		if !slices.ContainsFunc(patches, func(c patch) bool { return c.module == p.Module.Path }) {
			continue
		}
		modules[p.Module.Path] = filepath.Join(dir, filepath.FromSlash(p.Module.Path))
		files := []string{p.Module.GoMod}
		for _, name := range p.GoFiles {
			files = append(files, filepath.Join(p.Dir, name))
		}
		for _, file := range files {
			name := "go.mod"
			if file != p.Module.GoMod { // which may be elsewhere
				if name, err = filepath.Rel(p.Module.Dir, file); err != nil {
					return "", err
				}
			}
			if wanted[filepath.Join(modules[p.Module.Path], name)], err = os.ReadFile(file); err != nil {
				return "", err
			}
		}
	}
	for _, p := range patches {
		file := filepath.Join(modules[p.module], filepath.FromSlash(p.file))
		text := string(wanted[file])
		if !strings.Contains(text, p.old) {
			return "", fmt.Errorf("%s of %s has no %q any more: see whether the engine still needs the patch", p.file, p.module, p.old)
		}
		wanted[file] = []byte(strings.ReplaceAll(text, p.old, p.new))
	}

	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	for _, c := range patches {
		if at, ok := modules[c.module]; ok {
			// The path is linked: relative, it is the same on every machine.
			if at, err = filepath.Rel(root, at); err != nil {
				return "", err
			}
			mod = fmt.Appendf(mod, "\nreplace %s => %q\n", c.module, "./"+filepath.ToSlash(at))
			delete(modules, c.module)
		}
	}
	modfile = filepath.Join(dir, "engine.mod")
	wanted[modfile] = mod
	if wanted[filepath.Join(dir, "engine.sum")], err = os.ReadFile(filepath.Join(root, "go.sum")); err != nil {
		return "", err
	}
	for file, data := range wanted {
		if err := writeChanged(file, data); err != nil {
			return "", err
		}
	}
	return modfile, nil
}
