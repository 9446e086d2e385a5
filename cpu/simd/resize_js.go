package simd

import "github.com/clipside/clipside/preprocess"

// Resize is plan.Run for a picture that JavaScript has. Read calls readStrips of site/clipside/strips.js, with the picture and
// these arguments, and returns once that is done. The order of the colours is that of the result. The picture is laid over
// white as its alpha asks for.
func (d *Device) Resize(plan *preprocess.Plan, alpha preprocess.Alpha, read func(strips ...any) error) ([]byte, error) {
	return d.resize(plan, alpha, func(p *resizing) error {
		m, w := d.m.(*instance), p.window
		bytes := 4 * w.Width * p.rows
		return read(w.X, w.Y, w.Width, w.Height, p.rows, m.part(p.buffers[0], bytes), m.part(p.buffers[1], bytes), m.offerFunc, p.command(0), commandBytes)
	})
}
