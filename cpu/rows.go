package cpu

import "github.com/clipside/clipside/model"

// Rows implements model.Ops.
func (o *ops) Rows(x model.Tensor, rows model.Indices) model.Tensor {
	y := tensor(rows.N, x.Cols)
	for i, r := range rows.Data.([]uint32) {
		model.Check(int(r) < x.Rows, "rows", "row %d of %d", r, x.Rows)
		copy(row(y, i), row(x, int(r)))
	}
	return y
}

// Index implements model.Ops.
func (o *ops) Index(v []uint32) model.Indices { return model.Indices{N: len(v), Data: v} }
