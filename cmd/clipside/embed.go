package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
)

var embedCommand = command{
	name:    "embed",
	args:    "-model M [-image F]... [-text T]... [-json] [flags]",
	summary: "compute the embeddings of photos and texts",
	help: `Computes L2-normalised embeddings, so that the dot product of two is their cosine. Nothing is printed unless everything
could be computed.

` + modelHelp,
	define: func(f *flag.FlagSet) action {
		var o embedOptions
		o.define(f)
		return func(ctx context.Context, out output, args []string) error {
			switch {
			case len(args) > 0:
				return usagef("unexpected argument %q: photos are given with -image, texts with -text", args[0])
			case len(o.images)+len(o.texts) == 0:
				return usagef("there is nothing to embed: give -image or -text")
			}
			return embed(ctx, out, &o)
		}
	},
}

type embedOptions struct {
	modelFlags
	images values
	texts  values
	json   bool
}

func (o *embedOptions) define(f *flag.FlagSet) {
	o.modelFlags.define(f)
	f.Var(&o.images, "image", "a photo's `file`; may be given several times")
	f.Var(&o.texts, "text", "a `text`, taken as it is; may be given several times")
	f.BoolVar(&o.json, "json", false, `print all numbers: {"images":[{"file":…,"embedding":[…]},…],"texts":[{"text":…,"ids":[…],"embedding":[…]},…]}`)
}

// embedded is embed's JSON.
type embedded struct {
	Images []embeddedImage `json:"images"`
	Texts  []embeddedText  `json:"texts"`
}

type embeddedImage struct {
	File      string    `json:"file"`
	Embedding []float32 `json:"embedding"`
}

type embeddedText struct {
	Text      string    `json:"text"`
	IDs       []uint32  `json:"ids"` // start and end tokens included
	Embedding []float32 `json:"embedding"`
}

func embed(ctx context.Context, out output, o *embedOptions) error {
	var towers []string
	if len(o.texts) > 0 {
		towers = append(towers, bundle.Text)
	}
	if len(o.images) > 0 {
		towers = append(towers, bundle.Image)
	}
	clip, err := o.open(ctx, out, towers...)
	if err != nil {
		return err
	}
	defer clip.Device.Release()

	result := embedded{Images: []embeddedImage{}, Texts: []embeddedText{}}
	for batch := range slices.Chunk(o.images, photosAtOnce) {
		pictures := make([]model.Picture, len(batch))
		for i, file := range batch {
			if pictures[i], err = readPhoto(ctx, file, clip.Config.Image.Size); err != nil {
				return err
			}
		}
		embeddings, err := clip.EmbedImages(ctx, pictures, nil)
		if err != nil {
			return err
		}
		for i, e := range embeddings {
			result.Images = append(result.Images, embeddedImage{batch[i], e})
		}
	}
	if len(o.texts) > 0 {
		texts, err := clip.EmbedTexts(ctx, o.texts, nil)
		if err != nil {
			return err
		}
		for _, i := range texts.Truncated {
			fmt.Fprintf(out.stderr, "clipside: text %q is longer than the model reads; its end is left out\n", beginning(o.texts[i]))
		}
		for i, e := range texts.Embeddings {
			ids, _ := clip.Tokenizer.Encode(o.texts[i], clip.Config.Text.Context)
			result.Texts = append(result.Texts, embeddedText{o.texts[i], ids, e})
		}
	}
	if o.json {
		return printJSON(out.stdout, result)
	}
	for _, i := range result.Images {
		fmt.Fprintf(out.stdout, "%s\n  %s\n", i.File, abbreviate(i.Embedding))
	}
	for _, t := range result.Texts {
		fmt.Fprintf(out.stdout, "%q, %d tokens\n  %s\n", t.Text, len(t.IDs), abbreviate(t.Embedding))
	}
	return nil
}

// abbreviate shows the first numbers of an embedding.
func abbreviate(e []float32) string {
	const shown = 6
	var b strings.Builder
	for _, v := range e[:min(shown, len(e))] {
		fmt.Fprintf(&b, "%+.4f ", v)
	}
	if len(e) > shown {
		fmt.Fprintf(&b, "… %d numbers; -json prints all", len(e))
	}
	return b.String()
}
