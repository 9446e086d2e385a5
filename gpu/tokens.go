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
	r.quads(embedTokens, y, []operand{r.read(tokens.Data), param(table), param(position)}, uint32(padded(width)/4))
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
	r.quads(k, y, append([]operand{r.in(x)}, params...), uint32(padded(x.Cols)/4), uint32(n))
	return y
}
