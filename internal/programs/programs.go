// Package programs finds the browsers of the tests and of the race.
package programs

import (
	"fmt"
	"os"
	"os/exec"
)

// Chromium is Debian's Chromium, or what CHROMIUM names.
func Chromium() (string, error) {
	return find("Chromium", "chromium", "CHROMIUM", "chromium", "chromium-browser", "google-chrome")
}

// HeadlessShell is Debian's Chromium without the browser around its pages, or Chromium where there is none, or where CHROMIUM
// names one.
func HeadlessShell() (string, error) {
	if os.Getenv("CHROMIUM") == "" {
		if path, err := exec.LookPath("chromium-headless-shell"); err == nil {
			return path, nil
		}
	}
	return Chromium()
}

// Firefox is Debian's Firefox, or what FIREFOX names.
func Firefox() (string, error) {
	return find("Firefox", "firefox-esr", "FIREFOX", "firefox", "firefox-esr")
}

// WebKit are the driver of Debian's WebKitGTK, or what WEBKITDRIVER names, and an X server that shows nothing, which the
// browser needs.
func WebKit() (driver, display string, err error) {
	if driver, err = find("WebKitGTK", "webkit2gtk-driver", "WEBKITDRIVER", "WebKitWebDriver"); err != nil {
		return "", "", err
	}
	display, err = find("Xvfb", "xvfb", "XVFB", "Xvfb")
	return driver, display, err
}

func find(what, debian, variable string, names ...string) (string, error) {
	for _, name := range append([]string{os.Getenv(variable)}, names...) {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no %s found: install the package %s, or name the program in %s", what, debian, variable)
}
