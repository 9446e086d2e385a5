package bundle

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/clipside/clipside/internal/sha256"
	"github.com/klauspost/compress/zstd"
)

// IntegrityError is a stored file whose bytes are not what the manifest says. Fetching it again may help.
type IntegrityError struct {
	Chunk   string // file name
	Problem string
	Stored  int   // bytes that were there
	Err     error // the cause, or nil
}

func (e *IntegrityError) Error() string {
	return fmt.Sprintf("bundle: chunk %s: %s (stored %s)", shortName(e.Chunk), e.Problem, byteSize(int64(e.Stored)))
}

func (e *IntegrityError) Unwrap() error { return e.Err }

// shortName cuts a hashed name to what identifies it to a reader.
func shortName(name string) string {
	if len(name) <= 64 {
		return name
	}
	return name[:8] + "…" + name[64:]
}

func byteSize(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d MiB", n>>20)
	}
}

// zstdDecoder decodes whole frames in the calling goroutine, as many at once as there are processors, and writes no
// more than the destination's capacity. A frame's window never exceeds what a writer of this format can use.
var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(0),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(2*ChunkSize),
		zstd.WithDecoderMaxMemory(maxTokenizer),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(err) // options that do not fit together: a bug
	}
	return d
})

// planes are buffers for decompressed chunks that wait to be interleaved.
var planes = sync.Pool{New: func() any { b := make([]byte, 0, ChunkSize); return &b }}

// DecodeChunk checks a chunk's stored bytes against its length and hash, decompresses them and joins the byte planes.
// It returns f.Raw bytes of the tower's stream, in dst's storage where its capacity suffices, which may be that of
// stored. f must come from a valid manifest. It may be called from several goroutines. Errors are *IntegrityError.
func DecodeChunk(f File, stored, dst []byte) ([]byte, error) {
	if err := verify(f, stored); err != nil {
		return nil, err
	}
	return DecodeVerified(f, stored, dst)
}

// DecodeVerified is DecodeChunk for a caller who has checked the hash. Without SIMD, as in WebAssembly, the hash takes
// longer than all the rest.
func DecodeVerified(f File, stored, dst []byte) ([]byte, error) {
	if f.Raw < 0 || f.Raw > ChunkSize || f.Raw%8 != 0 {
		return nil, &IntegrityError{Chunk: f.File, Problem: fmt.Sprintf("%d raw bytes cannot be a chunk", f.Raw), Stored: len(stored)}
	}
	buf := planes.Get().(*[]byte)
	defer planes.Put(buf)
	raw, err := decompress(f, stored, (*buf)[:0:f.Raw])
	if err != nil {
		return nil, err
	}
	if cap(dst) < f.Raw {
		dst = make([]byte, f.Raw)
	}
	dst = dst[:f.Raw]
	joinPlanes(dst, raw)
	return dst, nil
}

// DecodeFile checks and decompresses a stored file that is no chunk: the tokenizer.
func DecodeFile(f File, stored []byte) ([]byte, error) {
	if f.Raw < 0 || f.Raw > maxTokenizer {
		return nil, &IntegrityError{Chunk: f.File, Problem: fmt.Sprintf("%d raw bytes, at most %d are read", f.Raw, maxTokenizer), Stored: len(stored)}
	}
	if err := verify(f, stored); err != nil {
		return nil, err
	}
	return decompress(f, stored, make([]byte, 0, f.Raw))
}

func verify(f File, stored []byte) error {
	if len(stored) != f.Stored {
		return &IntegrityError{Chunk: f.File, Problem: fmt.Sprintf("%d bytes long, the manifest says %d", len(stored), f.Stored), Stored: len(stored)}
	}
	sum := sha256.Sum256(stored)
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	if string(text[:]) != f.SHA256 {
		return &IntegrityError{Chunk: f.File, Problem: "sha256 mismatch", Stored: len(stored)}
	}
	return nil
}

// decompress fills dst, empty and of capacity f.Raw, exactly.
func decompress(f File, stored, dst []byte) ([]byte, error) {
	raw, err := zstdDecoder().DecodeAll(stored, dst)
	if err != nil {
		return nil, &IntegrityError{Chunk: f.File, Problem: "zstd: " + err.Error(), Stored: len(stored), Err: err}
	}
	if len(raw) != f.Raw {
		return nil, &IntegrityError{Chunk: f.File, Problem: fmt.Sprintf("%d raw bytes, the manifest says %d", len(raw), f.Raw), Stored: len(stored)}
	}
	return raw, nil
}

// joinPlanes interleaves raw's halves, low bytes and high bytes, into dst. The length is a multiple of 8.
func joinPlanes(dst, raw []byte) {
	lo, hi := raw[:len(raw)/2], raw[len(raw)/2:]
	dst = dst[:2*len(lo)]
	for len(lo) >= 8 && len(hi) >= 8 && len(dst) >= 16 {
		l, h := binary.LittleEndian.Uint64(lo), binary.LittleEndian.Uint64(hi)
		binary.LittleEndian.PutUint64(dst, spread(l&0xffffffff)|spread(h&0xffffffff)<<8)
		binary.LittleEndian.PutUint64(dst[8:], spread(l>>32)|spread(h>>32)<<8)
		lo, hi, dst = lo[8:], hi[8:], dst[16:]
	}
	for i := range lo {
		dst[2*i], dst[2*i+1] = lo[i], hi[i]
	}
}

// spread moves the low four bytes of x to the even bytes of a word.
func spread(x uint64) uint64 {
	x = (x | x<<16) & 0x0000ffff0000ffff
	return (x | x<<8) & 0x00ff00ff00ff00ff
}
