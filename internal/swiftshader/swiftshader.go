// Package swiftshader finds the Vulkan driver that Debian's Chromium comes with, and that computes on the CPU: for other
// programs of the tests and of the race, on machines without a GPU.
package swiftshader

import (
	"os"
	"path/filepath"
	"strings"
)

// libraries is where Debian's Chromium has the driver and the loader of drivers.
const libraries = "/usr/lib/chromium"

// Environment is this process's, with the driver where there is no GPU and none is chosen.
func Environment() []string {
	for _, devices := range []string{"/dev/dri/render*", "/dev/nvidia[0-9]*"} {
		if found, _ := filepath.Glob(devices); found != nil {
			return os.Environ()
		}
	}
	if os.Getenv("VK_ICD_FILENAMES") != "" {
		return os.Environ()
	}
	return append(os.Environ(),
		"VK_ICD_FILENAMES="+filepath.Join(libraries, "vk_swiftshader_icd.json"),
		"LD_LIBRARY_PATH="+strings.TrimLeft(os.Getenv("LD_LIBRARY_PATH")+":"+libraries, ":"))
}
