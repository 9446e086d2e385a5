package model

import (
	"context"
	"fmt"
)

// Verdict is what a self-test found.
type Verdict struct {
	Passed bool
	// Cosine is the lowest of all comparisons with the known embeddings.
	Cosine float32
	Runs   int
}

// selfTestCosine is what a device must reach. float32 on any hardware gives 0.99999 and better; drivers that compute
// something else are far below.
const selfTestCosine = 0.9995

// selfTestRuns is two: some drivers are right only the first time.
const selfTestRuns = 2

// SelfTest embeds a known text and TestPicture on the device, twice, and compares with embeddings known from the
// reference; those of a tower that was not loaded are ignored.
func (c *Clip) SelfTest(ctx context.Context, text string, knownText, knownImage []float32) (Verdict, error) {
	v := Verdict{Cosine: 1}
	for range selfTestRuns {
		t, i, err := c.Known(ctx, text)
		if err != nil {
			return v, fmt.Errorf("self-test: %w", err)
		}
		if t != nil {
			v.Cosine = worse(v.Cosine, Cosine(t, knownText))
		}
		if i != nil {
			v.Cosine = worse(v.Cosine, Cosine(i, knownImage))
		}
		v.Runs++
	}
	v.Passed = v.Cosine >= selfTestCosine
	return v, nil
}

// worse is the lower of two cosines; one that is no number is as bad as can be.
func worse(a, b float32) float32 {
	if b != b {
		return -1
	}
	return min(a, b)
}

// Known embeds text and TestPicture, with no cache between; nil for a tower that was not loaded.
func (c *Clip) Known(ctx context.Context, text string) (textEmbedding, imageEmbedding []float32, err error) {
	c.text.Lock()
	defer c.text.Unlock()
	c.image.Lock()
	defer c.image.Unlock()
	if c.Text != nil {
		ids, _ := c.Tokenizer.Encode(text, c.Config.Text.Context)
		e, err := c.Device.EncodeTexts(ctx, c.Text, [][]uint32{ids})
		if err != nil {
			return nil, nil, err
		}
		textEmbedding = e[0]
	}
	if c.Image != nil {
		e, err := c.Device.EncodeImages(ctx, c.Image, []Picture{TestPicture(c.Image.Config.Size)})
		if err != nil {
			return nil, nil, err
		}
		imageEmbedding = e[0]
	}
	return textEmbedding, imageEmbedding, nil
}
