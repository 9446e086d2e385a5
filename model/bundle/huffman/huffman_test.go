package huffman

import (
	"bytes"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomTable is that of a code whose longest symbol is of n bits.
func randomTable(r *rand.Rand, n int) (table Table) {
	lengths := []int{1, 1}
	for i := 0; slices.Max(lengths) < n || r.IntN(40) > 0; i = r.IntN(len(lengths)) {
		if lengths[i] < n {
			lengths[i]++
			lengths = append(lengths, lengths[i])
		}
	}
	entries := table[:0]
	for _, length := range lengths {
		entry := uint16(r.IntN(256)<<8 | length)
		entries = append(entries, slices.Repeat([]uint16{entry}, 1<<(n-length))...)
	}
	return table
}

// bitString is a stream as it is read: the next bit first, from below the highest bit that is set.
func bitString(stream []byte) (s []bool) {
	for _, b := range slices.Backward(stream) {
		for i := 7; i >= 0; i-- {
			s = append(s, b>>i&1 == 1)
		}
	}
	return s[slices.Index(s, true)+1:]
}

// symbolsOf decodes a stream the plain way, and says how many bits each symbol took.
func symbolsOf(stream []byte, table *Table, n int) (symbols []byte, lengths []int) {
	for s := bitString(stream); len(s) > 0; {
		next := 0
		for i := range n {
			next <<= 1
			if i < len(s) && s[i] {
				next |= 1
			}
		}
		entry := table[next]
		length := min(int(uint8(entry)), len(s))
		s = s[length:]
		symbols, lengths = append(symbols, byte(entry>>8)), append(lengths, length)
	}
	return symbols, lengths
}

// randomStream is of any bits, all of which mean something to a table. The last byte has the bit that begins it.
func randomStream(r *rand.Rand, length int) Stream {
	in := make([]byte, length)
	for i := range in {
		in[i] = byte(r.Uint32())
	}
	last := &in[length-1]
	if *last = max(*last, 1); r.IntN(4) == 0 {
		*last = 1 // so that a whole byte of the window has been read
	}
	return Stream{In: in, Off: uint(max(0, length-8)), Read: uint8(bits.LeadingZeros8(*last) + 1)}
}

func TestSymbolsAreThoseOfThePlainWay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 400 {
		log := 1 + n%MaxBits
		table := randomTable(r, log)
		var streams [4]Stream
		lengths := []int{8, 9, 15, 16, 40, 100, 1000}
		for i := range streams {
			streams[i] = randomStream(r, lengths[r.IntN(len(lengths))])
		}
		every := r.IntN(3000)
		room := make([]byte, 4*every+20)
		out := room[10 : 10+max(0, 4*every-r.IntN(4))]
		t.Run(fmt.Sprintf("table %d bits, streams %d %d %d %d, every %d", log, len(streams[0].In), len(streams[1].In), len(streams[2].In), len(streams[3].In), every), func(t *testing.T) {
			before := streams
			done := Decode(&streams, &table, uint8(log), out, every)
			want := make([]byte, len(room))
			ended := min(every, len(out)-3*every)-done < symbols
			for i, s := range streams {
				plain, lengths := symbolsOf(before[i].In, &table, log)
				if done > len(plain) {
					t.Fatalf("%d symbols of stream %d, which has %d", done, i, len(plain))
				}
				copy(want[10+i*every:], plain[:done])
				taken := int(before[i].Read)
				for _, length := range lengths[:done] {
					taken += length
				}
				if got := 8*(int(before[i].Off)-int(s.Off)) + int(s.Read); got != taken || s.Read > 8 {
					t.Errorf("%d bits of stream %d are read, with %d symbols of %d bits", got, i, done, taken)
				}
				ended = ended || s.Off < 7
			}
			if !bytes.Equal(room, want) {
				t.Errorf("%d symbols of each stream differ, or what is around them", done)
			}
			if !ended {
				t.Errorf("it ended after %d symbols of each stream, without need", done)
			}
		})
	}
}

func TestShortStreamsAreLeftAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	table := randomTable(r, 5)
	for k := range 4 {
		for length := 1; length < 8; length++ {
			var streams [4]Stream
			for i := range streams {
				streams[i] = randomStream(r, 100)
			}
			streams[k] = randomStream(r, length)
			before := streams
			if n := Decode(&streams, &table, 5, make([]byte, 4000), 1000); n != 0 || streams[k].Off != before[k].Off || streams[k].Read != before[k].Read {
				t.Errorf("%d symbols with a stream of %d bytes", n, length)
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	table := randomTable(r, MaxBits)
	var streams [4]Stream
	for i := range streams {
		streams[i] = randomStream(r, 24<<10)
	}
	out := make([]byte, 128<<10)
	for b.Loop() {
		s := streams
		b.SetBytes(4 * int64(Decode(&s, &table, MaxBits, out, len(out)/4)))
	}
}
