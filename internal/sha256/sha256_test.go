package sha256

import (
	"crypto/sha256"
	"math/rand/v2"
	"testing"
)

func TestSumsAreThoseOfTheStandardLibrary(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	for n := range 4*blockSize + 1 {
		data := make([]byte, n)
		random.Read(data)
		want := sha256.Sum256(data)
		if got := sum256(data); got != want {
			t.Errorf("%d bytes: %x, want %x", n, got, want)
		}
		if got := Sum256(data); got != want {
			t.Errorf("%d bytes, exported: %x, want %x", n, got, want)
		}
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte("abc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, want := sum256(data), sha256.Sum256(data); got != want {
			t.Errorf("%x, want %x", got, want)
		}
	})
}

func BenchmarkSum(b *testing.B) {
	data := make([]byte, 1<<20)
	for name, sum := range map[string]func([]byte) [Size]byte{"own": sum256, "crypto": sha256.Sum256} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				sum(data)
			}
		})
	}
}
