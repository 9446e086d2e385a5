//go:build cgo && !js

package gpu

import "os"

// Natively a machine may have no Vulkan driver; CLIPSIDE_ADAPTER=required makes that a failure.
var adapterRequired = os.Getenv("CLIPSIDE_ADAPTER") == "required"
