package simd

import (
	"fmt"
	"slices"

	"github.com/clipside/clipside/model"
)

// memory hands out blocks of the module's linear memory, on 64 bytes each.
type memory struct {
	grow func(size uint64) error
	end  uint64 // of what was ever handed out
	free []block
	used map[uint32]uint64 // sizes of blocks in use
}

type block struct {
	at   uint32
	size uint64
}

const (
	alignment = 64
	// base leaves address 0 unused, which commands take for "none".
	base = 64
	// maxMemory is what 32-bit addresses reach.
	maxMemory = 1 << 32
)

// alloc returns a block. A fresh one was never handed out before, and is zero; in others is whatever was there.
func (m *memory) alloc(size uint64) (at uint32, fresh bool, err error) {
	size = (max(size, 1) + alignment - 1) &^ (alignment - 1)
	if m.used == nil {
		m.used, m.end = map[uint32]uint64{}, base
	}
	best := -1
	for i, b := range m.free {
		if b.size >= size && (best < 0 || b.size < m.free[best].size) {
			best = i
		}
	}
	if best >= 0 {
		b := &m.free[best]
		at = b.at
		b.at, b.size = b.at+uint32(size), b.size-size
		if b.size == 0 {
			m.free = slices.Delete(m.free, best, best+1)
		}
		m.used[at] = size
		return at, false, nil
	}
	if m.end+size >= maxMemory { // where a block ends is an address, too
		return 0, false, fmt.Errorf("%w: of 4096 MiB that WebAssembly reaches %d are in use, %d more asked for", model.ErrMemory, m.end>>20, size>>20)
	}
	if err := m.grow(m.end + size); err != nil {
		return 0, false, fmt.Errorf("%w: %d MiB in use, %d more asked for: %w", model.ErrMemory, m.end>>20, size>>20, err)
	}
	at = uint32(m.end)
	m.end += size
	m.used[at] = size
	return at, true, nil
}

// release takes a block back.
func (m *memory) release(at uint32) {
	b := block{at, m.used[at]}
	delete(m.used, at)
	i, _ := slices.BinarySearchFunc(m.free, b, func(x, y block) int { return int(int64(x.at) - int64(y.at)) })
	m.free = slices.Insert(m.free, i, b)
	merge := func(i int) {
		if i >= 0 && i+1 < len(m.free) && uint64(m.free[i].at)+m.free[i].size == uint64(m.free[i+1].at) {
			m.free[i].size += m.free[i+1].size
			m.free = slices.Delete(m.free, i+1, i+2)
		}
	}
	merge(i)
	merge(i - 1)
}
