package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Sections of a WebAssembly module.
const (
	typeSection     = 1
	importSection   = 2
	functionSection = 3
	exportSection   = 7
	startSection    = 8
	codeSection     = 10
	dataSection     = 11
)

type section struct {
	id   byte
	body []byte
}

const wasmMagic = "\x00asm\x01\x00\x00\x00"

func readSections(module []byte) ([]section, error) {
	if len(module) < len(wasmMagic) || string(module[:len(wasmMagic)]) != wasmMagic {
		return nil, errors.New("not a WebAssembly module of version 1")
	}
	var sections []section
	r := wasmReader{rest: module[len(wasmMagic):]}
	for len(r.rest) > 0 {
		id := r.byte()
		sections = append(sections, section{id, r.bytes()})
	}
	return sections, r.err
}

func writeSections(sections []section) []byte {
	module := []byte(wasmMagic)
	for _, s := range sections {
		module = append(module, s.id)
		module = binary.AppendUvarint(module, uint64(len(s.body)))
		module = append(module, s.body...)
	}
	return module
}

// sectionOf returns the section of a kind that a module has at most once.
func sectionOf(sections []section, id byte) *section {
	for i := range sections {
		if sections[i].id == id {
			return &sections[i]
		}
	}
	return nil
}

// joinSegments joins neighbouring data segments of a WebAssembly module. Go's linker drops zeros from the data, and
// its table of functions by address, mostly zeros, becomes 70,000 segments of some two bytes with an address each:
// joined, the module compresses to nine tenths of the size, and starts with the same memory.
func joinSegments(module []byte) ([]byte, error) {
	sections, err := readSections(module)
	if err != nil {
		return nil, err
	}
	if data := sectionOf(sections, dataSection); data != nil {
		memory, err := readData(data.body)
		if err != nil {
			return nil, err
		}
		data.body = writeData(memory)
	}
	return writeSections(sections), nil
}

// maxMemory bounds the memory that a data section may fill, bytes.
const maxMemory = 256 << 20

// readData returns the memory that a data section fills, from address 0.
func readData(section []byte) ([]byte, error) {
	// A segment is active, of memory 0 (flag 0), at a constant address: i32.const ADDRESS end.
	const active, i32Const, end = 0, 0x41, 0x0b
	var memory []byte
	r := wasmReader{rest: section}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		flag, op := r.byte(), r.byte()
		at := r.int32()
		if flag != active || op != i32Const || r.byte() != end {
			return nil, errors.New("a data segment that is not at a constant address")
		}
		data := r.bytes()
		if at > maxMemory {
			return nil, fmt.Errorf("a data segment at %d", at)
		}
		if more := int(at) + len(data) - len(memory); more > 0 {
			memory = append(memory, make([]byte, more)...)
		}
		copy(memory[at:], data)
	}
	if r.err != nil {
		return nil, r.err
	}
	if len(r.rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow the data segments", len(r.rest))
	}
	return memory, nil
}

// maxGap is how many zeros between two data segments are cheaper as zeros than as another segment, once compressed.
const maxGap = 64

// writeData makes a data section that fills memory.
func writeData(memory []byte) []byte {
	var segments []byte
	count := uint64(0)
	for at := 0; ; {
		for at < len(memory) && memory[at] == 0 {
			at++
		}
		if at == len(memory) {
			break
		}
		end, i := at, at // of what is not zero
		for ; i < len(memory) && i-end <= maxGap; i++ {
			if memory[i] != 0 {
				end = i + 1
			}
		}
		segments = appendVarint(append(segments, 0, 0x41), int64(at)) // active, i32.const
		segments = binary.AppendUvarint(append(segments, 0x0b), uint64(end-at))
		segments = append(segments, memory[at:end]...)
		count++
		at = end
	}
	return append(binary.AppendUvarint(nil, count), segments...)
}

// wasmReader reads what a module consists of. After its first error it reads zeros.
type wasmReader struct {
	rest []byte
	err  error
}

func (r *wasmReader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *wasmReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// int32 reads a signed number, as an unsigned one: an address.
func (r *wasmReader) int32() int64 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if b&0x40 != 0 {
				v |= ^uint64(0) << (shift + 7)
			}
			return int64(uint32(v))
		}
	}
	r.fail()
	return 0
}

// bytes reads a length and as many bytes.
func (r *wasmReader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *wasmReader) fail() {
	if r.err == nil {
		r.err = errors.New("the WebAssembly module ends early")
	}
	r.rest = nil
}

// appendVarint appends a signed number as WebAssembly writes it.
func appendVarint(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
