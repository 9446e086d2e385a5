package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/clipside/clipside/model"
)

// writeHuggingFace writes what transformers.js reads beside a model: configuration, preprocessing and tokenizer in
// Hugging Face's layout. The vocabulary and the merges are those of the checkpoint in source.
func writeHuggingFace(dir, source string, c *model.Config) error {
	merges, err := os.ReadFile(filepath.Join(source, "merges.txt"))
	if err != nil {
		return err
	}
	vocab, err := os.ReadFile(filepath.Join(source, "vocab.json"))
	if err != nil {
		return err
	}
	var ids map[string]int
	if err := json.Unmarshal(vocab, &ids); err != nil {
		return err
	}
	const start, end = "<|startoftext|>", "<|endoftext|>"
	var pairs []string
	for line := range bytes.Lines(merges) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && !bytes.HasPrefix(line, []byte("#version")) {
			pairs = append(pairs, string(line))
		}
	}
	special := func(token string) map[string]any {
		return map[string]any{"id": ids[token], "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": token == start, "special": true}
	}
	type object = map[string]any
	files := map[string]any{
		"config.json": object{
			"model_type": "clip", "architectures": []string{"CLIPModel"}, "projection_dim": c.EmbedDim,
			"text_config":   object{"model_type": "clip_text_model", "hidden_size": c.Text.Width, "num_hidden_layers": c.Text.Layers, "num_attention_heads": c.Text.Heads, "vocab_size": c.Text.Vocab, "max_position_embeddings": c.Text.Context},
			"vision_config": object{"model_type": "clip_vision_model", "hidden_size": c.Image.Width, "num_hidden_layers": c.Image.Layers, "num_attention_heads": c.Image.Heads, "image_size": c.Image.Size, "patch_size": c.Image.Patch},
		},
		"preprocessor_config.json": object{
			"image_processor_type": "CLIPImageProcessor", "feature_extractor_type": "CLIPFeatureExtractor",
			"do_resize": true, "size": object{"shortest_edge": c.Image.Size}, "resample": 3,
			"do_center_crop": true, "crop_size": object{"height": c.Image.Size, "width": c.Image.Size},
			"do_rescale": true, "rescale_factor": 1. / 255,
			"do_normalize": true, "image_mean": c.Preprocess.Mean, "image_std": c.Preprocess.Std,
		},
		"tokenizer_config.json": object{
			"tokenizer_class": "CLIPTokenizer", "model_max_length": c.Text.Context,
			"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": end, "do_lower_case": true, "errors": "replace",
		},
		"tokenizer.json": object{
			"version": "1.0", "truncation": nil, "padding": nil,
			"added_tokens": []any{special(start), special(end)},
			"normalizer": object{"type": "Sequence", "normalizers": []any{
				object{"type": "NFC"},
				object{"type": "Replace", "pattern": object{"Regex": `\s+`}, "content": " "},
				object{"type": "Lowercase"},
			}},
			"pre_tokenizer": object{"type": "Sequence", "pretokenizers": []any{
				object{"type": "Split", "behavior": "Removed", "invert": true, "pattern": object{"Regex": `'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`}},
				object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
			}},
			"post_processor": object{"type": "RobertaProcessing", "sep": []any{end, ids[end]}, "cls": []any{start, ids[start]}, "trim_offsets": false, "add_prefix_space": false},
			"decoder":        object{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true},
			"model": object{
				"type": "BPE", "dropout": nil, "unk_token": end, "continuing_subword_prefix": "", "end_of_word_suffix": "</w>", "fuse_unk": false,
				"vocab": ids, "merges": pairs,
			},
		},
	}
	for name, content := range files {
		data, err := json.Marshal(content)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			return err
		}
	}
	return nil
}
