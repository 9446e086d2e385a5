// Package huffman is the loop in which the weights' decompression spends its time: zstd's literals, in four Huffman
// streams (RFC 8878, 3.1.1.3.1.6 and 4.2). The library that decompresses, klauspost/compress, has that loop in assembly for
// amd64 and arm64 and in Go for others; in WebAssembly, where Go's compiler makes every branch a jump through a table,
// a byte took 11 ns. Here it takes 1.2. The engine's copy of the library is patched to call Decode (cmd/clipside/engine.go).
package huffman

import (
	"encoding/binary"
	mathbits "math/bits"
	"unsafe"
)

// MaxBits is the length of the longest code.
const MaxBits = 11

// symbols are decoded of each stream before it is read from again: of 64 bits 8 may have been read.
const symbols = (64 - 8) / MaxBits

// window is how many bytes of a stream are read at once, and by how many fewer than that it moves on at most.
const window = 8

// Stream is how far one of the streams has been decoded. They are read from their ends to their beginnings.
type Stream struct {
	In   []byte
	Off  uint  // the 8 bytes from here on are being read
	Read uint8 // bits of these, from the highest, that have been read; at most 8
}

// Value are the bits of the window that have not been read, the next one highest.
func (s *Stream) Value() uint64 { return binary.LittleEndian.Uint64(s.In[s.Off:]) << s.Read }

// Table has an entry for whatever the next bits may be: how many of them are the symbol's, 1 to MaxBits, and 256 times
// the symbol.
type Table [1 << MaxBits]uint16

// state is what the loop works on. The names of its fields are those of assembly.
type state struct {
	bits  [4]uint64         // of each stream, not read yet; a one below them says where they end
	in    [4]unsafe.Pointer // the streams
	off   [4]uint           // where their windows begin
	out   unsafe.Pointer    // the next symbol of the first stream
	every uint              // bytes from a stream's symbols to those of the next
	table *Table
	shift uint64 // what leaves as many of 64 bits as there are of the table
}

// Decode decodes as many symbols of each stream as it can without looking where the streams begin, which is all but a
// few, and returns how many: none of streams of fewer than 8 bytes, whose Off means nothing. Symbol i of stream k is
// written to out[k*every+i]. bits is how many bits the table looks at, 1 to MaxBits.
func Decode(streams *[4]Stream, table *Table, bits uint8, out []byte, every int) int {
	room := min(every, len(out)-3*every)
	if room < symbols {
		return 0
	}
	s := state{every: uint(every), table: table, shift: 64 - uint64(bits)}
	for i := range streams {
		t := &streams[i]
		if len(t.In) < window {
			return 0
		}
		s.in[i], s.off[i], s.bits[i] = unsafe.Pointer(unsafe.SliceData(t.In)), t.Off, t.Value()|1<<t.Read
	}
	done := 0
	for {
		n := uint(room-done) / symbols
		for _, off := range s.off {
			n = min(n, off/(window-1))
		}
		if n == 0 {
			break
		}
		s.out = unsafe.Pointer(&out[done])
		decode(&s, n)
		done += int(n) * symbols
	}
	for i := range streams {
		streams[i].Off, streams[i].Read = s.off[i], uint8(mathbits.TrailingZeros64(s.bits[i]))
	}
	return done
}
