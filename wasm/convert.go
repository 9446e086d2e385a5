//go:build js

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"syscall/js"
	"time"

	"github.com/clipside/clipside/gpu"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
	"github.com/clipside/clipside/preprocess"
	"github.com/clipside/clipside/tokenizer"
)

// promising wraps f as a JavaScript function that returns a Promise. f runs in a goroutine of its own and may wait.
// JavaScript makes the Promise: clipsidePromising, of engine.js, calls with what settles it before the arguments.
func promising(f func(args []js.Value) (any, error)) js.Value {
	return js.Global().Call("clipsidePromising", js.FuncOf(func(_ js.Value, args []js.Value) any {
		go func() {
			resolve, reject := args[0], args[1]
			result, err := guarded(f, args[2:])
			if err != nil {
				reject.Invoke(jsError(err))
			} else {
				resolve.Invoke(result)
			}
		}()
		return nil
	}))
}

// guarded turns what a call into JavaScript threw into an error: it keeps its own name. A panic of Go's is a bug and
// ends the engine.
func guarded(f func(args []js.Value) (any, error), args []js.Value) (result any, err error) {
	defer func() {
		if r := recover(); r != nil {
			thrown, ok := r.(js.Error)
			if !ok {
				panic(r)
			}
			err = &named{thrown.Get("name").String(), errors.New(thrown.Get("message").String())}
		}
	}()
	return f(args)
}

// await waits for what may be a promise. A rejection becomes an error with the reason's name.
func await(v js.Value) error {
	if v.IsUndefined() {
		return nil
	}
	settled := make(chan error, 1)
	resolve := js.FuncOf(func(js.Value, []js.Value) any {
		settled <- nil
		return nil
	})
	defer resolve.Release()
	reject := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- &named{args[0].Get("name").String(), errors.New(args[0].Get("message").String())}
		return nil
	})
	defer reject.Release()
	v.Call("then", resolve, reject)
	return <-settled
}

// named is an error whose JavaScript name was given.
type named struct {
	name string
	error
}

func (n *named) Unwrap() error { return n.error }

// errorName is the class in site/clipside/errors.js that stands for err.
func errorName(err error) string {
	var n *named
	var input *model.InputError
	var integrity *bundle.IntegrityError
	var manifest *bundle.ManifestError
	var config *model.ConfigError
	var vocab *tokenizer.VocabError
	var size *preprocess.SizeError
	switch {
	case errors.As(err, &n):
		return n.name
	case errors.Is(err, context.Canceled):
		return "AbortError"
	case errors.Is(err, errDisposed):
		return "InvalidStateError"
	case errors.As(err, &input):
		return "TypeError"
	case errors.As(err, &size):
		return "ImageDecodeError"
	case errors.As(err, &integrity):
		return "IntegrityError"
	case errors.As(err, &manifest), errors.As(err, &config), errors.As(err, &vocab):
		return "ModelError"
	case errors.Is(err, model.ErrMemory):
		return "QuotaError"
	case errors.Is(err, gpu.ErrLost):
		return "DeviceLostError"
	case errors.Is(err, gpu.ErrUnavailable):
		return "WebGPUUnavailableError"
	}
	return "Error"
}

func jsError(err error) js.Value {
	e := js.Global().Get("Error").New(err.Error())
	e.Set("name", errorName(err))
	return e
}

// optional is an argument that JavaScript may leave out: undefined then.
func optional(args []js.Value, i int) js.Value {
	if i < len(args) {
		return args[i]
	}
	return js.Undefined()
}

// goBytes copies a Uint8Array or Uint8ClampedArray.
func goBytes(v js.Value) []byte {
	b := make([]byte, v.Length())
	js.CopyBytesToGo(b, v)
	return b
}

func goStrings(v js.Value) []string {
	s := make([]string, v.Length())
	for i := range s {
		s[i] = v.Index(i).String()
	}
	return s
}

var uint8Array, float32Array = js.Global().Get("Uint8Array"), js.Global().Get("Float32Array")

// jsFloats makes one Float32Array of rows, one after the other.
func jsFloats(rows [][]float32) js.Value {
	var b []byte
	if len(rows) > 0 {
		b = make([]byte, 0, 4*len(rows)*len(rows[0]))
	}
	for _, r := range rows {
		for _, v := range r {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	bytes := uint8Array.New(len(b))
	js.CopyBytesToJS(bytes, b)
	return float32Array.New(bytes.Get("buffer"))
}

func jsInts(v []int) []any {
	out := make([]any, len(v))
	for i, n := range v {
		out[i] = n
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
