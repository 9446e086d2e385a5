// Package hub fetches checkpoints from the Hugging Face hub, or a server that answers like it, into a local cache.
package hub

import (
	"fmt"
	"regexp"
	"strings"
)

// Model is a checkpoint with a short name.
type Model struct {
	Name       string
	Repository string // owner/name
}

// Models are the checkpoints with short names.
var Models = []Model{
	{"b32", "timm/vit_base_patch32_clip_224.openai"},        // OpenAI's ViT-B/32, 224 px, 151 M parameters
	{"b16", "timm/vit_base_patch16_clip_224.openai"},        // OpenAI's ViT-B/16, 224 px, 150 M parameters
	{"l14", "timm/vit_large_patch14_clip_224.openai"},       // OpenAI's ViT-L/14, 224 px, 428 M parameters
	{"l14-336", "timm/vit_large_patch14_clip_336.openai"},   // OpenAI's ViT-L/14, 336 px, 428 M parameters
	{"rn50", "timm/resnet50_clip.openai"},                   // OpenAI's ResNet-50, 224 px, 102 M parameters
	{"tiny8", "wkcn/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M"},    // TinyCLIP, 224 px, 8 M + 3 M parameters without embeddings
	{"tiny39", "wkcn/TinyCLIP-ViT-39M-16-Text-19M-YFCC15M"}, // TinyCLIP, 224 px, 39 M + 19 M parameters without embeddings
}

// Names lists the short names for a user to read.
func Names() string {
	names := make([]string, len(Models))
	for i, m := range Models {
		names[i] = m.Name
	}
	return strings.Join(names, ", ")
}

// NameError is a name that is neither a known model's nor a repository's.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%.100q is neither a repository's name (owner/name) nor one of %s", e.Name, Names())
}

var repository = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)

// Repository is the repository that a name means: a known model's, or any other owner/name as it is. The error is a
// *NameError.
func Repository(name string) (string, error) {
	for _, m := range Models {
		if m.Name == name {
			return m.Repository, nil
		}
	}
	if !repository.MatchString(name) || strings.Contains(name, "..") {
		return "", &NameError{name}
	}
	return name, nil
}
