//go:build cgo && unix

package gpu

import (
	"os"
	"syscall"
	"testing"

	"github.com/clipside/clipside/internal/swiftshader"
)

// TestMain has the tests compute with Chromium's software driver where there is no GPU. It is found through the
// environment alone, by a process that begins with it. Mesa's compiles with such care that the tests would take ten
// minutes on two cores wherever nothing of theirs is cached yet, and not two and a half.
func TestMain(m *testing.M) {
	if env := swiftshader.Environment(); len(env) > len(os.Environ()) {
		if exe, err := os.Executable(); err == nil {
			syscall.Exec(exe, os.Args, env) // returns only if it fails, and then Mesa's has to do
		}
	}
	os.Exit(m.Run())
}
