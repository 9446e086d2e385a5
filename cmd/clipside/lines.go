package main

import (
	"bytes"
	"encoding/binary"
)

// dropLines takes files and lines of the runtime's own functions away, which traces of a crash can do without: 27 kB of
// the engine once compressed. Their names stay.
func dropLines(module []byte) ([]byte, error) {
	sections, data, memory, t, err := readTables(module)
	if err != nil {
		return nil, err
	}
	if err := t.dropLines(memory); err != nil {
		return nil, err
	}
	data.body = writeData(memory)
	return writeSections(sections), nil
}

// dropLines takes them away in memory.
func (t tables) dropLines(memory []byte) error {
	table, numbers := memory[t.functab:t.end], memory[t.numbers:t.numbersEnd]
	word := func(at int) int { return int(binary.LittleEndian.Uint32(table[at:])) }
	used := make([]bool, len(numbers))
	for i := range t.functions {
		at := word(i*rowBytes + 4)
		if at < 0 || at > len(table)-4*fixedWords || at+4*(fixedWords+word(at+4*countWord)) > len(table) {
			return errTables
		}
		name := memory[min(t.names+word(at+4*nameWord), t.numbers):t.numbers]
		if bytes.HasPrefix(name, []byte("runtime.")) || bytes.HasPrefix(name, []byte("internal/")) {
			clear(table[at+4*fileWord : at+4*(lineWord+1)])
		}
		offsets := []int{word(at + 4*stackWord), word(at + 4*fileWord), word(at + 4*lineWord)}
		for n := range word(at + 4*countWord) {
			offsets = append(offsets, word(at+4*(fixedWords+n)))
		}
		for _, from := range offsets {
			end, err := numbersFrom(numbers, from)
			if err != nil {
				return err
			}
			for i := from; i < end; i++ {
				used[i] = true
			}
		}
	}
	for i := range numbers {
		if !used[i] {
			numbers[i] = 0
		}
	}
	return nil
}

// numbersFrom is where a list of numbers by address ends: pairs of differences, of the number and of the address, up to
// one of 0 that is not the first. Offset 0 is no list.
func numbersFrom(numbers []byte, from int) (end int, err error) {
	if from == 0 {
		return 0, nil
	}
	if from > len(numbers) {
		return 0, errTables
	}
	r := wasmReader{rest: numbers[from:]}
	for first := true; ; first = false {
		number := r.uvarint()
		if r.err != nil {
			return 0, errTables
		}
		if number == 0 && !first {
			return len(numbers) - len(r.rest), nil
		}
		r.uvarint()
	}
}
