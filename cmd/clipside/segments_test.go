package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// dataModule is a module that exports two pages of memory as "memory", filled with the given segments.
func dataModule(segments map[int64]string, order ...int64) []byte {
	section := func(id byte, body ...byte) []byte {
		return append(binary.AppendUvarint([]byte{id}, uint64(len(body))), body...)
	}
	data := binary.AppendUvarint(nil, uint64(len(order)))
	for _, at := range order {
		data = append(appendVarint(append(data, 0, 0x41), at), 0x0b)
		data = append(binary.AppendUvarint(data, uint64(len(segments[at]))), segments[at]...)
	}
	m := []byte("\x00asm\x01\x00\x00\x00")
	m = append(m, section(5, 1, 0, 2)...)
	m = append(m, section(7, append([]byte{1, 6}, "memory\x02\x00"...)...)...)
	m = append(m, section(11, data...)...)
	return append(m, section(0, []byte("\x04kept\x01")...)...)
}

// memory is what a module's memory holds once it is instantiated. Functions that it imports do nothing.
func memory(t *testing.T, module []byte) []byte {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	compiled, err := r.CompileModule(ctx, module)
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string]wazero.HostModuleBuilder{}
	for _, f := range compiled.ImportedFunctions() {
		from, name, _ := f.Import()
		if imports[from] == nil {
			imports[from] = r.NewHostModuleBuilder(from)
		}
		imports[from].NewFunctionBuilder().WithGoFunction(api.GoFunc(func(context.Context, []uint64) {}), f.ParamTypes(), f.ResultTypes()).Export(name)
	}
	for _, b := range imports {
		if _, err := b.Instantiate(ctx); err != nil {
			t.Fatal(err)
		}
	}
	m, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig())
	if err != nil {
		t.Fatal(err)
	}
	linear := m.Memory()
	if linear == nil {
		linear = m.ExportedMemory("mem") // as Go calls it
	}
	all, ok := linear.Read(0, linear.Size())
	if !ok {
		t.Fatal("the memory cannot be read")
	}
	return bytes.Clone(all)
}

func TestJoinedSegmentsFillTheSameMemory(t *testing.T) {
	segments := map[int64]string{0: "at zero", 63: "a", 70: "near", 74: "adjacent", 200: "over", 202: "lap", 1000: "far", 70000: "farther", 64: "earlier"}
	module := dataModule(segments, 0, 63, 70, 74, 200, 202, 1000, 70000, 64)
	joined, err := joinSegments(module)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(memory(t, joined), memory(t, module)) {
		t.Error("the memory differs")
	}
	if !bytes.HasSuffix(joined, []byte("\x04kept\x01")) {
		t.Error("a section is lost")
	}
	// 0, 63, 64, 70 and 74 are one; 202 lies inside of 200.
	if i := bytes.Index(joined, []byte("\x04\x00\x41")); i < 0 {
		t.Errorf("not 4 segments: %q", joined)
	}
	again, err := joinSegments(joined)
	if err != nil || !bytes.Equal(again, joined) {
		t.Errorf("joining again changes something: %v", err)
	}
}

func TestOtherSegmentsAreRefused(t *testing.T) {
	module := dataModule(map[int64]string{5: "data"}, 5)
	passive := bytes.Replace(module, []byte("\x01\x00\x41\x05\x0b"), []byte("\x01\x01\x41\x05\x0b"), 1)
	for name, m := range map[string][]byte{"no module": []byte("<!doctype html>"), "passive": passive, "cut short": module[:len(module)-10]} {
		if _, err := joinSegments(m); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := joinSegments(passive); err == nil || !strings.Contains(err.Error(), "constant address") {
		t.Errorf("got %v", err)
	}
}
