package simd

import "github.com/clipside/clipside/model"

// Patches implements model.Ops.
func (r *recorder) Patches(px model.Pixels, side int, norm model.Preprocess) model.Tensor {
	grid := model.CheckPatches(px, side)
	y := r.tensor(px.B*grid*grid, side*side*3)
	args := []argument{
		number(px.Data.(uint32)), r.address(y), number(px.B), number(px.Size), number(side), number(grid), number(4 * padded(y.Cols)),
	}
	for _, s := range norm.Std {
		args = append(args, number(bits(1/(255*s))))
	}
	args = append(args, number(0))
	for c, m := range norm.Mean {
		args = append(args, number(bits(-m/norm.Std[c])))
	}
	args = append(args, number(0))
	r.emit(opPatches, nil, args...)
	return y
}

// tokenWords are tokens as the module's memory holds them.
func tokenWords(tokens []model.Token) []byte {
	w := make([]uint32, 0, 3*len(tokens))
	for _, t := range tokens {
		w = append(w, t.ID, t.Position, t.Previous)
	}
	return words(w...)
}

// EmbedTokens implements model.Ops. Ids and positions must be inside of the tables: model.TextTower.Tree sees to it.
func (r *recorder) EmbedTokens(tokens model.Tokens, table, position *model.Param) model.Tensor {
	width := model.CheckEmbed(tokens, table, position)
	y := r.tensor(tokens.N, width)
	r.emit(opEmbed, []*model.Param{table, position},
		number(tokens.Data.(uint32)), param(table, halves), param(position, halves), r.address(y), number(tokens.N), number(padded(width)/4))
	return y
}

// ClassToken implements model.Ops.
func (r *recorder) ClassToken(x model.Tensor, n int, class, position *model.Param) model.Tensor {
	model.CheckTokens("class token", x, n, position)
	model.Check(class.Len() == x.Cols, "class token", "class embedding %v, tokens are %d wide", class.Shape, x.Cols)
	return r.prepend(x, n, param(class, wide), position, class)
}

// MeanToken implements model.Ops.
func (r *recorder) MeanToken(x model.Tensor, n int, position *model.Param) model.Tensor {
	model.CheckTokens("mean token", x, n, position)
	return r.prepend(x, n, number(0), position)
}

func (r *recorder) prepend(x model.Tensor, n int, first argument, position *model.Param, needs ...*model.Param) model.Tensor {
	batch := x.Rows / n
	y := r.tensor(batch*(n+1), x.Cols)
	r.emit(opTokens, append(needs, position),
		r.address(x), first, param(position, halves), r.address(y), number(batch), number(n), number(padded(x.Cols)/4))
	return y
}
