//go:build !js

package simd

import (
	"context"
	_ "embed"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

//go:embed kernels.wasm
var kernels []byte

// runtime is the module under wazero, which has SIMD but neither relaxed SIMD nor threads worth the name.
type runtime struct {
	rt      wazero.Runtime
	module  api.Module
	offered uint32 // a command that is still to be done; 0 for none
}

func testDevice(t testing.TB) *Device {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	module, err := rt.Instantiate(ctx, kernels)
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDevice(&runtime{rt: rt, module: module})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Release)
	return d
}

func (r *runtime) grow(size uint64) error {
	have := uint64(r.module.Memory().Size())
	if size <= have {
		return nil
	}
	if _, ok := r.module.Memory().Grow(uint32((size - have + 65535) / 65536)); !ok {
		return fmt.Errorf("cannot grow to %d bytes", size)
	}
	return nil
}

func (r *runtime) write(at uint32, data []byte) {
	if !r.module.Memory().Write(at, data) {
		panic(fmt.Sprintf("write of %d bytes at %d", len(data), at))
	}
}

func (r *runtime) read(at uint32, data []byte) {
	b, ok := r.module.Memory().Read(at, uint32(len(data)))
	if !ok {
		panic(fmt.Sprintf("read of %d bytes at %d", len(data), at))
	}
	copy(data, b)
}

func (r *runtime) call(name string, args ...uint64) error {
	_, err := r.module.ExportedFunction(name).Call(context.Background(), args...)
	return err
}

func (r *runtime) offer(at uint32) error {
	err := r.run(0, 0)
	r.offered = at
	return err
}

// run runs every command in three pieces, one after the other, so that the sharing out is tested too.
func (r *runtime) run(at, end uint32) error {
	const pieces = 3
	if at := r.offered; at != 0 {
		r.offered = 0
		if err := r.run(at, at+commandBytes); err != nil {
			return err
		}
	}
	for ; at < end; at += commandBytes {
		for piece := range pieces {
			if err := r.call("piece", uint64(at), uint64(piece), pieces); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *runtime) pack(halves bool, src, count, panels, from, k uint32) error {
	name := "pack0"
	if halves {
		name = "pack1"
	}
	return r.call(name, uint64(src), uint64(count), uint64(panels), uint64(from), uint64(k))
}

func (r *runtime) packTransposed(src, count, panels, from, k, n uint32) error {
	return r.call("packTransposed", uint64(src), uint64(count), uint64(panels), uint64(from), uint64(k), uint64(n))
}

func (r *runtime) widen(src, count, dst uint32) error {
	return r.call("widen", uint64(src), uint64(count), uint64(dst))
}

func (r *runtime) winogradWeights(src, n, k, dst uint32) error {
	return r.call("winogradWeights", uint64(src), uint64(n), uint64(k), uint64(dst))
}

func (r *runtime) rest()        {}
func (r *runtime) threads() int { return 1 }
func (r *runtime) close()       { r.rt.Close(context.Background()) }
