package gpu

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall/js"
	"time"
	"unsafe"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
	"github.com/clipside/clipside/shaders"
	"github.com/cogentcore/webgpu/wgpu"
)

// This file is everything that the browser binding of cogentcore/webgpu lacks: adapter information, features and
// limits at device creation, compiling in the background, error scopes, device loss, a read-back that reports failure,
// submissions of many commands in one call, and copies from the browser's pictures.

// handle is the JavaScript object behind one of the binding's types, which are structs of that one field but give no
// way to it.
func handle[T wgpu.Texture | wgpu.Buffer | wgpu.BindGroup | wgpu.ComputePipeline | wgpu.PipelineLayout | wgpu.ShaderModule | wgpu.Device](v *T) js.Value {
	return *(*js.Value)(unsafe.Pointer(v))
}

// wrapPipeline is the other way round.
func wrapPipeline(v js.Value) *wgpu.ComputePipeline {
	return (*wgpu.ComputePipeline)(unsafe.Pointer(&v))
}

// The layouts that handle and wrapPipeline rely on: these do not compile for a binding that changes them.
var (
	_ [unsafe.Sizeof(js.Value{}) - unsafe.Sizeof(wgpu.Texture{})]struct{}
	_ [unsafe.Sizeof(js.Value{}) - unsafe.Sizeof(wgpu.Buffer{})]struct{}
	_ [unsafe.Sizeof(js.Value{}) - unsafe.Sizeof(wgpu.BindGroup{})]struct{}
	_ [unsafe.Sizeof(js.Value{}) - unsafe.Sizeof(wgpu.PipelineLayout{})]struct{}
	_ [unsafe.Sizeof(js.Value{}) - unsafe.Sizeof(wgpu.ShaderModule{})]struct{}
	_ [unsafe.Sizeof(js.Value{}) - unsafe.Sizeof(wgpu.Device{})]struct{}
	_ [unsafe.Sizeof(wgpu.ComputePipeline{}) - unsafe.Sizeof(js.Value{})]struct{}
)

// await waits for a promise. A rejection becomes an error with the reason's message.
func await(promise js.Value) (js.Value, error) {
	type settled struct {
		value js.Value
		err   error
	}
	done := make(chan settled, 1)
	var resolve, reject js.Func
	resolve = js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- settled{value: args[0]}
		return nil
	})
	reject = js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- settled{err: errors.New(args[0].Call("toString").String())}
		return nil
	})
	defer resolve.Release()
	defer reject.Release()
	promise.Call("then", resolve, reject)
	s := <-done
	return s.value, s.err
}

// object makes a JavaScript object of alternating keys and values.
func object(pairs ...any) js.Value {
	o := js.Global().Get("Object").New()
	for i := 0; i < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

func open(o Options) (*Device, error) {
	gpu := js.Global().Get("navigator").Get("gpu")
	if !gpu.Truthy() {
		return nil, fmt.Errorf("%w: this browser has none, or has it switched off", ErrUnavailable)
	}
	adapter, err := await(gpu.Call("requestAdapter", object("powerPreference", "high-performance")))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if !adapter.Truthy() {
		return nil, fmt.Errorf("%w: the browser offers no adapter for this machine's GPU", ErrUnavailable)
	}
	info := adapterInfo(adapter)
	if info.Software && !o.Software {
		return nil, fmt.Errorf("%w: the only adapter is software (%s), slower than the CPU itself", ErrUnavailable, info.Adapter)
	}
	use := func(feature string, wanted bool) bool {
		if !wanted || !adapter.Get("features").Call("has", feature).Bool() {
			return false
		}
		info.Features = append(info.Features, feature)
		return true
	}
	store := shaders.Packed
	if info.Software {
		store = shaders.F32
	} else if use(shaderF16, true) {
		store = shaders.F16
	}
	use(subgroups, !info.Software || o.Subgroups)
	use(timestamps, o.Timestamps)
	device, err := requestDevice(adapter, info.Features)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	dev := wgpu.NewDevice(device)
	d := &Device{}
	d.init(&dev, info, store)
	d.watch(device)
	return d, nil
}

// adapterInfo reads what the browser tells of the adapter; much may be withheld for privacy.
func adapterInfo(adapter js.Value) model.DeviceInfo {
	info := adapter.Get("info")
	if info.IsUndefined() { // before Chromium 127
		info = object()
	}
	text := func(k string) string {
		if v := info.Get(k); v.Type() == js.TypeString {
			return v.String()
		}
		return ""
	}
	name := text("description")
	if name == "" {
		name = text("vendor")
		if a := text("architecture"); a != "" {
			name += " " + a
		}
	}
	software := info.Get("isFallbackAdapter").Truthy() || adapter.Get("isFallbackAdapter").Truthy() || text("architecture") == "swiftshader"
	return model.DeviceInfo{Kind: "webgpu", Adapter: name, Software: software}
}

// requestDevice asks for the adapter's own limits, of those that kernels and weights are bound by: the defaults of
// WebGPU are those of the weakest adapter.
func requestDevice(adapter js.Value, features []string) (js.Value, error) {
	limits := object()
	for _, k := range []string{
		"maxBufferSize", "maxStorageBufferBindingSize", "maxTextureDimension2D",
		"maxComputeWorkgroupStorageSize", "maxComputeInvocationsPerWorkgroup", "maxComputeWorkgroupSizeX", "maxComputeWorkgroupSizeY",
	} {
		limits.Set(k, adapter.Get("limits").Get(k))
	}
	wanted := js.Global().Get("Array").New()
	for _, f := range features {
		wanted.Call("push", f)
	}
	return await(adapter.Call("requestDevice", object("requiredFeatures", wanted, "requiredLimits", limits)))
}

// watch marks the device gone when the browser says so, and when an error escapes every scope: results could be wrong
// from then on, and a wrong answer is worse than none.
func (d *Device) watch(device js.Value) {
	device.Get("lost").Call("then", js.FuncOf(func(_ js.Value, args []js.Value) any {
		d.fail(fmt.Errorf("%w: %s", ErrLost, args[0].Get("message").String()))
		return nil
	}))
	device.Call("addEventListener", "uncapturederror", js.FuncOf(func(_ js.Value, args []js.Value) any {
		d.fail(fmt.Errorf("%w: %s", ErrLost, args[0].Get("error").Get("message").String()))
		return nil
	}))
}

var errInvalid = errors.New("WebGPU refuses a call")

// Checked runs f and reports what the GPU has to say about it: invalid calls and exhausted memory. Scopes are one stack,
// so that of two calls at once each would be told of the other's errors.
func (d *Device) Checked(f func() error) (err error) {
	d.scopes.Lock()
	defer d.scopes.Unlock()
	device := handle(d.dev)
	device.Call("pushErrorScope", "out-of-memory")
	device.Call("pushErrorScope", "validation")
	defer func() {
		for _, cause := range []error{errInvalid, model.ErrMemory} {
			problem, popErr := await(device.Call("popErrorScope"))
			if popErr != nil {
				err = errors.Join(err, fmt.Errorf("gpu: %w", popErr))
			} else if problem.Truthy() {
				err = errors.Join(err, fmt.Errorf("gpu: %w: %s", cause, problem.Get("message").String()))
			}
		}
	}()
	defer func() {
		if r := recover(); r != nil {
			thrown, ok := r.(js.Error)
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("gpu: %w", thrown)
		}
	}()
	return f()
}

// compile compiles in the background; the browser does so on several threads.
func (d *Device) compile(p *pipeline, source string) {
	go func() {
		defer close(p.ready)
		device := handle(d.dev)
		module := device.Call("createShaderModule", object("label", p.kernel.name, "code", source))
		v, err := await(device.Call("createComputePipelineAsync", object(
			"label", p.kernel.name, "layout", handle(p.layout.pipeline),
			"compute", object("module", module, "entryPoint", "main"))))
		if err != nil {
			p.err = fmt.Errorf("gpu: compile %s: %w", p.kernel.name, err)
			return
		}
		p.gpu = wrapPipeline(v)
	}()
}

// replay is what site/clipside/replay.js gives: a call into JavaScript costs up to a microsecond, and one for every
// step of every command would cost more than some commands themselves.
var replay = sync.OnceValue(func() (functions struct{ submit, write, copyImage, read, timed, done, room, unload js.Value }) {
	r := js.Global().Get("clipsideReplay")
	functions.submit, functions.write, functions.copyImage = r.Get("submit"), r.Get("write"), r.Get("copyImage")
	functions.read, functions.timed, functions.done = r.Get("read"), r.Get("timed"), r.Get("done")
	functions.room, functions.unload = r.Get("room"), r.Get("unload")
	return functions
})

// commandList is a program's commands as replay.js takes them: an array of five values each.
type commandList struct{ js.Value }

func newCommandList(commands []*command) commandList {
	var flat []any
	for _, c := range commands {
		flat = append(flat, handle(c.compute), handle(c.group), c.grid[0], c.grid[1], c.grid[2])
	}
	return commandList{js.ValueOf(flat)}
}

func (l commandList) setGrid(i int, grid [3]uint32) {
	for j, v := range grid {
		l.SetIndex(5*i+2+j, v)
	}
}

// submit encodes spans in one pass. After the last command of a program its result, if it has one, is copied to where
// it can be read.
func (d *Device) submit(spans []span) error {
	args := []any{handle(d.dev)}
	for _, s := range spans {
		args = append(args, s.list.Value, s.from, s.to)
		if s.outSlot != nil && s.to == len(s.commands) {
			args = append(args, handle(s.outSlot.buffer), handle(s.staging), s.outBytes())
		} else {
			args = append(args, nil, nil, 0)
		}
	}
	replay().submit.Invoke(args...)
	return nil
}

// timed runs commands one by one, timed by the adapter where it can.
func (d *Device) timed(s span) ([]time.Duration, error) {
	if !slices.Contains(d.info.Features, timestamps) {
		return d.timeEach(s)
	}
	all, err := await(replay().timed.Invoke(handle(d.dev), s.list.Value, s.from, s.to))
	if err != nil {
		return nil, fmt.Errorf("gpu: timestamps: %w", errors.Join(err, d.alive()))
	}
	times := make([]time.Duration, s.to-s.from)
	for i := range times {
		times[i] = time.Duration(all.Index(i).Float())
	}
	return times, d.submit([]span{{s.program, s.to, s.to}}) // copies the result
}

// read maps the first size bytes of a read-back buffer and copies them out.
func (d *Device) read(b *wgpu.Buffer, size int) ([]byte, error) {
	copied, err := await(replay().read.Invoke(handle(d.dev), handle(b), size))
	if err != nil {
		return nil, err
	}
	out := make([]byte, size)
	js.CopyBytesToGo(out, copied)
	return out, nil
}

// staging is an array of JavaScript's own that every write goes through. A write never waits, so that one will do.
var staging js.Value

// write goes through staging. The binding hands over a view of Go's own memory, made before it has the arguments
// together; if they make that memory grow, the view is void.
func (d *Device) write(b *wgpu.Buffer, at uint64, data []byte) error {
	if staging.IsUndefined() || staging.Length() < len(data) {
		staging = js.Global().Get("Uint8Array").New(len(data))
	}
	js.CopyBytesToJS(staging, data)
	replay().write.Invoke(handle(d.dev), handle(b), at, staging, len(data))
	return nil
}

// staged is how many bytes are worth a buffer that stays mapped.
const staged = 1 << 20

// writeAll writes parts one after the other.
func (d *Device) writeAll(b *wgpu.Buffer, at uint64, parts [][]byte) error {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	room := js.Null()
	if size >= staged {
		room = replay().room.Invoke(handle(d.dev), size)
	}
	if room.IsNull() {
		for _, p := range parts {
			if err := d.write(b, at, p); err != nil {
				return err
			}
			at += uint64(len(p))
		}
		return nil
	}
	filled := 0
	for _, p := range parts {
		js.CopyBytesToJS(room.Call("subarray", filled), p)
		filled += len(p)
	}
	replay().unload.Invoke(handle(d.dev), handle(b), at, size)
	return nil
}

// Uploading returns a function that waits until the GPU has taken over all that has been written so far: until then it
// is a copy in the browser's memory, and nothing else bounds how many there are.
func (d *Device) Uploading() (wait func() error) {
	done := replay().done.Invoke(handle(d.dev))
	return func() error {
		if _, err := await(done); err != nil {
			return errors.Join(fmt.Errorf("gpu: upload: %w", err), d.alive())
		}
		return d.alive()
	}
}

// finish waits until the GPU has done all that it was given.
func (d *Device) finish() error { return d.Uploading()() }

func (d *Device) destroyTexture(t *wgpu.Texture) { handle(t).Call("destroy") }

func (d *Device) destroy() { handle(d.dev).Call("destroy") }

// Prepare makes the encoder's input of a picture of the browser's, anything that copyExternalImageToTexture takes, of the
// plan's width and height, which must stay as it is until it has been encoded: it is resized and cropped there. Its
// pixels must not be colour-converted; they are laid over white.
func (d *Device) Prepare(source js.Value, plan *preprocess.Plan) (model.Picture, error) {
	return d.prepared(plan, func(t *wgpu.Texture) error {
		w := plan.Window
		replay().copyImage.Invoke(handle(d.dev), source, w.X, w.Y, w.Width, w.Height, handle(t))
		return nil
	})
}
