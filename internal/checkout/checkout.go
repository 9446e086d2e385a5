// Package checkout finds clipside's own source, which the build and the race start from.
package checkout

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// Find looks for a checkout of clipside from the working directory upwards.
func Find() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module github.com/clipside/clipside\n")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not in a checkout of clipside", start)
		}
	}
}
