package simd

import "github.com/clipside/clipside/model"

// AvgPool implements model.Ops.
func (r *recorder) AvgPool(x model.Tensor, side, k int) model.Tensor {
	batch := model.CheckAvgPool(x, side, k)
	outSide := side / k
	y := r.tensor(batch*outSide*outSide, x.Cols)
	r.emit(opAvgPool, nil, r.address(x), r.address(y), number(y.Rows), number(side), number(outSide), number(k), number(padded(x.Cols)/4))
	return y
}

// Rows implements model.Ops. The row numbers must be inside of x.
func (r *recorder) Rows(x model.Tensor, rows model.Indices) model.Tensor {
	y := r.tensor(rows.N, x.Cols)
	r.emit(opRows, nil, r.address(x), number(rows.Data.(uint32)), r.address(y), number(rows.N), number(padded(x.Cols)/4))
	return y
}

// Normalize implements model.Ops.
func (r *recorder) Normalize(x model.Tensor) model.Tensor {
	y := r.tensor(x.Rows, x.Cols)
	r.emit(opNormalize, nil, r.address(x), r.address(y), number(x.Rows), number(padded(x.Cols)/4))
	return y
}
