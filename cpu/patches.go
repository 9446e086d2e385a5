package cpu

import "github.com/clipside/clipside/model"

// Patches implements model.Ops.
func (o *ops) Patches(px model.Pixels, side int, norm model.Preprocess) model.Tensor {
	grid := model.CheckPatches(px, side)
	rgba := px.Data.([]byte) // [B, Size, Size, 4]
	y := tensor(px.B*grid*grid, side*side*3)
	for i := range y.Rows {
		b, gy, gx := i/(grid*grid), i/grid%grid, i%grid
		out := row(y, i)
		for r := range side {
			for c := range side {
				p := rgba[4*((b*px.Size+gy*side+r)*px.Size+gx*side+c):]
				for ch := range 3 {
					out[(r*side+c)*3+ch] = (float32(p[ch])/255 - norm.Mean[ch]) / norm.Std[ch]
				}
			}
		}
	}
	return y
}
