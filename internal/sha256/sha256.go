// Package sha256 computes SHA-256, in the browser without crypto/sha256: that is linked with a whole FIPS module, whose
// self-tests run at the start, and is 4 % of what a visitor downloads.
package sha256

import (
	"encoding/binary"
	"math/bits"
)

// Size is how many bytes a checksum has.
const Size = 32

// blockSize is how many bytes are hashed at a time.
const blockSize = 64

// The names are those of FIPS 180-4: the initial hash value, the first 32 bits of the fractional parts of the square
// roots of the first 8 primes, and the constants, of the cube roots of the first 64.
var (
	h0 = [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}

	k = [64]uint32{
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
		0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
		0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
		0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
		0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
		0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
		0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
		0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
	}
)

// sum256 is Sum256 in plain Go.
func sum256(data []byte) (sum [Size]byte) {
	h := h0
	whole := len(data) / blockSize * blockSize
	hash(&h, data[:whole])

	// The rest, a one bit, zeros, and the length in bits fill one more block or two.
	var end [2 * blockSize]byte
	n := copy(end[:], data[whole:])
	end[n] = 0x80
	tail := end[:blockSize]
	if n+1+8 > blockSize {
		tail = end[:]
	}
	binary.BigEndian.PutUint64(tail[len(tail)-8:], 8*uint64(len(data)))
	hash(&h, tail)
	for i, word := range h {
		binary.BigEndian.PutUint32(sum[4*i:], word)
	}
	return sum
}

// hash adds whole blocks.
func hash(h *[8]uint32, blocks []byte) {
	var w [64]uint32
	for ; len(blocks) >= blockSize; blocks = blocks[blockSize:] {
		for t := range 16 {
			w[t] = binary.BigEndian.Uint32(blocks[4*t:])
		}
		for t := 16; t < 64; t++ {
			w2, w15 := w[t-2], w[t-15]
			w[t] = w[t-16] + w[t-7] +
				(bits.RotateLeft32(w15, -7) ^ bits.RotateLeft32(w15, -18) ^ w15>>3) +
				(bits.RotateLeft32(w2, -17) ^ bits.RotateLeft32(w2, -19) ^ w2>>10)
		}
		a, b, c, d, e, f, g, i := h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
		for t := range w {
			t1 := i + k[t] + w[t] + (e&f ^ ^e&g) +
				(bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25))
			t2 := (a&b ^ a&c ^ b&c) +
				(bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22))
			a, b, c, d, e, f, g, i = t1+t2, a, b, c, d+t1, e, f, g
		}
		for j, v := range [8]uint32{a, b, c, d, e, f, g, i} {
			h[j] += v
		}
	}
}
