//go:build !js

package simd

import (
	"bytes"
	"errors"
	"testing"

	"github.com/clipside/clipside/model"
)

// meter counts what is written to a machine's memory.
type meter struct {
	machine
	written int
}

func (m *meter) write(at uint32, data []byte) {
	m.written += len(data)
	m.machine.write(at, data)
}

// Kernels go on until they are at the end of a row, whose address must not be that of the beginning again.
func TestNoBlockEndsWhereAddressesDo(t *testing.T) {
	m := memory{grow: func(uint64) error { return nil }}
	if _, _, err := m.alloc(maxMemory - base); !errors.Is(err, model.ErrMemory) {
		t.Errorf("all of the memory that there is: error %v", err)
	}
	if _, _, err := m.alloc(maxMemory - base - alignment); err != nil {
		t.Error(err)
	}
}

func TestParametersBeginAsZerosAndFreshOnesAreNotTouched(t *testing.T) {
	d := testDevice(t)
	m := &meter{machine: d.m}
	d.m = m
	const size = 40 * 24 * 4
	reserve := func() uint32 {
		p, err := d.NewParam("fc.weight", 40, 24)
		if err != nil {
			t.Fatal(err)
		}
		return p.Data.(*storage).at
	}
	isZero := func(at uint32) bool {
		got := make([]byte, size)
		m.read(at, got)
		return bytes.Equal(got, make([]byte, size))
	}

	at := reserve()
	if m.written != 0 {
		t.Errorf("a parameter in fresh memory: %d bytes were written, want none", m.written)
	}
	if !isZero(at) {
		t.Error("fresh memory is not zero")
	}

	m.machine.write(at, bytes.Repeat([]byte{0xff}, size))
	d.memory.release(at)
	if again := reserve(); again != at {
		t.Fatalf("the block at %d was not used again, but that at %d", at, again)
	}
	if !isZero(at) {
		t.Error("a parameter in used memory does not begin as zeros")
	}
}
