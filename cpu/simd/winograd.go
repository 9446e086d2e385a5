package simd

import (
	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
)

// tileRows are the tiles of a strip at least: each strip reads all weights.
const tileRows = 32

// winogradShape says of a parameter's shape whether it is of a convolution that is worth making by Winograd's minimal
// filtering, with 16 multiplications for 36. With fewer channels there is too little to multiply.
func winogradShape(shape []int) bool {
	return len(shape) == 4 && shape[1] == 3 && shape[2] == 3 && shape[3] >= 8
}

// winograd makes a convolution of 3×3 whose stride is 1; of another, it has all the rows between too. side is that of
// the result.
func (r *recorder) winograd(x model.Tensor, inSide int, c model.Conv, act model.Activation) (y model.Tensor, side int) {
	outputs, width := c.Weight.Shape[0], padded(x.Cols)
	side = inSide + 2*c.Pad - 2
	batch := x.Rows / (inSide * inSide)
	y = r.tensor(batch*side*side, outputs)
	panelCount := (outputs + 7) / 8
	across := (side + 1) / 2
	tiles, threads := batch*across*across, r.d.m.threads()
	strip := max(tileRows, chunkBytes/(64*(width+8*panelCount)))
	strip = padded(min(strip, (tiles+threads-1)/threads))
	inputs, products := apart(4*strip*width), apart(4*strip*8*panelCount)
	scratch := (16*(inputs+products) + 4*(strip+16) + alignment - 1) &^ (alignment - 1)
	r.emit(opWinograd, []*model.Param{c.Weight, c.Bias},
		r.address(x), number(width), number(inSide), number(side), number(c.Pad), param(c.Weight, winograd), number(panelCount), number(batch),
		param(c.Bias, wide), r.address(y), number(4*padded(outputs)), number(recording.Activation(act)), number(r.constant(make([]uint32, width)...)),
		number(strip), r.scratch(scratch), number(scratch), number(inputs), number(products))
	r.commands[len(r.commands)-1].most = min(mostPieces, (tiles+strip-1)/strip)
	return y, side
}

// apart is size, in bytes, rounded up to an odd number of cache lines. Matrices that are so far apart, and written or read at the
// same place in each, are in different sets of the cache.
func apart(size int) int { return (size+alignment-1)&^(alignment-1) | alignment }

// every returns each stride-th row and column of maps.
func (r *recorder) every(stride int, x model.Tensor, side int) model.Tensor {
	var which []uint32
	for row := range x.Rows {
		if y, x := row/side%side, row%side; y%stride == 0 && x%stride == 0 {
			which = append(which, uint32(row))
		}
	}
	return r.Rows(x, r.Index(which))
}
