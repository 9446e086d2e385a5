package model

import (
	"context"
	"errors"
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
// reference; those of a tower that was not loaded are ignored. It may be started before the weights have arrived: the
// towers are tested side by side, and the first run of each goes along with its weights. It takes no turn among the
// calls of EmbedTexts and EmbedImages, so that neither waits for the other.
func (c *Clip) SelfTest(ctx context.Context, text string, knownText, knownImage []float32) (Verdict, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		worst float32
		err   error
	}
	test := func(embed func(context.Context) ([]float32, error), known []float32) <-chan result {
		done := make(chan result, 1)
		go func() {
			r := result{worst: 1}
			for range selfTestRuns {
				e, err := embed(ctx)
				if err != nil {
					cancel() // the other tower need not go on
					done <- result{err: err}
					return
				}
				if e != nil {
					r.worst = worse(r.worst, Cosine(e, known))
				}
			}
			done <- r
		}()
		return done
	}
	texts := test(func(ctx context.Context) ([]float32, error) { return c.knownText(ctx, text) }, knownText)
	images := test(c.knownImage, knownImage)
	t, i := <-texts, <-images
	if err := cause(t.err, i.err); err != nil {
		return Verdict{}, fmt.Errorf("self-test: %w", err)
	}
	v := Verdict{Cosine: worse(t.worst, i.worst), Runs: selfTestRuns}
	v.Passed = v.Cosine >= selfTestCosine
	return v, nil
}

// cause is the error of two that is not the cancelling that followed from the other.
func cause(a, b error) error {
	if a == nil || b != nil && errors.Is(a, context.Canceled) {
		return b
	}
	return a
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
	if textEmbedding, err = c.knownText(ctx, text); err != nil {
		return nil, nil, err
	}
	if imageEmbedding, err = c.knownImage(ctx); err != nil {
		return nil, nil, err
	}
	return textEmbedding, imageEmbedding, nil
}

func (c *Clip) knownText(ctx context.Context, text string) ([]float32, error) {
	if c.Text == nil {
		return nil, nil
	}
	ids, _ := c.Tokenizer.Encode(text, c.Config.Text.Context)
	e, err := c.Device.EncodeTexts(ctx, c.Text, [][]uint32{ids})
	if err != nil {
		return nil, err
	}
	return e[0], nil
}

func (c *Clip) knownImage(ctx context.Context) ([]float32, error) {
	if c.Image == nil {
		return nil, nil
	}
	e, err := c.Device.EncodeImages(ctx, c.Image, []Picture{TestPicture(c.Image.Config.Size)})
	if err != nil {
		return nil, err
	}
	return e[0], nil
}
