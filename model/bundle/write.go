// The engine only reads.

//go:build !engine

package bundle

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clipside/clipside/internal/sha256"
	"github.com/klauspost/compress/zstd"
)

// chunkLevel is the compression of chunks. An fp16 weight's low byte is noise, and its high byte has nothing but a
// skewed distribution to save on, which entropy coding of literals does; what slower levels look for is not there.
// Trained weights shrink to 0.850 with the fastest level, 0.853 with the two in the middle, 0.856 with the best.
const chunkLevel = zstd.SpeedFastest

// Writer writes a bundle into a directory: first every tensor of every tower in the layout's order, then the
// tokenizer, then the manifest. Until Commit all files are in a directory of their own within it, so that neither an
// older bundle nor another Writer is disturbed. What is written depends on nothing but what is given: not on time,
// directory or the number of processors. A Writer is used by one goroutine; it compresses in others.
type Writer struct {
	dir    string   // the bundle's
	files  string   // of this Writer's files, within dir
	layout []Tensor // of the current tower
	tower  *Tower
	towers map[string]*Tower

	tensor int    // in layout, being written
	values int64  // of it, given so far
	raw    []byte // of the chunk being filled

	slots chan *packer // idle compressors; bounds how many chunks are in memory
	wg    sync.WaitGroup
	mu    sync.Mutex
	err   error // first failure of a compressor
}

// packer compresses one chunk at a time, with buffers that it keeps.
type packer struct {
	enc            *zstd.Encoder
	raw, split, to []byte
}

// unfinishedPrefix begins the name of a directory with a Writer's files.
const unfinishedPrefix = ".packing-"

// NewWriter starts a bundle in dir, which it creates if need be. It ends with Abort, after Commit or without.
func NewWriter(dir string) (*Writer, error) {
	w := &Writer{dir: dir, towers: make(map[string]*Tower)}
	n := runtime.GOMAXPROCS(0)
	w.slots = make(chan *packer, n)
	for range n {
		enc, err := newEncoder(chunkLevel)
		if err != nil {
			return nil, err
		}
		w.slots <- &packer{enc: enc}
	}
	err := os.MkdirAll(dir, 0o777)
	if err == nil {
		w.files, err = os.MkdirTemp(dir, unfinishedPrefix+"*")
	}
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return w, nil
}

// Files is the directory with the Writer's files until Commit.
func (w *Writer) Files() string { return w.files }

// newEncoder makes an encoder whose output depends on its input alone.
func newEncoder(level zstd.EncoderLevel) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(level),
		zstd.WithEncoderConcurrency(1),
		zstd.WithAllLitEntropyCompression(true), // the fast levels would else store what has no matches as it is
		zstd.WithWindowSize(ChunkSize),
		zstd.WithEncoderCRC(false), // the file has a SHA-256
		zstd.WithSingleSegment(true))
}

// Tower starts a tower, whose tensors are layout; the one before must be complete.
func (w *Writer) Tower(name string, layout []Tensor) error {
	if err := w.endTower(); err != nil {
		return err
	}
	last := layout[len(layout)-1]
	w.layout, w.tensor, w.values = layout, 0, 0
	w.tower = &Tower{Raw: last.Offset + last.Bytes, Tensors: layout}
	w.tower.Chunks = make([]File, 0, (w.tower.Raw+ChunkSize-1)/ChunkSize) // its compressors write into it: it must not move
	w.towers[name] = w.tower
	return nil
}

func (w *Writer) endTower() error {
	if w.tower == nil {
		return nil
	}
	if w.tensor < len(w.layout) {
		return fmt.Errorf("bundle: tensor %s is not complete", w.layout[w.tensor].Name)
	}
	if len(w.raw) > 0 {
		w.flush()
	}
	w.tower = nil
	return nil
}

// Write takes values of the current tower's tensors in order, as fp16 bit patterns in row-major order, not padded. A
// call may give a part of a tensor, but no more than what is left of it.
func (w *Writer) Write(f16 []uint16) error {
	if w.tower == nil || w.tensor == len(w.layout) {
		return errors.New("bundle: values after the last tensor")
	}
	t := &w.layout[w.tensor]
	total := int64(1)
	for _, d := range t.Shape {
		total *= int64(d)
	}
	if int64(len(f16)) > total-w.values {
		return fmt.Errorf("bundle: %d values too many for tensor %s", int64(len(f16))-(total-w.values), t.Name)
	}
	inner := int64(t.Shape[len(t.Shape)-1])
	pad := int(-inner & 3)
	for len(f16) > 0 {
		n := int(min(inner-w.values%inner, int64(len(f16))))
		if pad == 0 {
			n = len(f16) // rows follow each other
		}
		w.append(f16[:n])
		f16, w.values = f16[n:], w.values+int64(n)
		if pad > 0 && w.values%inner == 0 {
			w.append(make([]uint16, pad))
		}
	}
	if w.values == total {
		w.tensor, w.values = w.tensor+1, 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *Writer) append(f16 []uint16) {
	for len(f16) > 0 {
		n := min(len(f16), (ChunkSize-len(w.raw))/2)
		for _, v := range f16[:n] {
			w.raw = binary.LittleEndian.AppendUint16(w.raw, v)
		}
		f16 = f16[n:]
		if len(w.raw) == ChunkSize {
			w.flush()
		}
	}
}

// flush compresses the chunk being filled, in the background.
func (w *Writer) flush() {
	p := <-w.slots
	p.raw, w.raw = w.raw, p.raw[:0]
	w.tower.Chunks = append(w.tower.Chunks, File{})
	slot := &w.tower.Chunks[len(w.tower.Chunks)-1]
	w.wg.Go(func() {
		defer func() { w.slots <- p }()
		p.split = splitPlanes(p.split[:0], p.raw)
		p.to = p.enc.EncodeAll(p.split, p.to[:0])
		f, err := w.store(p.to, len(p.raw), ".zst")
		if err != nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.err == nil {
				w.err = err
			}
			return
		}
		*slot = f
	})
}

// splitPlanes appends raw's even bytes and then its odd ones to dst; the inverse of joinPlanes.
func splitPlanes(dst, raw []byte) []byte {
	for start := range 2 {
		for i := start; i < len(raw); i += 2 {
			dst = append(dst, raw[i])
		}
	}
	return dst
}

// store writes a compressed file under its hash.
func (w *Writer) store(data []byte, raw int, suffix string) (File, error) {
	sum := sha256.Sum256(data)
	f := File{SHA256: hex.EncodeToString(sum[:]), Stored: len(data), Raw: raw}
	f.File = f.SHA256 + suffix
	if err := os.WriteFile(filepath.Join(w.files, f.File), data, 0o644); err != nil {
		return File{}, fmt.Errorf("bundle: %w", err)
	}
	return f, nil
}

// replaceFile writes data beside path and renames it, so that path never holds a part of it.
func replaceFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+tempSuffix)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("bundle: writing %s: %w", filepath.Base(path), err)
	}
	return nil
}

const tempSuffix = ".part"

// Finish ends the last tower and stores the tokenizer; it fills in the manifest's Format, Version, Towers and
// Tokenizer. Every file that the manifest names is then in the directory Files, so the model can be loaded from it to
// compute the self-test, which Commit needs.
func (w *Writer) Finish(m *Manifest, tokenizer []byte) error {
	if err := w.endTower(); err != nil {
		return err
	}
	w.wg.Wait()
	if w.err != nil {
		return w.err
	}
	enc, err := newEncoder(zstd.SpeedBetterCompression)
	if err != nil {
		return err
	}
	m.Tokenizer, err = w.store(enc.EncodeAll(tokenizer, nil), len(tokenizer), ".json.zst")
	if err != nil {
		return err
	}
	m.Format, m.Version, m.Towers = Format, Version, w.towers
	return m.validateWeights()
}

// Commit moves the files to the bundle's directory, writes the manifest, and removes what an older bundle, or a Writer
// that was interrupted, left there.
func (w *Writer) Commit(m *Manifest) error {
	if err := m.Validate(); err != nil {
		return err
	}
	data, err := m.Encode()
	if err != nil {
		return err
	}
	if len(data) > MaxManifest {
		return wrong("", "%d bytes long, at most %d can be read", len(data), MaxManifest)
	}
	keep := map[string]bool{m.Tokenizer.File: true}
	for _, t := range m.Towers {
		for _, c := range t.Chunks {
			keep[c.File] = true
		}
	}
	for file := range keep {
		if err := os.Rename(filepath.Join(w.files, file), filepath.Join(w.dir, file)); err != nil {
			return fmt.Errorf("bundle: %w", err)
		}
	}
	if err := replaceFile(filepath.Join(w.dir, ManifestName), data); err != nil {
		return err
	}
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(w.dir, e.Name())
		var err error
		switch {
		case isUnfinished(e):
			if path == w.files || !atWork(e) {
				err = os.RemoveAll(path)
			}
		case isOurs(e.Name()) && !keep[e.Name()]:
			err = os.Remove(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("bundle: the new bundle is complete, but an old chunk is left: %w", err)
		}
	}
	return nil
}

// Abort removes the Writer's files. What Commit has moved stays.
func (w *Writer) Abort() {
	w.wg.Wait()
	os.RemoveAll(w.files)
}

// Unfinished reports whether a Writer may be at work in dir.
func Unfinished(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return isUnfinished(e) && atWork(e) })
}

func isUnfinished(e fs.DirEntry) bool {
	return e.IsDir() && strings.HasPrefix(e.Name(), unfinishedPrefix)
}

// atWork guesses whether the Writer of an unfinished bundle still lives, by the time of the last file. Between the last one
// and Commit the self-test is computed.
func atWork(e fs.DirEntry) bool {
	info, err := e.Info()
	return err == nil && time.Since(info.ModTime()) < time.Hour
}

// isOurs tells the names that a Writer gives, complete or temporary, from files that someone else put there.
func isOurs(name string) bool {
	if strings.HasPrefix(name, ManifestName+".") {
		return strings.HasSuffix(name, tempSuffix)
	}
	if len(name) < 64 || !isLowerHex(name[:64]) {
		return false
	}
	rest := name[64:]
	return rest == ".zst" || rest == ".json.zst" || strings.HasPrefix(rest, ".") && strings.HasSuffix(rest, tempSuffix)
}

// Encode is the manifest as JSON: the same manifest gives the same bytes. A tensor, a chunk and an embedding take a
// line each.
func (m *Manifest) Encode() ([]byte, error) {
	compact, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("bundle: encoding the manifest: %w", err)
	}
	const deepest = 4 // containers below this depth, and lists of plain values, stay on one line
	var out bytes.Buffer
	line := func(depth int) {
		out.WriteByte('\n')
		for range depth {
			out.WriteByte('\t')
		}
	}
	depth, flat := 0, 0 // open containers that are broken into lines, and inside them those that are not
	for i := 0; i < len(compact); i++ {
		switch c := compact[i]; c {
		case '"':
			start := i
			for i++; compact[i] != '"'; i++ {
				if compact[i] == '\\' {
					i++
				}
			}
			out.Write(compact[start : i+1])
		case '{', '[':
			plain := c == '[' && compact[i+1] != '{' && compact[i+1] != '['
			if flat > 0 || depth == deepest || plain || compact[i+1] == '}' {
				flat++
				out.WriteByte(c)
				continue
			}
			depth++
			out.WriteByte(c)
			line(depth)
		case '}', ']':
			if flat > 0 {
				flat--
			} else {
				depth--
				line(depth)
			}
			out.WriteByte(c)
		case ',':
			out.WriteByte(c)
			if flat > 0 {
				out.WriteByte(' ')
			} else {
				line(depth)
			}
		case ':':
			out.WriteString(": ")
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
