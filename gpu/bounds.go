//go:build js || cgo

package gpu

import (
	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
)

// A GPU cannot be interrupted: while it runs a dispatch the machine's screen stands still, after a few seconds the system
// takes the device away, and a call that is aborted ends only with what was submitted. So dispatches and submits are
// bounded by how much arithmetic the adapter does in so many seconds.
const (
	dispatchSeconds = 0.1
	submitSeconds   = 1

	// FLOP a second: of a software adapter on two cores, and of a GPU that nothing was measured on, which is that of a
	// weak one.
	softwareRate   = 2.5e9
	unmeasuredRate = 100e9
)

// maxDispatch and maxSubmit are in FLOP.
func (d *Device) maxDispatch() float64 { return dispatchSeconds * d.rate }
func (d *Device) maxSubmit() float64   { return submitSeconds * d.rate }

// cost is what one picture or text takes: its largest operation, and all of it, in FLOP, and its largest tensor, in bytes.
type cost struct{ largest, all, bytes float64 }

// most is how many pictures or texts are encoded in one pass: so few that no operation has to be split into several
// dispatches, a pass can be submitted at once, and the adapter binds every tensor, but one at least. The key is of one of them, forward what encodes
// it.
func (d *Device) most(key recording.Key, forward func(model.Ops) model.Tensor) int {
	defer d.programs.Lock()()
	c, ok := d.costs[key]
	if !ok {
		var works []model.Work
		works, c.bytes = model.Works(forward)
		for _, w := range works {
			c.largest = max(c.largest, w.FLOP)
			c.all += w.FLOP
		}
		d.costs[key] = c
	}
	return max(1, int(min(d.maxDispatch()/c.largest, d.maxSubmit()/c.all, float64(d.mostBound())/c.bytes)))
}

// split is how many of so many equal units of work of flop each go into one dispatch, in whole steps of units.
func (d *Device) split(units, step int, flop float64) int {
	if float64(units)*flop <= d.maxDispatch() {
		return units
	}
	return max(1, int(d.maxDispatch()/flop)/step) * step // a step at least
}
