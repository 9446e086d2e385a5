package e2e

import (
	"path/filepath"
	"testing"
)

// packaged is the JavaScript package as ./build.sh build leaves it.
func packaged(t testing.TB) string {
	t.Helper()
	return filepath.Join(dist(t), "npm")
}
