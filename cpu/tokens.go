package cpu

import "github.com/clipside/clipside/model"

// ClassToken implements model.Ops.
func (o *ops) ClassToken(x model.Tensor, n int, class, position *model.Param) model.Tensor {
	model.CheckTokens("class token", x, n, position)
	model.Check(class.Len() == x.Cols, "class token", "class embedding %v, tokens are %d wide", class.Shape, x.Cols)
	token := o.weight(class)
	return o.prepend(x, n, position, func(int) []float32 { return token })
}

// MeanToken implements model.Ops.
func (o *ops) MeanToken(x model.Tensor, n int, position *model.Param) model.Tensor {
	model.CheckTokens("mean token", x, n, position)
	return o.prepend(x, n, position, func(b int) []float32 {
		mean := make([]float32, x.Cols)
		for i := range n {
			for c, v := range row(x, b*n+i) {
				mean[c] += v
			}
		}
		for c := range mean {
			mean[c] /= float32(n)
		}
		return mean
	})
}

// prepend puts first(b) before sequence b of x and adds the position embeddings.
func (o *ops) prepend(x model.Tensor, n int, position *model.Param, first func(b int) []float32) model.Tensor {
	pos := o.weight(position) // [n+1, width]
	y := tensor(x.Rows/n*(n+1), x.Cols)
	for i := range y.Rows {
		b, t := i/(n+1), i%(n+1)
		out := row(y, i)
		if t == 0 {
			copy(out, first(b))
		} else {
			copy(out, row(x, b*n+t-1))
		}
		for c := range out {
			out[c] += pos[t*x.Cols+c]
		}
	}
	return y
}

// EmbedTokens implements model.Ops.
func (o *ops) EmbedTokens(tokens model.Tokens, table, position *model.Param) model.Tensor {
	width := model.CheckEmbed(tokens, table, position)
	w, pos := o.weight(table), o.weight(position)
	y := tensor(tokens.N, width)
	for i, t := range tokens.Data.([]model.Token) {
		model.Check(int(t.ID) < table.Shape[0], "embed tokens", "id %d of a vocabulary of %d", t.ID, table.Shape[0])
		model.Check(int(t.Position) < position.Shape[0], "embed tokens", "position %d of %d", t.Position, position.Shape[0])
		out := row(y, i)
		for c := range out {
			out[c] = w[int(t.ID)*width+c] + pos[int(t.Position)*width+c]
		}
	}
	return y
}
