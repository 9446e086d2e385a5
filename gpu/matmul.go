//go:build js || cgo

package gpu

import (
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
)

var (
	matmul         = kernel{"matmul", "rrrrwu"}
	matmulRegister = kernel{"matmul_register", "rrrrwu"}
)

// matmulTile and registerRows are how much of the result a workgroup of matmul.wgsl, or an invocation of
// matmul_register.wgsl, makes.
const (
	matmulTile   = 32
	registerRows = 8
)

// MatMul implements model.Ops.
func (r *recorder) MatMul(x model.Tensor, l model.Linear, act model.Activation, residual *model.Tensor) model.Tensor {
	model.CheckMatMul(x, l, residual)
	n := l.Weight.Shape[0]
	y := r.tensor(x.Rows, n)
	// What is not there is bound to something that is, and not read.
	bias, add := param(l.Weight), r.in(x)
	consts := []shaders.Const{activation(act), {Name: "BIAS"}, {Name: "RESIDUAL"}}
	if l.Bias != nil {
		bias, consts[1].Value = param(l.Bias), 1
	}
	if residual != nil {
		add, consts[2].Value = r.in(*residual), 1
	}
	operands := []operand{r.in(x), param(l.Weight), bias, add, r.out(y)}
	uniform := []uint32{uint32(x.Rows), uint32(n), uint32(padded(x.Cols) / 4), uint32(padded(n))}
	if r.d.info.Software {
		rows := min(registerRows, x.Rows)
		r.dispatch(matmulRegister, append(consts, shaders.Const{Name: "ROWS", Value: rows}), operands, uniform,
			ceil(padded(n)/4, 32), ceil(x.Rows, rows), 1)
	} else {
		r.dispatch(matmul, consts, operands, uniform, ceil(padded(n), matmulTile), ceil(x.Rows, matmulTile), 1)
	}
	return y
}

// activation is the ACT that activation.wgsl knows act by.
func activation(act model.Activation) shaders.Const {
	for i, a := range []model.Activation{model.NoAct, model.ReLU, model.QuickGELU, model.GELU} {
		if a == act {
			return shaders.Const{Name: "ACT", Value: i}
		}
	}
	panic(&model.ShapeError{Op: "activation", Problem: string(act) + " is not one"})
}
