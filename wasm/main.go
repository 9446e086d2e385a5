//go:build js

// The engine in the browser's Worker: an object of functions for JavaScript, each returning a Promise (the interface
// is the Engine type in site/clipside/engine.js). This package translates and does no work of its own; models are of
// package model, weights of model/bundle, arithmetic of gpu, cpu/simd and cpu.
package main

import (
	"context"
	"syscall/js"
)

func main() {
	e := &engine{sessions: map[int]*session{}, calls: map[int]context.CancelFunc{}}
	js.Global().Call("clipsideEngineReady", e.object())
	select {} // functions run in callbacks from now on
}
