//go:build !wasm

package huffman

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// decode is what decode_wasm.s says, in Go.
func decode(s *state, n uint) {
	for ; n > 0; n-- {
		for k := range s.bits {
			for i := range uint(symbols) {
				entry := s.table[s.bits[k]>>s.shift]
				s.bits[k] <<= uint8(entry)
				*(*uint8)(unsafe.Add(s.out, uint(k)*s.every+i)) = uint8(entry >> 8)
			}
			read := uint(bits.TrailingZeros64(s.bits[k]))
			s.off[k] -= read / 8
			s.bits[k] = binary.LittleEndian.Uint64((*[window]byte)(unsafe.Add(s.in[k], s.off[k]))[:]) | 1
			s.bits[k] <<= read % 8
		}
		s.out = unsafe.Add(s.out, symbols)
	}
}
