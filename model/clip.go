package model

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// DefaultTemplate is the prompt that CLIP's authors recommend for a single label.
const DefaultTemplate = "a photo of a {}."

// Tokenizer turns text into at most context token ids, start and end tokens included, and reports whether it had to
// cut the text short. Package tokenizer has it.
type Tokenizer interface {
	Encode(text string, context int) (ids []uint32, truncated bool)
}

// Clip is a model on a device. Its methods may be called from several goroutines; each tower takes one call at a time,
// so that texts can be encoded while an image waits for its weights.
type Clip struct {
	Config    Config
	Tokenizer Tokenizer
	Device    Device
	// Image or Text is nil where that tower was not loaded.
	Image *ImageTower
	Text  *TextTower

	image, text sync.Mutex // held while the tower encodes
	texts       textCache  // guarded by text
}

// InputError is a call's argument that no model could make sense of.
type InputError struct{ Problem string }

func (e *InputError) Error() string { return e.Problem }

// Texts are embeddings of texts, [n][EmbedDim], and the numbers of those that were cut to the context length.
type Texts struct {
	Embeddings [][]float32
	Truncated  []int
}

// EmbedTexts returns the texts' L2-normalised embeddings. Those that were asked for before are remembered.
func (c *Clip) EmbedTexts(ctx context.Context, texts []string) (Texts, error) {
	if c.Text == nil {
		return Texts{}, &InputError{"the text encoder was not loaded"}
	}
	c.text.Lock()
	defer c.text.Unlock()
	out := Texts{Embeddings: make([][]float32, len(texts))}
	missing := map[string]bool{}
	var names []string
	var ids [][]uint32
	for i, t := range texts {
		tokens, truncated := c.Tokenizer.Encode(t, c.Config.Text.Context)
		if truncated {
			out.Truncated = append(out.Truncated, i)
		}
		if out.Embeddings[i] = c.texts.get(t); out.Embeddings[i] == nil && !missing[t] {
			missing[t] = true
			names, ids = append(names, t), append(ids, tokens)
		}
	}
	if len(ids) == 0 {
		return out, nil
	}
	fresh, err := c.Device.EncodeTexts(ctx, c.Text, ids)
	if err != nil {
		return Texts{}, fmt.Errorf("embed texts: %w", err)
	}
	made := make(map[string][]float32, len(fresh))
	for i, e := range fresh {
		made[names[i]] = e
		c.texts.put(names[i], e)
	}
	for i, t := range texts {
		if out.Embeddings[i] == nil {
			out.Embeddings[i] = made[t]
		}
	}
	return out, nil
}

// EmbedImages returns the pictures' L2-normalised embeddings, [n][EmbedDim].
func (c *Clip) EmbedImages(ctx context.Context, px []Picture) ([][]float32, error) {
	if c.Image == nil {
		return nil, &InputError{"the image encoder was not loaded"}
	}
	c.image.Lock()
	defer c.image.Unlock()
	e, err := c.Device.EncodeImages(ctx, c.Image, px)
	if err != nil {
		return nil, fmt.Errorf("embed images: %w", err)
	}
	return e, nil
}

// EmbedLabels returns an embedding for every label: that of the template with the label in place of {}, or, of several
// templates, the normalised mean. Truncated lists labels of which a prompt was cut short.
func (c *Clip) EmbedLabels(ctx context.Context, labels, templates []string) (Texts, error) {
	if len(labels) == 0 {
		return Texts{}, &InputError{"there are no labels: give at least one"}
	}
	if len(templates) == 0 {
		return Texts{}, &InputError{"there is no template: give at least one, such as " + DefaultTemplate}
	}
	prompts := make([]string, 0, len(labels)*len(templates))
	for _, t := range templates {
		if !strings.Contains(t, "{}") {
			return Texts{}, &InputError{fmt.Sprintf("template %q has no {} for the label", t)}
		}
	}
	for i, l := range labels {
		if strings.TrimSpace(l) == "" {
			return Texts{}, &InputError{fmt.Sprintf("label %d is empty", i+1)}
		}
		for _, t := range templates {
			prompts = append(prompts, strings.ReplaceAll(t, "{}", l))
		}
	}
	all, err := c.EmbedTexts(ctx, prompts)
	if err != nil {
		return Texts{}, err
	}
	var out Texts
	for _, i := range all.Truncated {
		if label := i / len(templates); len(out.Truncated) == 0 || out.Truncated[len(out.Truncated)-1] != label {
			out.Truncated = append(out.Truncated, label)
		}
	}
	if len(templates) == 1 {
		out.Embeddings = all.Embeddings
		return out, nil
	}
	for i := range labels {
		out.Embeddings = append(out.Embeddings, Mean(all.Embeddings[i*len(templates):(i+1)*len(templates)]))
	}
	return out, nil
}

// Classify says how well each label fits each picture: softmax over the labels of scale·cosine, best first, the first
// topK of them (all where topK is 0). Truncated is as EmbedLabels has it.
func (c *Clip) Classify(ctx context.Context, px []Picture, labels, templates []string, topK int) (scores [][]Score, truncated []int, err error) {
	texts, err := c.EmbedLabels(ctx, labels, templates)
	if err != nil {
		return nil, nil, err
	}
	images, err := c.EmbedImages(ctx, px)
	if err != nil {
		return nil, nil, err
	}
	for _, logits := range Logits(images, texts.Embeddings, c.Config.LogitScale) {
		scores = append(scores, Rank(labels, Softmax(logits), topK))
	}
	return scores, texts.Truncated, nil
}

// textCache remembers the embeddings of the texts asked for last, at most maxCached.
type textCache struct {
	embeddings map[string][]float32
	order      []string // oldest first
}

// maxCached texts of 512 values take 8 MiB.
const maxCached = 4096

func (c *textCache) get(text string) []float32 { return c.embeddings[text] }

func (c *textCache) put(text string, e []float32) {
	if c.embeddings == nil {
		c.embeddings = map[string][]float32{}
	}
	if len(c.order) == maxCached {
		delete(c.embeddings, c.order[0])
		c.order = c.order[1:]
	}
	c.embeddings[text] = e
	c.order = append(c.order, text)
}
