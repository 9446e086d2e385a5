package cpu_test

import (
	"testing"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/internal/golden"
	"github.com/clipside/clipside/model"
)

func TestEmbeddingsEqualTheReference(t *testing.T) {
	golden.Check(t, "..", func(*testing.T) model.Device { return cpu.New() })
}
