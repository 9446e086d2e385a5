// Package convert turns other people's CLIP checkpoints into bundles: Hugging Face's layout (transformers' CLIPModel)
// and OpenCLIP's, weights in safetensors or in what torch.save writes.
//
// A checkpoint is untrusted: nothing in it is executed, sizes are checked against the files before anything is
// allocated, and whatever the encoders do not implement is refused by name rather than left out.
package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/tokenizer"
)

// Checkpoint layouts.
const (
	HuggingFace = "Hugging Face"
	OpenCLIP    = "OpenCLIP"
)

// Checkpoint is an opened checkpoint whose tensors are all there, with the right shapes, not yet read.
type Checkpoint struct {
	Layout    string
	Config    model.Config
	Tokenizer *tokenizer.Tokenizer
	Ignored   []string // tensors that no encoder asks for, sorted
	Notes     []string // what a user should know, a line each

	weights string // the file that names the tensors
	tensors map[string]*tensor
	recipes recipes
	files   []fs.File
}

// Files that weights come in, in order of preference.
var (
	huggingFaceWeights = []string{"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"}
	openCLIPWeights    = []string{"open_clip_model.safetensors", "open_clip_pytorch_model.bin"}
	shardedPickle      = "pytorch_model.bin.index.json"
	huggingFaceConfig  = "config.json"
	openCLIPConfigs    = []string{"open_clip_config.json", "open_clip_model_config.json"}
)

// Open reads a checkpoint's configuration, tokenizer and list of tensors, from a directory's root. The files of
// weights must be readable at any offset (io.ReaderAt), as os.DirFS's are. Errors are *CheckpointError where the
// checkpoint is at fault, *model.ConfigError or *tokenizer.VocabError within.
func Open(fsys fs.FS) (*Checkpoint, error) {
	c := new(Checkpoint)
	if err := c.open(fsys); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Checkpoint) open(fsys fs.FS) error {
	// A repository may have both layouts, or an image encoder of timm's beside OpenCLIP's files; the weights tell.
	config, weights := first(fsys, openCLIPConfigs), first(fsys, openCLIPWeights)
	if config == "" || weights == "" {
		weights = first(fsys, huggingFaceWeights)
		if !exists(fsys, huggingFaceConfig) {
			if config != "" {
				return bad(config, "", "the weights are missing (%s)", strings.Join(openCLIPWeights, " or "))
			}
			return bad(huggingFaceConfig, "", "is missing, and so is %s: not a CLIP checkpoint", openCLIPConfigs[0])
		}
		config = huggingFaceConfig
	}
	end, err := c.configure(fsys, config)
	if err != nil {
		return err
	}
	if weights == "" {
		if exists(fsys, shardedPickle) {
			return bad(shardedPickle, "", "PyTorch's files in shards are not supported: save the model as safetensors")
		}
		return bad(config, "", "the weights are missing (%s)", strings.Join(huggingFaceWeights, " or "))
	}
	if err := c.openWeights(fsys, weights); err != nil {
		return err
	}
	if err := c.match(); err != nil {
		return err
	}
	if c.Tokenizer, err = tokenizer.Load(fsys); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if n := c.Tokenizer.VocabSize(); n > c.Config.Text.Vocab {
		return bad(config, "vocabulary", "the tokenizer has %d tokens, the text encoder %d", n, c.Config.Text.Vocab)
	}
	if end < 0 {
		return nil
	}
	if end != int(c.Tokenizer.End()) {
		return bad(config, "text_config.eos_token_id", "%d is not the tokenizer's end token, %d", end, c.Tokenizer.End())
	}
	// Texts are read at their highest id (model.End), which must be the one that the checkpoint is read at.
	if highest := c.Tokenizer.Highest(); end != int(highest) {
		return bad(config, "text_config.eos_token_id", "%d is not the highest id of the tokenizer's, %d, at which texts are read; such a text encoder is not supported", end, highest)
	}
	return nil
}

// CheckConfig reports what is wrong with a configuration, as Open would, before the weights are there. Of Hugging Face's
// the preprocessor's file beside it is read too.
func CheckConfig(fsys fs.FS, file string) error {
	_, err := new(Checkpoint).configure(fsys, file)
	return err
}

// configure reads the configuration in a file whose name tells the layout. It returns the end token's id too, or -1 where
// the model means the highest.
func (c *Checkpoint) configure(fsys fs.FS, file string) (end int, err error) {
	if file == huggingFaceConfig {
		c.Layout = HuggingFace
		c.Config, end, c.Notes, err = readHuggingFace(fsys)
	} else {
		c.Layout, end = OpenCLIP, -1
		c.Config, err = readOpenCLIP(fsys, file)
	}
	if err != nil {
		return 0, err
	}
	c.Config.LogitScale = 1 // until its tensor is read
	if err := c.Config.Validate(); err != nil {
		return 0, &CheckpointError{File: file, Problem: err.Error(), Err: err}
	}
	for _, t := range []struct {
		field        string
		width, heads int
	}{{"image.heads", c.Config.Image.FeatureWidth(), c.Config.Image.Heads}, {"text.heads", c.Config.Text.Width, c.Config.Text.Heads}} {
		// The reference would take them, the engines that read four values at once would not.
		if d := t.width / t.heads; d%4 != 0 {
			return 0, bad(file, t.field, "%d of width %d, which must be a multiple of 4", t.heads, d)
		}
	}
	return end, nil
}

// Close closes the checkpoint's files.
func (c *Checkpoint) Close() error {
	var err error
	for _, f := range c.files {
		err = errors.Join(err, f.Close())
	}
	c.files = nil
	return err
}

// openWeights lists the tensors of a file of weights, or of all that an index names.
func (c *Checkpoint) openWeights(fsys fs.FS, file string) (err error) {
	c.weights = file
	if !strings.HasSuffix(file, ".index.json") {
		c.tensors, err = c.openFile(fsys, file)
		return err
	}
	data, err := readFile(fsys, file, maxHeader)
	if err != nil {
		return err
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return &CheckpointError{File: file, Problem: err.Error(), Err: err}
	}
	shards := make(map[string]map[string]*tensor)
	c.tensors = make(map[string]*tensor)
	for _, name := range slices.Sorted(maps.Keys(index.WeightMap)) {
		shard := index.WeightMap[name]
		if shard != path.Base(shard) || !fs.ValidPath(shard) || !strings.HasSuffix(shard, ".safetensors") {
			return bad(file, "tensor "+clip(name), "%q is no file name of a shard", clip(shard))
		}
		if shards[shard] == nil {
			if len(shards) == maxShards {
				return bad(file, "", "more than %d shards", maxShards)
			}
			if shards[shard], err = c.openFile(fsys, shard); err != nil {
				return err
			}
		}
		t := shards[shard][name]
		if t == nil {
			return bad(shard, "tensor "+clip(name), "is missing, though %s says it is there", file)
		}
		c.tensors[name] = t
	}
	return nil
}

const maxShards = 1000

func (c *Checkpoint) openFile(fsys fs.FS, file string) (map[string]*tensor, error) {
	f, err := fsys.Open(file)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	c.files = append(c.files, f)
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	r, ok := f.(io.ReaderAt)
	if !ok {
		return nil, fmt.Errorf("checkpoint: %s cannot be read at an offset", file)
	}
	if strings.HasSuffix(file, ".safetensors") {
		return readSafetensors(file, r, info.Size())
	}
	return readTorch(file, r, info.Size())
}

// match finds every tensor that the encoders need, and judges those that they do not.
func (c *Checkpoint) match() error {
	for name := range c.tensors {
		if path.Base(strings.ReplaceAll(name, ".", "/")) == "logit_bias" {
			return bad(c.weights, "tensor "+name, "belongs to SigLIP, which is not supported")
		}
	}
	if c.Layout == HuggingFace {
		c.recipes = huggingFaceRecipes(&c.Config)
	} else {
		prefix := ""
		if c.tensors["text.token_embedding.weight"] != nil {
			prefix = "text."
		}
		c.recipes = openCLIPRecipes(&c.Config, prefix)
	}
	wanted := map[string]bool{"logit_scale": true}
	for _, name := range slices.Sorted(maps.Keys(c.recipes)) {
		for _, p := range c.recipes[name].parts {
			if _, err := p.check(c); err != nil {
				return err
			}
			wanted[p.name] = true
		}
	}
	scale := c.tensors["logit_scale"]
	if scale == nil {
		return bad(c.weights, "tensor logit_scale", "is missing")
	}
	var err error
	if c.Config.LogitScale, err = readLogitScale(scale); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.tensors)) {
		if wanted[name] || isBuffer(name) {
			continue
		}
		if inEncoder(name) {
			return bad(c.tensors[name].file, "tensor "+clip(name), "is part of an encoder, but the configuration has no place for it")
		}
		c.Ignored = append(c.Ignored, clip(name))
	}
	if len(c.Ignored) > maxIgnored {
		c.Ignored = append(c.Ignored[:maxIgnored], fmt.Sprintf("and %d more", len(c.Ignored)-maxIgnored))
	}
	return nil
}

// maxIgnored is how many ignored tensors are listed by name.
const maxIgnored = 100

// isBuffer tells what PyTorch keeps beside the weights and inference does not need.
func isBuffer(name string) bool {
	for _, suffix := range []string{"position_ids", "num_batches_tracked", "attn_mask"} {
		if name == suffix || strings.HasSuffix(name, "."+suffix) {
			return true
		}
	}
	return false
}

// inEncoder tells tensors inside an encoder's layers: leaving one out would change the result without a word.
func inEncoder(name string) bool {
	for _, s := range []string{"transformer.resblocks.", "encoder.layers.", "visual.layer", "visual.attnpool."} {
		if strings.HasPrefix(name, s) || strings.Contains(name, "."+s) {
			return true
		}
	}
	return false
}

func exists(fsys fs.FS, file string) bool {
	_, err := fs.Stat(fsys, file)
	return err == nil
}

// first is the first of files that exists, or empty.
func first(fsys fs.FS, files []string) string {
	for _, f := range files {
		if exists(fsys, f) {
			return f
		}
	}
	return ""
}

// readFile reads a whole file of at most most bytes.
func readFile(fsys fs.FS, file string, most int64) ([]byte, error) {
	f, err := fsys.Open(file)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: reading %s: %w", file, err)
	}
	if int64(len(data)) > most {
		return nil, bad(file, "", "longer than %d bytes", most)
	}
	return data, nil
}
