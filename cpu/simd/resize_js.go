package simd

import (
	"syscall/js"

	"github.com/clipside/clipside/preprocess"
)

// Resize is plan.Run for a picture that JavaScript has. Read has the rows [y0, y1) of the picture, of each the columns
// of plan.Window, written into a Uint8Array, which is the module's own memory: 4 bytes a pixel, without padding, alpha
// last; the order of the colours is that of the result. It is called from top to bottom. It is laid over white as its
// alpha asks for.
func (d *Device) Resize(plan *preprocess.Plan, alpha preprocess.Alpha, read func(into js.Value, y0, y1 int) error) ([]byte, error) {
	return d.resize(plan, alpha, func(at uint32, y0, y1 int) error {
		return read(d.m.(*instance).part(at, 4*plan.Window.Width*(y1-y0)), y0, y1)
	})
}
