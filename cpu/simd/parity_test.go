//go:build !js

package simd

import (
	"testing"

	"github.com/clipside/clipside/internal/golden"
	"github.com/clipside/clipside/model"
)

func TestEmbeddingsEqualTheReference(t *testing.T) {
	golden.Check(t, "../..", func(t *testing.T) model.Device { return testDevice(t) })
}
