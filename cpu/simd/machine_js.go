package simd

import (
	_ "embed"
	"errors"
	"fmt"
	"sync"
	"syscall/js"
)

//go:embed kernels.wasm
var kernels []byte

//go:embed kernels-relaxed.wasm
var kernelsRelaxed []byte

//go:embed kernels-shared.wasm
var kernelsShared []byte

//go:embed kernels-relaxed-shared.wasm
var kernelsRelaxedShared []byte

// maxThreads is how many threads run at most. Beyond a few, cores share caches and memory, and the page's own work has
// a claim too.
const maxThreads = 4

// instance is the module in this browser.
type instance struct {
	memory, bytes      js.Value // the memory and a view of all of it
	length             uint64
	runFunc, offerFunc js.Value
	pack0F, pack1F     js.Value
	packTransposedF    js.Value
	widenF, winogradF  js.Value

	planned int      // threads that commands may be run by
	others  js.Value // the threads but this one, of clipside/threads.js; undefined where there are none
}

// New instantiates the module: with relaxed multiply-add where the browser has it, which rounds once instead of twice
// and is a third faster; and on several threads where the page is cross-origin isolated.
func New() (*Device, error) {
	for _, m := range []struct {
		alone, shared []byte
		feature       string
	}{{kernelsRelaxed, kernelsRelaxedShared, "relaxed-simd"}, {kernels, kernelsShared, "simd"}} {
		if n := threadsHere(); n > 1 {
			// Where memory to share cannot be had, one thread will do.
			if i := instantiateShared(m.shared, n); i != nil {
				return newDevice(i, m.feature, fmt.Sprintf("%d threads", n))
			}
		}
		if i := instantiate(m.alone); i != nil {
			return newDevice(i, m.feature)
		}
	}
	return nil, ErrUnavailable
}

// threadsHere is how many threads this browser can give: 1 where memory may not be shared.
func threadsHere() int {
	if js.Global().Get("clipsideThreads").IsUndefined() || !js.Global().Get("crossOriginIsolated").Truthy() {
		return 1
	}
	if n := js.Global().Get("navigator").Get("hardwareConcurrency"); n.Type() == js.TypeNumber {
		return min(n.Int(), maxThreads)
	}
	return 1
}

func instantiate(binary []byte) *instance {
	module, ok := compile(binary)
	if !ok {
		return nil
	}
	exports := js.Global().Get("WebAssembly").Get("Instance").New(module).Get("exports")
	return newInstance(exports, exports.Get("memory"), 1)
}

// instantiateShared returns nil also where the memory cannot be had.
func instantiateShared(binary []byte, threads int) (i *instance) {
	module, ok := compile(binary)
	if !ok {
		return nil
	}
	defer func() {
		if _, thrown := recover().(js.Error); thrown {
			i = nil
		}
	}()
	object := js.Global().Get("Object")
	wasm := js.Global().Get("WebAssembly")
	memory := wasm.Get("Memory").New(object.Call("fromEntries", []any{[]any{"initial", 1}, []any{"maximum", maxMemory >> 16}, []any{"shared", true}}))
	imports := object.Call("fromEntries", []any{[]any{"env", object.Call("fromEntries", []any{[]any{"memory", memory}})}})
	i = newInstance(wasm.Get("Instance").New(module, imports).Get("exports"), memory, threads)
	i.others = js.Global().Call("clipsideThreads", module, memory, threads) // until they come, this thread does all
	return i
}

func compile(binary []byte) (module js.Value, ok bool) {
	bytes := js.Global().Get("Uint8Array").New(len(binary))
	js.CopyBytesToJS(bytes, binary)
	wasm := js.Global().Get("WebAssembly")
	if !wasm.Call("validate", bytes).Bool() {
		return js.Value{}, false
	}
	return wasm.Get("Module").New(bytes), true
}

func newInstance(exports, memory js.Value, threads int) *instance {
	i := &instance{
		memory: memory, planned: threads,
		runFunc: exports.Get("run"), offerFunc: exports.Get("offer"), pack0F: exports.Get("pack0"), widenF: exports.Get("widen"),
		pack1F: exports.Get("pack1"), packTransposedF: exports.Get("packTransposed"), winogradF: exports.Get("winogradWeights"),
	}
	i.view()
	return i
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

func (i *instance) offer(at uint32) (err error) {
	defer thrown(&err)
	i.offerFunc.Invoke(at)
	return nil
}

func (i *instance) run(at, end uint32) (err error) {
	defer thrown(&err)
	i.runFunc.Invoke(at, end)
	if turn == nil {
		turn = make(chan struct{})
		askForTurn()()
	}
	return nil
}

func (i *instance) pack(halves bool, src, count, panels, from, k uint32) (err error) {
	defer thrown(&err)
	pack := i.pack0F
	if halves {
		pack = i.pack1F
	}
	pack.Invoke(src, count, panels, from, k)
	return nil
}

func (i *instance) packTransposed(src, count, panels, from, k, n uint32) (err error) {
	defer thrown(&err)
	i.packTransposedF.Invoke(src, count, panels, from, k, n)
	return nil
}

func (i *instance) widen(src, count, dst uint32) (err error) {
	defer thrown(&err)
	i.widenF.Invoke(src, count, dst)
	return nil
}

func (i *instance) winogradWeights(src, n, k, dst uint32) (err error) {
	defer thrown(&err)
	i.winogradF.Invoke(src, n, k, dst)
	return nil
}

// rest waits for JavaScript's turn, unless it has had one since the last run: a call that is the only one waits for
// nothing.
func (i *instance) rest() {
	if turn != nil {
		<-turn
	}
}

// turn is closed when JavaScript has its turn after a run; nil where it has had it. Goroutines switch only where they
// wait.
var turn chan struct{}

// askForTurn returns a function that asks for JavaScript's turn, by a message to this thread itself. Timers would do,
// but browsers hold them back 4 ms once they follow one another.
var askForTurn = sync.OnceValue(func() func() {
	take := js.FuncOf(func(js.Value, []js.Value) any {
		close(turn)
		turn = nil
		return nil
	})
	if immediate := js.Global().Get("setImmediate"); immediate.Truthy() { // Node, which a port would keep running
		return func() { immediate.Invoke(take) }
	}
	channel := js.Global().Get("MessageChannel").New()
	channel.Get("port1").Set("onmessage", take)
	port := channel.Get("port2")
	return func() { port.Call("postMessage", nil) }
})

func (i *instance) threads() int { return i.planned }

// close ends the other threads, and drops what keeps the memory alive.
func (i *instance) close() {
	if !i.others.IsUndefined() {
		i.others.Call("stop")
	}
	*i = instance{}
}
