//go:build cgo && !js

package gpu

import (
	"testing"

	"github.com/clipside/clipside/internal/golden"
	"github.com/clipside/clipside/model"
)

// In the browser, package e2e makes the same comparison.
func TestEmbeddingsEqualTheReference(t *testing.T) {
	golden.Check(t, "..", func(t *testing.T) model.Device { return adapter(t, Options{}) })
}
