package model_test

import (
	"context"
	"slices"
	"testing"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/internal/golden"
	"github.com/clipside/clipside/model"
)

// countingDevice counts the texts that it encodes.
type countingDevice struct {
	model.Device
	texts int
}

func (d *countingDevice) EncodeTexts(ctx context.Context, tower *model.TextTower, ids [][]uint32) ([][]float32, error) {
	d.texts += len(ids)
	return d.Device.EncodeTexts(ctx, tower, ids)
}

func TestATextIsEncodedOnce(t *testing.T) {
	clip := golden.Read(t, "..", golden.Dirs[0]).Load(t, cpu.New())
	device := &countingDevice{Device: clip.Device}
	clip.Device = device
	first, err := clip.EmbedTexts(t.Context(), []string{"a cat", "a dog", "a cat"})
	if err != nil {
		t.Fatal(err)
	}
	if device.texts != 2 {
		t.Errorf("of two texts, one of them twice, %d were encoded", device.texts)
	}
	// Another call, of other labels among them, and by way of a template.
	again, err := clip.EmbedLabels(t.Context(), []string{"dog", "boat"}, []string{"a {}"})
	if err != nil {
		t.Fatal(err)
	}
	if device.texts != 3 {
		t.Errorf("with one new text %d were encoded, want 3", device.texts)
	}
	if !slices.Equal(first.Embeddings[0], first.Embeddings[2]) || !slices.Equal(first.Embeddings[1], again.Embeddings[0]) || slices.Equal(again.Embeddings[0], again.Embeddings[1]) {
		t.Error("what is remembered is another text's embedding")
	}
}
