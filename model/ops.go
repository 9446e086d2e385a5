package model

// Tensor is a float32 matrix that an engine holds: Rows × Cols, row-major. A batch of token sequences is
// [B·T, width]; a batch of feature maps is [B·H·W, channels]. What Data is, is the engine's own business.
type Tensor struct {
	Rows, Cols int
	Data       any
}

// Columns is the slice of a tensor's columns [From, From+width) that an operation reads, width being fixed by the
// operation: how attention takes its queries, keys and values out of one fused matrix product.
type Columns struct {
	Tensor
	From int
}

// Columns are the columns of t from column i on.
func (t Tensor) Columns(i int) Columns { return Columns{t, i} }

// Indices is a list of N row numbers that an engine holds.
type Indices struct {
	N    int
	Data any
}

// Tokens are the N rows of a PrefixTree that an engine holds. No text has more than Longest of them.
type Tokens struct {
	N, Longest int
	Data       any
}

// Pixels is a batch of B square RGB pictures of Size pixels a side, 8 bits a channel, not yet normalised.
type Pixels struct {
	B, Size int
	Data    any
}

// Linear is a fully connected layer: x·Weightᵀ + Bias.
type Linear struct {
	Weight *Param // [out, in]
	Bias   *Param // [out], or nil
}

// Norm is a layer norm over the last dimension.
type Norm struct {
	Gain, Bias *Param // [width]
	Eps        float32
}

// Conv is a square convolution with a bias; its input is padded with Pad zeros on each side.
type Conv struct {
	Weight      *Param // [out, k, k, in]
	Bias        *Param // [out]
	Stride, Pad int
}

// Heads is the geometry of an attention: B sequences of Keys tokens each, of which Queries ask (all of them, or one);
// width is divided among Heads heads.
type Heads struct{ B, Queries, Keys, Heads, Width int }

// Ops are the operations that CLIP's encoders are made of. An engine may run them at once (cpu) or record them and
// run them later (cpu/simd, gpu). Shapes that do not fit are a bug of the caller: an engine panics with a *ShapeError, which
// its Device turns into an error.
//
// All arithmetic is in float32 (or better) whatever the weights' storage.
type Ops interface {
	// Patches cuts each picture into a grid of side×side patches and normalises: (x/255 − mean)/std.
	// Out is [B·(Size/side)², side·side·3], a patch's values ordered row, column, channel. Side 1 gives the
	// picture itself as a feature map.
	Patches(px Pixels, side int, norm Preprocess) Tensor

	// ClassToken puts the class embedding before each sequence of x, [B·n, width], and adds the position
	// embeddings, [n+1, width]. Out is [B·(n+1), width].
	ClassToken(x Tensor, n int, class, position *Param) Tensor

	// MeanToken puts the mean of each sequence of x before it and adds the position embeddings, likewise.
	MeanToken(x Tensor, n int, position *Param) Tensor

	// EmbedTokens looks tokens up in table, [vocab, width], and adds their positions' embeddings, [context, width].
	// Out is [tokens.N, width].
	EmbedTokens(tokens Tokens, table, position *Param) Tensor

	// LayerNorm normalises each row to mean 0 and variance 1, then scales and shifts.
	LayerNorm(x Tensor, n Norm) Tensor

	// MatMul is act(x·Weightᵀ + Bias + residual); residual, [x.Rows, out], may be nil. Out is [x.Rows, out].
	MatMul(x Tensor, l Linear, act Activation, residual *Tensor) Tensor

	// Attention is softmax(q·kᵀ/√(Width/Heads))·v for every head. q is [B·Queries, Width]; k and v are
	// [B·Keys, Width]. Out is [B·Queries, Width].
	Attention(q, k, v Columns, h Heads) Tensor

	// CausalAttention is the same of every token over itself and those before it in its text. q, k, v and out are
	// [tokens.N, width].
	CausalAttention(q, k, v Columns, tokens Tokens, heads, width int) Tensor

	// AttentionPool is the same of one query a sequence, q, [B, Width], over tokens, x, [B·n, Width], whose keys and
	// values are the halves of x·Weightᵀ + Bias. kv.Weight is [2·Width, Width]. Out is [B, Width].
	AttentionPool(q, x Tensor, kv Linear, heads int) Tensor

	// Conv is act(convolution of x + Bias) over maps of side×side. x is [B·side², in].
	// Out is [B·side'², out], side' = (side + 2·Pad − k)/Stride + 1.
	Conv(x Tensor, side int, c Conv, act Activation) Tensor

	// AvgPool is the mean of each k×k square of maps of side×side. Out is [B·(side/k)², Cols].
	AvgPool(x Tensor, side, k int) Tensor

	// Rows picks rows of x. Out is [rows.N, x.Cols].
	Rows(x Tensor, rows Indices) Tensor

	// Index makes Indices of constant values.
	Index(v []uint32) Indices

	// Normalize divides each row by its L2 norm.
	Normalize(x Tensor) Tensor
}
