package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

// size is what files weigh, bytes: as they are, and as static hosts send them, compressed one by one as well as the
// format can.
type size struct {
	Raw    int64 `json:"raw"`
	Gzip   int64 `json:"gzip"`
	Brotli int64 `json:"brotli,omitempty"` // 0: not measured
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func compressedSize(data []byte, withBrotli bool) (size, error) {
	var gz, br counter
	z, err := gzip.NewWriterLevel(&gz, gzip.BestCompression)
	if err != nil {
		return size{}, err
	}
	if _, err := z.Write(data); err != nil {
		return size{}, err
	}
	if err := z.Close(); err != nil {
		return size{}, err
	}
	if withBrotli {
		w := brotli.NewWriterLevel(&br, brotli.BestCompression)
		if _, err := w.Write(data); err != nil {
			return size{}, err
		}
		if err := w.Close(); err != nil {
			return size{}, err
		}
	}
	return size{int64(len(data)), int64(gz), int64(br)}, nil
}

// measurer weighs the files that a server has sent, each once.
type measurer struct {
	server     *server
	withBrotli bool
	known      map[string]size
}

// moved weighs what was asked for: code, without the race's own; and the bytes of everything else.
func (m *measurer) moved(files map[string]int64) (code *size, weights int64, err error) {
	code = new(size)
	for name, bytes := range files {
		switch {
		case strings.HasPrefix(name, "race/"):
		case isCode(name):
			s, ok := m.known[name]
			if !ok {
				data, err := m.read(name)
				if err != nil {
					return nil, 0, err
				}
				if s, err = compressedSize(data, m.withBrotli); err != nil {
					return nil, 0, fmt.Errorf("compress %s: %w", name, err)
				}
				m.known[name] = s
			}
			code.Raw += s.Raw
			code.Gzip += s.Gzip
			code.Brotli += s.Brotli
		default:
			weights += bytes
		}
	}
	return code, weights, nil
}

func (m *measurer) read(name string) ([]byte, error) {
	f, err := m.server.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
