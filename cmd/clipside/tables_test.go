package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clipside/clipside/internal/checkout"
)

// builtEngine is the engine as the linker made it, and as it is served.
func builtEngine(t *testing.T) (linked, packed []byte) {
	t.Helper()
	root, err := checkout.Find()
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	engine := filepath.Join(work, "engine.wasm")
	if err := buildEngine(t.Context(), output{t.Output(), t.Output()}, root, work, engine); err != nil {
		t.Fatal(err)
	}
	if linked, err = os.ReadFile(engine + ".linked"); err != nil {
		t.Fatal(err)
	}
	if packed, err = os.ReadFile(engine); err != nil {
		t.Fatal(err)
	}
	return linked, packed
}

func TestExpandedTablesFillTheSameMemory(t *testing.T) {
	linked, packed := builtEngine(t)
	joined, err := joinSegments(linked)
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > len(joined)-1_500_000 {
		t.Errorf("packed, the module has %d bytes, of %d", len(packed), len(joined))
	}
	lineless, err := dropLines(linked)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(memory(t, packed), memory(t, lineless)) {
		t.Error("the memory differs")
	}
	if _, err := packTables(packed); !errors.Is(err, errTables) {
		t.Errorf("packing again: %v", err)
	}
	// Tables of which something would be lost are left alone.
	for name, damage := range map[string]func(memory []byte, of tables){
		"a bucket":  func(memory []byte, of tables) { memory[of.find+100*bucketBytes+5]++ },
		"an offset": func(memory []byte, of tables) { memory[of.functab+7*rowBytes+7] = 0x7f },
	} {
		sections, data, filled, of, err := readTables(linked)
		if err != nil {
			t.Fatal(err)
		}
		damage(filled, of)
		data.body = writeData(filled)
		if _, err := packTables(writeSections(sections)); !errors.Is(err, errTables) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLinesOfTheRuntimeAloneAreDropped compares all lists of numbers by address with those that the linker made.
func TestLinesOfTheRuntimeAloneAreDropped(t *testing.T) {
	linked, _ := builtEngine(t)
	lineless, err := dropLines(linked)
	if err != nil {
		t.Fatal(err)
	}
	before, after := memory(t, linked), memory(t, lineless)
	of, err := findTables(before)
	if err != nil {
		t.Fatal(err)
	}
	list := func(memory []byte, row, word int) []byte {
		numbers := memory[of.numbers:of.numbersEnd]
		at := of.functab + row + 4*word
		from := int(binary.LittleEndian.Uint32(memory[at:]))
		end, err := numbersFrom(numbers, from)
		if err != nil {
			t.Fatal(err)
		}
		return numbers[from:max(from, end)]
	}
	dropped := map[bool]int{}
	for i := range of.functions {
		row := int(binary.LittleEndian.Uint32(before[of.functab+i*rowBytes+4:]))
		name, _, _ := strings.Cut(string(before[of.names+int(binary.LittleEndian.Uint32(before[of.functab+row+4*nameWord:])):of.numbers]), "\x00")
		runtime := strings.HasPrefix(name, "runtime.") || strings.HasPrefix(name, "internal/")
		words := []int{stackWord, fileWord, lineWord}
		for n := range int(binary.LittleEndian.Uint32(before[of.functab+row+4*countWord:])) {
			words = append(words, fixedWords+n)
		}
		for _, word := range words {
			want := list(before, row, word)
			if runtime && (word == fileWord || word == lineWord) {
				want = nil
			}
			if got := list(after, row, word); !bytes.Equal(got, want) {
				t.Fatalf("%s has in word %d % x, want % x", name, word, got, want)
			}
		}
		dropped[runtime]++
	}
	if dropped[true] < 500 || dropped[false] < 500 {
		t.Errorf("%d functions are the runtime's, %d are not", dropped[true], dropped[false])
	}
}

func TestModulesWithoutTablesAreLeftAlone(t *testing.T) {
	if _, err := dropLines(dataModule(map[int64]string{5: "data"}, 5)); !errors.Is(err, errTables) {
		t.Errorf("error %v", err)
	}
	if _, err := packTables(dataModule(map[int64]string{5: "data"}, 5)); !errors.Is(err, errTables) {
		t.Errorf("error %v", err)
	}
}
