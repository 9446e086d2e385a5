package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestExpandedTablesFillTheSameMemory(t *testing.T) {
	checkout, err := findCheckout()
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	engine := filepath.Join(work, "engine.wasm")
	if err := buildEngine(t.Context(), output{t.Output(), t.Output()}, checkout, work, engine); err != nil {
		t.Fatal(err)
	}
	linked, err := os.ReadFile(engine + ".linked")
	if err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(engine)
	if err != nil {
		t.Fatal(err)
	}
	joined, err := joinSegments(linked)
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > len(joined)-1_500_000 {
		t.Errorf("packed, the module has %d bytes, of %d", len(packed), len(joined))
	}
	if !bytes.Equal(memory(t, packed), memory(t, linked)) {
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
		sections, err := readSections(linked)
		if err != nil {
			t.Fatal(err)
		}
		data := sectionOf(sections, dataSection)
		filled, err := readData(data.body)
		if err != nil {
			t.Fatal(err)
		}
		of, err := findTables(filled)
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

func TestModulesWithoutTablesAreLeftAlone(t *testing.T) {
	if _, err := packTables(dataModule(map[int64]string{5: "data"}, 5)); !errors.Is(err, errTables) {
		t.Errorf("error %v", err)
	}
}
