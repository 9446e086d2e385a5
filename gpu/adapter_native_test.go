//go:build cgo && !js

package gpu

import "os"

// Natively a machine may have no Vulkan driver; CLIPSIDE_ADAPTER=required makes that a failure.
var adapterRequired = os.Getenv("CLIPSIDE_ADAPTER") == "required"

// triedNatively is of the tests in a browser, which leave out what these try.
func triedNatively(tile) bool { return false }
