//go:build !js && !cgo

package gpu

import (
	"fmt"

	"github.com/clipside/clipside/model"
)

// Open reports that this build has no WebGPU: the native binding needs cgo, and so a C compiler when building.
func Open(Options) (model.Device, error) {
	return nil, fmt.Errorf("%w: built without cgo", ErrUnavailable)
}
