//go:build js || cgo

package gpu

import "github.com/clipside/clipside/model"

var patches = kernel{"patches", "rwu"}

// Patches implements model.Ops.
func (r *recorder) Patches(px model.Pixels, side int, norm model.Preprocess) model.Tensor {
	grid := model.CheckPatches(px, side)
	y := r.tensor(px.B*grid*grid, side*side*3)
	uniform := []uint32{uint32(px.Size), uint32(side), uint32(grid), uint32(y.Cols), uint32(padded(y.Cols) / 4), 0, 0}
	var scale, shift [4]uint32
	for c := range 3 {
		scale[c] = bits(1 / (255 * norm.Std[c]))
		shift[c] = bits(-norm.Mean[c] / norm.Std[c])
	}
	r.quads(patches, y, []operand{r.read(px.Data)}, append(append(uniform, scale[:]...), shift[:]...)...)
	return y
}
