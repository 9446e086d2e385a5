//go:build js || cgo

package gpu

import "github.com/clipside/clipside/model"

var (
	embedTokens = kernel{"embedtokens", "rrrwu"}
	classToken  = kernel{"classtoken", "rrrwu"}
	meanToken   = kernel{"meantoken", "rrwu"}
)

// EmbedTokens implements model.Ops. Ids and positions must be inside of the tables: model.TextTower.Tree sees to it.
func (r *recorder) EmbedTokens(tokens model.Tokens, table, position *model.Param) model.Tensor {
	width := model.CheckEmbed(tokens, table, position)
	y := r.tensor(tokens.N, width)
	c4 := padded(width) / 4
	count := y.Rows * c4
	grid := r.flat(count, 64)
	r.dispatch(embedTokens, nil, []operand{r.read(tokens.Data), param(table), param(position), r.out(y)},
		[]uint32{uint32(count), uint32(c4)}, grid)
	return y
}

// ClassToken implements model.Ops.
func (r *recorder) ClassToken(x model.Tensor, n int, class, position *model.Param) model.Tensor {
	model.CheckTokens("class token", x, n, position)
	model.Check(class.Len() == x.Cols, "class token", "class embedding %v, tokens are %d wide", class.Shape, x.Cols)
	return r.prepend(classToken, x, n, param(class), param(position))
}

// MeanToken implements model.Ops.
func (r *recorder) MeanToken(x model.Tensor, n int, position *model.Param) model.Tensor {
	model.CheckTokens("mean token", x, n, position)
	return r.prepend(meanToken, x, n, param(position))
}

func (r *recorder) prepend(k kernel, x model.Tensor, n int, params ...operand) model.Tensor {
	y := r.tensor(x.Rows/n*(n+1), x.Cols)
	c4 := padded(x.Cols) / 4
	count := y.Rows * c4
	grid := r.flat(count, 64)
	operands := append([]operand{r.in(x)}, params...)
	r.dispatch(k, nil, append(operands, r.out(y)), []uint32{uint32(count), uint32(c4), uint32(n)}, grid)
	return y
}
