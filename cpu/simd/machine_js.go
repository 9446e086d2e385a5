package simd

import (
	_ "embed"
	"errors"
	"syscall/js"
	"time"
)

//go:embed kernels.wasm
var kernels []byte

//go:embed kernels-relaxed.wasm
var kernelsRelaxed []byte

// instance is the module in this browser.
type instance struct {
	memory, bytes             js.Value // the memory and a view of all of it
	length                    uint64
	runFunc, packFunc, widenF js.Value
}

// New instantiates the module: with relaxed multiply-add where the browser has it, which rounds once instead of twice
// and is a third faster.
func New() (*Device, error) {
	wasm := js.Global().Get("WebAssembly")
	for _, m := range []struct {
		binary  []byte
		feature string
	}{{kernelsRelaxed, "relaxed-simd"}, {kernels, "simd"}} {
		bytes := js.Global().Get("Uint8Array").New(len(m.binary))
		js.CopyBytesToJS(bytes, m.binary)
		if !wasm.Call("validate", bytes).Bool() {
			continue
		}
		exports := wasm.Get("Instance").New(wasm.Get("Module").New(bytes)).Get("exports")
		i := &instance{memory: exports.Get("memory"), runFunc: exports.Get("run"), packFunc: exports.Get("pack"), widenF: exports.Get("widen")}
		i.view()
		return newDevice(i, m.feature)
	}
	return nil, ErrUnavailable
}

// view makes a new view of the memory, as is needed whenever it has grown.
func (i *instance) view() {
	buffer := i.memory.Get("buffer")
	i.bytes = js.Global().Get("Uint8Array").New(buffer)
	i.length = uint64(buffer.Get("byteLength").Float())
}

func (i *instance) grow(size uint64) (err error) {
	if size <= i.length {
		return nil
	}
	defer thrown(&err)
	// A sixteenth more than needed spares most calls.
	const page = 64 << 10
	wanted := min((size+size/16+page-1)/page, maxMemory/page)
	i.memory.Call("grow", float64(wanted-i.length/page))
	i.view()
	return nil
}

// thrown turns a JavaScript exception into an error.
func thrown(err *error) {
	if r := recover(); r != nil {
		e, ok := r.(js.Error)
		if !ok {
			panic(r)
		}
		*err = errors.New(e.Value.Get("message").String())
	}
}

func (i *instance) part(at uint32, n int) js.Value {
	return i.bytes.Call("subarray", float64(at), float64(at)+float64(n))
}

func (i *instance) write(at uint32, data []byte) { js.CopyBytesToJS(i.part(at, len(data)), data) }

func (i *instance) read(at uint32, data []byte) { js.CopyBytesToGo(data, i.part(at, len(data))) }

func (i *instance) run(at, end uint32) (err error) {
	defer thrown(&err)
	i.runFunc.Invoke(at, end, 0, 1)
	return nil
}

func (i *instance) pack(src, count, panels, from, k uint32) (err error) {
	defer thrown(&err)
	i.packFunc.Invoke(src, count, panels, from, k)
	return nil
}

func (i *instance) widen(src, count, dst uint32) (err error) {
	defer thrown(&err)
	i.widenF.Invoke(src, count, dst)
	return nil
}

// rest goes by way of a timer, which is what lets JavaScript have its turn.
func (i *instance) rest() { time.Sleep(time.Nanosecond) }

func (i *instance) threads() int { return 1 }

// close drops what keeps the memory alive.
func (i *instance) close() { *i = instance{} }
