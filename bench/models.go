package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/clipside/clipside/bench/onnx"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
	"github.com/clipside/clipside/tokenizer"
)

const starterDir = "models/starter"

// modelNames are the models there are, in the order of the tables: the starter, then shapes.
var modelNames = []string{"starter", "tiny8", "b32", "rn50"}

// entrant is a model that is raced, in every form that the contenders load.
type entrant struct {
	name     string
	dir      string // with bundle/, onnx/, hf/ and texts.json
	config   model.Config
	manifest *bundle.Manifest
	start    [][]uint32 // token ids of the two texts of a start, padded to the same length
}

// prepare makes an entrant's files below dir, unless they are there.
func prepare(ctx context.Context, root, clipside, dir, name string) (*entrant, error) {
	e := &entrant{name: name, dir: filepath.Join(dir, name)}
	if _, err := os.Stat(e.dir); errors.Is(err, fs.ErrNotExist) {
		part := e.dir + ".part"
		if err := os.RemoveAll(part); err != nil {
			return nil, err
		}
		if err := makeEntrant(ctx, root, clipside, part, name); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", name, err)
		}
		if err := os.Rename(part, e.dir); err != nil {
			return nil, err
		}
	}
	var err error
	if e.manifest, err = bundle.ReadManifest(ctx, bundle.FS(os.DirFS(filepath.Join(e.dir, "bundle")))); err != nil {
		return nil, err
	}
	e.config = e.manifest.Config
	tok, err := tokenizer.Load(os.DirFS(filepath.Join(root, starterDir)))
	if err != nil {
		return nil, err
	}
	e.start = padded(tok, e.config.Text.Context, "a photo of a cat.", "a photo of a dog.")
	return e, nil
}

func makeEntrant(ctx context.Context, root, clipside, dir, name string) error {
	checkpoint := filepath.Join(root, starterDir)
	if s, ok := shapes[name]; ok {
		checkpoint = filepath.Join(dir, "checkpoint")
		if err := s.writeCheckpoint(checkpoint, filepath.Join(root, starterDir)); err != nil {
			return err
		}
	}
	packed := filepath.Join(dir, "bundle")
	if out, err := exec.CommandContext(ctx, clipside, "pack", "-name", name, checkpoint, packed).CombinedOutput(); err != nil {
		return fmt.Errorf("clipside pack: %w\n%s", err, out)
	}
	if checkpoint != filepath.Join(root, starterDir) {
		if err := os.RemoveAll(checkpoint); err != nil {
			return err
		}
	}
	src := bundle.FS(os.DirFS(packed))
	m, err := bundle.ReadManifest(ctx, src)
	if err != nil {
		return err
	}
	weights, err := onnx.ReadWeights(ctx, src, m)
	if err != nil {
		return err
	}
	type writer func(io.Writer, *model.Config, onnx.Weights, bool) error
	for _, f := range []struct {
		name  string
		write writer
		half  bool
	}{
		{"onnx/image.onnx", onnx.WriteImage, false},
		{"onnx/text.onnx", onnx.WriteText, false},
		{"onnx/image-fp16.onnx", onnx.WriteImage, true},
		{"onnx/text-fp16.onnx", onnx.WriteText, true},
		{"hf/onnx/model.onnx", onnx.WriteClip, false},
	} {
		file := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		out, err := os.Create(file)
		if err != nil {
			return err
		}
		if err := errors.Join(f.write(out, &m.Config, weights, f.half), out.Close()); err != nil {
			return err
		}
	}
	if err := writeHuggingFace(filepath.Join(dir, "hf"), filepath.Join(root, starterDir), &m.Config); err != nil {
		return err
	}
	tok, err := tokenizer.Load(os.DirFS(filepath.Join(root, starterDir)))
	if err != nil {
		return err
	}
	pools, err := makeTexts(tok, m.Config.Text.Context)
	if err != nil {
		return err
	}
	data, err := json.Marshal(pools)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "texts.json"), data, 0o666)
}

// padded are texts' token ids, shorter ones padded with the end token as far as the longest goes.
func padded(tok *tokenizer.Tokenizer, context int, texts ...string) [][]uint32 {
	var all [][]uint32
	longest := 0
	for _, t := range texts {
		ids, _ := tok.Encode(t, context)
		all, longest = append(all, ids), max(longest, len(ids))
	}
	for i := range all {
		for len(all[i]) < longest {
			all[i] = append(all[i], tok.End())
		}
	}
	return all
}

// pool are texts that are all different, so that no cache knows them, and all of textLength tokens, so that none needs
// padding: the best case of a runtime that pads.
type pool struct {
	Texts []string   `json:"texts"`
	IDs   [][]uint32 `json:"ids"`
}

const (
	textLength = 12
	callTexts  = 64 // of the longest calls

	// poolCalls is for how many of the longest calls, and calls of one text, a pool has texts.
	poolCalls = 45

	// mostCalls is how many timed calls that leaves, after those that race.js does not count.
	mostCalls = poolCalls - 6
)

// pools are what texts calls have: the prompts of three templates, or texts of which no two in a call begin alike.
type pools struct {
	Alike *pool `json:"alike"`
	Apart *pool `json:"apart"`
}

func makeTexts(tok *tokenizer.Tokenizer, context int) (*pools, error) {
	adjectives := []string{"red", "small", "old", "happy", "large", "black", "white", "green", "blue", "young", "two", "three", "many", "big", "brown", "wooden", "yellow", "dark", "bright", "empty"}
	nouns := []string{"cat", "dog", "car", "man", "woman", "boat", "house", "bird", "horse", "train", "table", "tree", "bus", "flower", "chair", "child", "bike", "plane", "sheep", "bear"}
	others := []string{"water", "snow", "street", "park", "beach", "bridge", "night", "field", "sea", "food", "people", "girl", "boy", "road", "city", "kitchen", "room", "window", "door", "ball", "phone", "book", "light", "sign"}
	places := []string{"on the street", "in a field", "near the water", "by the sea", "in the snow", "at night", "in the park", "on a table", "in front of a house", "next to a tree", "under a bridge", "on the beach"}
	things := func(yield func(string) bool) { // neighbours have different adjectives
		for _, place := range places {
			for shift := range nouns {
				for i, a := range adjectives {
					if !yield(fmt.Sprintf("%s %s %s", a, nouns[(i+shift)%len(nouns)], place)) {
						return
					}
				}
			}
		}
	}
	add := func(p *pool, text string) {
		if ids, _ := tok.Encode(text, context); len(ids) == textLength {
			p.Texts, p.IDs = append(p.Texts, text), append(p.IDs, ids)
		}
	}

	alike := new(pool)
	for thing := range things {
		for _, start := range []string{"a photo of a", "a picture of the", "a drawing of one"} {
			add(alike, start+" "+thing)
		}
	}
	if want := poolCalls * (callTexts + 1); len(alike.Texts) < want {
		return nil, fmt.Errorf("only %d texts have %d tokens, %d are needed", len(alike.Texts), textLength, want)
	}

	apart := new(pool)
	var first []*pool // by first word
	for _, word := range slices.Concat(adjectives, nouns, others)[:callTexts] {
		p := new(pool)
		for thing := range things {
			if add(p, word+" next to a "+thing); len(p.Texts) == poolCalls {
				break
			}
		}
		if len(p.Texts) < poolCalls {
			return nil, fmt.Errorf("only %d texts with %q have %d tokens, %d are needed", len(p.Texts), word, textLength, poolCalls)
		}
		first = append(first, p)
	}
	for i := range poolCalls {
		for _, p := range first {
			apart.Texts, apart.IDs = append(apart.Texts, p.Texts[i]), append(apart.IDs, p.IDs[i])
		}
	}
	return &pools{alike, apart}, nil
}

// makers are the files that decide what prepare makes.
var makers = []string{
	"bench/checkpoint.go", "bench/huggingface.go", "bench/models.go", "bench/onnx/*.go",
	"model/config.go", "model/bundle/*.go", "model/convert/*.go", "models/starter/*",
}

// makersHash names what prepare makes.
func makersHash(root string) (string, error) {
	h := sha256.New()
	for _, pattern := range makers {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(h, "%s %d\n", filepath.Base(file), len(data))
			h.Write(data)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:16], nil
}
