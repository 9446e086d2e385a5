package model

import (
	"math"
	"slices"
)

// Score is a label and how well it fits.
type Score struct {
	Label string
	Score float32 // 0 to 1
}

// Cosine is the dot product of two L2-normalised embeddings of one length.
func Cosine(a, b []float32) float32 {
	var s float64
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return float32(s)
}

// Logits is scale·cosine of every image with every text: [images][texts].
func Logits(images, texts [][]float32, scale float32) [][]float32 {
	out := make([][]float32, len(images))
	for i, image := range images {
		out[i] = make([]float32, len(texts))
		for j, text := range texts {
			out[i][j] = scale * Cosine(image, text)
		}
	}
	return out
}

// Softmax turns logits into probabilities.
func Softmax(logits []float32) []float32 {
	top := float32(math.Inf(-1))
	for _, v := range logits {
		top = max(top, v)
	}
	var sum float64
	p := make([]float32, len(logits))
	for i, v := range logits {
		e := math.Exp(float64(v - top))
		p[i], sum = float32(e), sum+e
	}
	for i := range p {
		p[i] = float32(float64(p[i]) / sum)
	}
	return p
}

// Rank pairs labels with their scores, best first, equal ones in the order given, and keeps the first topK; all of
// them where topK is 0.
func Rank(labels []string, scores []float32, topK int) []Score {
	r := make([]Score, len(labels))
	for i, l := range labels {
		r[i] = Score{l, scores[i]}
	}
	slices.SortStableFunc(r, func(a, b Score) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	if topK > 0 {
		r = r[:min(topK, len(r))]
	}
	return r
}
