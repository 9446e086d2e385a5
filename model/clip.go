package model

import (
	"context"
	"fmt"
	"slices"
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

// Clip is a model on a device. Its methods may be called from several goroutines; each tower makes one pass at a time,
// so that texts can be encoded while an image waits for its weights.
type Clip struct {
	Config    Config
	Tokenizer Tokenizer
	Device    Device
	// Image or Text is nil where that tower was not loaded.
	Image *ImageTower
	Text  *TextTower

	image, text sync.Mutex // held while the tower makes a pass
	many        sync.Mutex // held by calls of more than fewTexts, before text
	texts       textCache  // guarded by text
}

// fewTexts is how many texts one call may encode without letting others in between. Calls of more take turns among
// themselves: of two that ask for the same, the second then finds what the first has made.
const fewTexts = 64

// Progress is told how much of a call's work is done: first that nothing is, then after each pass of the device. Total
// stays the same, and may be 0.
type Progress func(done, total int)

// InputError is a call's argument that no model could make sense of.
type InputError struct{ Problem string }

func (e *InputError) Error() string { return e.Problem }

// Texts are embeddings of texts, [n][EmbedDim], and the numbers of those that were cut to the context length.
type Texts struct {
	Embeddings [][]float32
	Truncated  []int
}

// EmbedTexts returns the texts' L2-normalised embeddings. Those that were asked for before are remembered. Told, which
// may be nil, is of the texts that have to be encoded.
func (c *Clip) EmbedTexts(ctx context.Context, texts []string, told Progress) (Texts, error) {
	return c.embed(ctx, texts, []string{"{}"}, told)
}

// EmbedLabels returns an embedding for every label: that of the template with the label in place of {}, or, of several
// templates, the normalised mean, which is how CLIP's prompt ensembles are made (Radford et al. 2021, section 3.1.4).
// Truncated lists labels of which a prompt was cut short. Told, which may be nil, is of the prompts that have to be
// encoded.
func (c *Clip) EmbedLabels(ctx context.Context, labels, templates []string, told Progress) (Texts, error) {
	if len(labels) == 0 {
		return Texts{}, &InputError{"there are no labels: give at least one"}
	}
	if len(templates) == 0 {
		return Texts{}, &InputError{"there is no template: give at least one, such as " + DefaultTemplate}
	}
	for _, t := range templates {
		if !strings.Contains(t, "{}") {
			return Texts{}, &InputError{fmt.Sprintf("template %q has no {} for the label", t)}
		}
	}
	for i, l := range labels {
		if strings.TrimSpace(l) == "" {
			return Texts{}, &InputError{fmt.Sprintf("label %d is empty", i+1)}
		}
	}
	return c.embed(ctx, labels, templates, told)
}

// prompt is a text on its way through the encoder, and whose embedding it goes into.
type prompt struct {
	ids []uint32
	of  *embedded
}

// embed returns the embedding of each name in the templates. Of the embeddings of single prompts it holds no more than
// a pass makes.
func (c *Clip) embed(ctx context.Context, names, templates []string, told Progress) (Texts, error) {
	if c.Text == nil {
		return Texts{}, &InputError{"the text encoder was not loaded"}
	}
	many := len(names)*len(templates) > fewTexts
	if many {
		c.many.Lock()
		defer c.many.Unlock()
	}
	c.text.Lock()
	defer c.text.Unlock()
	all := make([]*embedded, len(names))
	missing := map[textKey]*embedded{}
	var rest []prompt
	for i, name := range names {
		key := keyOf(name, templates)
		if all[i] = c.texts.get(key); all[i] != nil {
			continue
		}
		if all[i] = missing[key]; all[i] != nil {
			continue
		}
		if err := context.Cause(ctx); err != nil { // it may have waited for its turn
			return Texts{}, fmt.Errorf("embed texts: %w", err)
		}
		e := &embedded{key: key, parts: len(templates)}
		for _, t := range templates {
			ids, truncated := c.Tokenizer.Encode(strings.ReplaceAll(t, "{}", name), c.Config.Text.Context)
			e.truncated = e.truncated || truncated
			rest = append(rest, prompt{ids, e})
		}
		all[i], missing[key] = e, e
	}
	if told != nil {
		told(0, len(rest))
	}
	defer c.texts.trim(max(maxCached, len(names))) // an aborted call has left something, too
	if err := c.encode(ctx, rest, many, told); err != nil {
		return Texts{}, fmt.Errorf("embed texts: %w", err)
	}
	out := Texts{Embeddings: make([][]float32, len(names))}
	for i, e := range all {
		out.Embeddings[i] = e.values
		if e.truncated {
			out.Truncated = append(out.Truncated, i)
		}
	}
	return out, nil
}

// encode has the text encoder, which is locked, make what is missing. With yield it lets others have it between passes.
func (c *Clip) encode(ctx context.Context, missing []prompt, yield bool, told Progress) error {
	// What neighbours have in common at their beginning is computed once.
	slices.SortStableFunc(missing, func(a, b prompt) int { return slices.Compare(a.ids, b.ids) })
	ids := make([][]uint32, len(missing))
	for i, p := range missing {
		ids[i] = p.ids
	}
	for done := 0; done < len(missing); {
		fresh, err := c.Device.EncodeTexts(ctx, c.Text, ids[done:])
		if err != nil {
			return err
		}
		for i, v := range fresh {
			if e := missing[done+i].of; e.add(v) {
				c.texts.put(e)
			}
		}
		done += len(fresh)
		if told != nil {
			told(done, len(missing))
		}
		if yield && done < len(missing) {
			c.text.Unlock()
			c.text.Lock()
		}
	}
	return nil
}

// EmbedImages returns the pictures' L2-normalised embeddings, [n][EmbedDim]. Told may be nil.
func (c *Clip) EmbedImages(ctx context.Context, px []Picture, told Progress) ([][]float32, error) {
	if c.Image == nil {
		return nil, &InputError{"the image encoder was not loaded"}
	}
	if told != nil {
		told(0, len(px))
	}
	out := make([][]float32, 0, len(px))
	for len(out) < len(px) {
		e, err := c.encodeImages(ctx, px[len(out):])
		if err != nil {
			return nil, fmt.Errorf("embed images: %w", err)
		}
		out = append(out, e...)
		if told != nil {
			told(len(out), len(px))
		}
	}
	return out, nil
}

// encodeImages makes one pass over the first of px.
func (c *Clip) encodeImages(ctx context.Context, px []Picture) ([][]float32, error) {
	c.image.Lock()
	defer c.image.Unlock()
	return c.Device.EncodeImages(ctx, c.Image, px)
}

// Classify says how well each label fits each picture: softmax over the labels of scale·cosine, best first, the first
// topK of them (all where topK is 0). Truncated is as EmbedLabels has it.
func (c *Clip) Classify(ctx context.Context, px []Picture, labels, templates []string, topK int) (scores [][]Score, truncated []int, err error) {
	texts, err := c.EmbedLabels(ctx, labels, templates, nil)
	if err != nil {
		return nil, nil, err
	}
	images, err := c.EmbedImages(ctx, px, nil)
	if err != nil {
		return nil, nil, err
	}
	for _, logits := range Logits(images, texts.Embeddings, c.Config.LogitScale) {
		scores = append(scores, Rank(labels, Softmax(logits), topK))
	}
	return scores, texts.Truncated, nil
}
