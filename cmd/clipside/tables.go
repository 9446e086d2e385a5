package main

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
)

// expandModule is tables.wat, assembled: a module with one function, which undoes packTables.
//
//go:embed tables.wasm
var expandModule []byte

// errTables says that Go's tables of functions are not laid out as packTables knows them, as may happen with a newer Go.
var errTables = errors.New("the linker's tables of functions have an unknown layout")

// What the linker writes (cmd/link/internal/ld/pcln.go, runtime/symtab.go): the table of functions, rows of two uint32,
// for each function where its code begins and at which offset from this table the rest is that is known of it: 11
// uint32, then so many as word 7 says, then so many as the highest byte of word 10 says. And the buckets to look
// functions up in, 16 of 20 bytes for each.
const (
	rowBytes    = 8
	fixedWords  = 11
	nameWord    = 1
	stackWord   = 4 // of three offsets in the lists of numbers by address: stack pointer, file, line
	fileWord    = 5
	lineWord    = 6
	countWord   = 7 // so many more such offsets follow
	bucketBytes = 20
	buckets     = 16
)

// packTables packs Go's tables of functions in the memory that a module starts with, and gives the module a start
// function that expands them: a third of what the data weigh once compressed, for the price of 300 bytes. Packed, the
// tables are columns instead of rows, which are alike, and differences from the row above instead of offsets, which
// grow; the buckets are all the same. Instantiated, the module has the same memory as before.
func packTables(module []byte) ([]byte, error) {
	sections, data, memory, t, err := readTables(module)
	if err != nil {
		return nil, err
	}
	packed, err := t.pack(memory)
	if err != nil {
		return nil, err
	}
	copy(memory[t.find:], packed)
	data.body = writeData(memory)
	if sections, err = addStart(sections, t.find, t.functions, t.functab, t.find, t.findEnd); err != nil {
		return nil, err
	}
	return writeSections(sections), nil
}

// tables are addresses of Go's tables of functions, and how many these are.
type tables struct{ functions, functab, end, find, findEnd, names, numbers, numbersEnd int }

// readTables reads a module's sections, that of its data, the memory that it fills, and where the tables are in that.
func readTables(module []byte) (sections []section, data *section, memory []byte, t tables, err error) {
	if sections, err = readSections(module); err != nil {
		return nil, nil, nil, tables{}, err
	}
	if data = sectionOf(sections, dataSection); data == nil {
		return nil, nil, nil, tables{}, errTables
	}
	if memory, err = readData(data.body); err != nil {
		return nil, nil, nil, tables{}, err
	}
	t, err = findTables(memory)
	return sections, data, memory, t, err
}

// findTables finds the tables through the runtime's own description of the module, whose first word is the address of
// a header that begins with a known number.
func findTables(memory []byte) (tables, error) {
	header := bytes.Index(memory, []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8})
	if header < 0 {
		return tables{}, errTables
	}
	word := func(at int) int {
		if at < 0 || at > len(memory)-8 {
			return -1
		}
		return int(binary.LittleEndian.Uint64(memory[at:]))
	}
	known := binary.LittleEndian.AppendUint64(nil, uint64(header))
	for at := header - header%8; at < len(memory); at += 8 {
		if !bytes.HasPrefix(memory[at:], known) {
			continue
		}
		// moduledata: a pointer, slices of names, files' offsets, files, numbers by address, functions, and their table;
		// the buckets; the lowest and the highest address of code.
		const slice = 24
		t := tables{functab: word(at + 8 + 5*slice), functions: word(at+8+5*slice+8) - 1, find: word(at + 8 + 6*slice)}
		rest, size := word(at+8+4*slice), word(at+8+4*slice+8)
		code := word(at+8+6*slice+16) - word(at+8+6*slice+8)
		t.names, t.numbers = word(at+8), word(at+8+3*slice)
		t.numbersEnd = t.numbers + word(at+8+3*slice+8)
		t.end = t.functab + size
		t.findEnd = t.find + (code+4095)/4096*4 + (code+255)/256
		if t.functions == word(header+8) && rest == t.functab && header < t.functab && t.functions > 0 && size > t.functions*rowBytes &&
			t.end <= t.find && t.names > header && t.numbers > t.names && t.numbersEnd <= t.functab && code > 0 && t.findEnd <= len(memory) {
			return t, nil
		}
	}
	return tables{}, errTables
}

// pack packs the tables and clears them in memory.
func (t tables) pack(memory []byte) ([]byte, error) {
	table := memory[t.functab:t.end]
	word := func(at int) int { return int(binary.LittleEndian.Uint32(table[at:])) }
	// groups are the rows of each group of columns, as places and numbers of words in the table.
	type row struct{ at, words int }
	var groups [4][]row
	for i := range t.functions + 1 {
		groups[0] = append(groups[0], row{i * rowBytes, 2})
	}
	for i := range t.functions {
		at := word(i*rowBytes + 4)
		if at < 0 || at > len(table)-4*fixedWords {
			return nil, errTables
		}
		first, second := row{at + 4*fixedWords, word(at + 4*countWord)}, int(table[at+4*fixedWords-1])
		last := row{first.at + 4*first.words, second}
		if first.words > 255 || last.at+4*last.words > len(table) {
			return nil, errTables
		}
		groups[1] = append(groups[1], row{at, fixedWords})
		groups[2] = append(groups[2], first)
		groups[3] = append(groups[3], last)
	}

	var packed []byte
	left := bytes.Clone(table)
	for _, rows := range groups {
		for column, any := 0, true; any; column++ {
			any = false
			var above uint32
			for _, r := range rows {
				if column >= r.words {
					continue
				}
				any = true
				at := r.at + 4*column
				value := binary.LittleEndian.Uint32(table[at:])
				packed = binary.AppendVarint(packed, int64(int32(value-above)))
				above = value
				clear(left[at : at+4])
			}
		}
	}
	if len(bytes.Trim(left, "\x00")) > 0 {
		return nil, fmt.Errorf("%w: something is between the functions", errTables)
	}
	find := memory[t.find:t.findEnd]
	if len(packed) > len(find) {
		return nil, errTables
	}
	for i := 0; i < len(find); i += bucketBytes {
		bucket := binary.LittleEndian.AppendUint32(nil, uint32(i/bucketBytes/buckets))
		bucket = append(bucket, make([]byte, bucketBytes-len(bucket))...)
		if got := find[i:min(i+bucketBytes, len(find))]; !bytes.Equal(got, bucket[:len(got)]) {
			return nil, fmt.Errorf("%w: bucket %d is % x", errTables, i/bucketBytes, got)
		}
	}
	clear(table)
	clear(find)
	return packed, nil
}

// addStart makes the function of expandModule a module's start function, with parameters.
func addStart(sections []section, parameters ...int) ([]section, error) {
	expand, err := readSections(expandModule)
	if err != nil {
		return nil, err
	}
	// A body is its size, then its local variables as runs of one type, which are all i32 here, then its code. What were
	// parameters become variables, which come first too.
	r := wasmReader{rest: sectionOf(expand, codeSection).body}
	r.uvarint() // one function
	r = wasmReader{rest: r.bytes()}
	const i32 = 0x7f
	locals := uint64(len(parameters))
	for n := r.uvarint(); n > 0; n-- {
		locals += r.uvarint()
		r.byte()
	}
	if r.err != nil {
		return nil, fmt.Errorf("tables.wasm: %w", r.err)
	}
	body := append(binary.AppendUvarint([]byte{1}, locals), i32)
	for i, value := range parameters {
		const i32Const, localSet = 0x41, 0x21
		body = append(appendVarint(append(body, i32Const), int64(value)), localSet, byte(i))
	}
	body = append(body, r.rest...)

	added := map[byte][]byte{
		typeSection:     {0x60, 0, 0}, // takes and returns nothing
		functionSection: nil,
		codeSection:     append(binary.AppendUvarint(nil, uint64(len(body))), body...),
	}
	var counts [16]uint64
	for i, s := range sections {
		if s.id == startSection {
			return nil, fmt.Errorf("%w: there is a start function", errTables)
		}
		if s.id == 0 || int(s.id) >= len(counts) {
			continue
		}
		r := wasmReader{rest: s.body}
		counts[s.id] = r.uvarint()
		entry, ok := added[s.id]
		if !ok {
			continue
		}
		if s.id == functionSection {
			entry = binary.AppendUvarint(nil, counts[typeSection])
		}
		sections[i].body = append(append(binary.AppendUvarint(nil, counts[s.id]+1), r.rest...), entry...)
	}
	if counts[functionSection] == 0 || counts[functionSection] != counts[codeSection] {
		return nil, fmt.Errorf("%w: %d functions, %d bodies", errTables, counts[functionSection], counts[codeSection])
	}
	// Go imports nothing but functions, and these are counted first.
	start := section{startSection, binary.AppendUvarint(nil, counts[importSection]+counts[functionSection])}
	for i, s := range sections {
		if s.id == exportSection {
			return append(sections[:i+1:i+1], append([]section{start}, sections[i+1:]...)...), nil
		}
	}
	return nil, errTables
}
