package model

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// Param is one weight tensor of a tower. Its name and shape are known as soon as the configuration is; its values
// arrive later, in the order in which the encoders first use them, so that the first layers can run while the last
// are still on their way.
type Param struct {
	Name  string
	Shape []int
	// Data is the engine's storage.
	Data any

	ready chan struct{}
	once  sync.Once
	err   error
}

// NewParam returns a parameter whose values have not arrived.
func NewParam(name string, shape ...int) *Param {
	return &Param{Name: name, Shape: shape, ready: make(chan struct{})}
}

// Len is the number of values.
func (p *Param) Len() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Arrived marks the values complete, or, with an error, never to come. Only the first call counts.
func (p *Param) Arrived(err error) {
	p.once.Do(func() { p.err = err; close(p.ready) })
}

// Ready reports whether the values are all there.
func (p *Param) Ready() bool {
	select {
	case <-p.ready:
		return p.err == nil
	default:
		return false
	}
}

// Wait blocks until the values are all there, or will never be, or ctx ends.
func (p *Param) Wait(ctx context.Context) error {
	select {
	case <-p.ready:
		return p.err
	default:
	}
	select {
	case <-p.ready:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ShapeError is an operation called on shapes that do not fit: a bug, not bad input.
type ShapeError struct {
	Op, Problem string
}

func (e *ShapeError) Error() string { return fmt.Sprintf("%s: %s", e.Op, e.Problem) }

// Check panics with a *ShapeError unless ok. Engines guard their operations with it.
func Check(ok bool, op, format string, args ...any) {
	if !ok {
		panic(&ShapeError{op, fmt.Sprintf(format, args...)})
	}
}

// Declare is how a tower names its parameters, in the order of first use. A converter passes a function that lists
// them; an engine's, one that reserves storage.
type Declare func(name string, shape ...int) *Param

// Fail stops an operation whose signature has no error, such as one whose weights never came. The Device that runs
// the operation turns it back into an error with Catch.
func Fail(err error) { panic(&stop{err}) }

type stop struct{ err error }

// Catch, deferred, stores what Check or Fail stopped with in *err; any other panic goes on.
func Catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case *ShapeError:
		*err = r
	case *stop:
		*err = r.err
	default:
		panic(r)
	}
}

// KeysAndValues reports whether the values are the matrix of an attention pool: an engine may keep its halves in orders of
// their own.
func (p *Param) KeysAndValues() bool { return strings.HasSuffix(p.Name, "attnpool.kv.weight") }

// Matrix reports whether the values are a matrix (or a convolution's kernels) that activations are multiplied with,
// rather than a vector or a table of embeddings: an engine may keep those in another order.
func (p *Param) Matrix() bool { return len(p.Shape) > 1 && strings.HasSuffix(p.Name, ".weight") }
