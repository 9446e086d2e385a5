package main

import (
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheManifestsPicturesAreAsItSays: a browser drops an icon or a screenshot of another size without a word.
func TestTheManifestsPicturesAreAsItSays(t *testing.T) {
	data, err := os.ReadFile(root + "/site/manifest.webmanifest")
	if err != nil {
		t.Fatal(err)
	}
	type picture struct{ Src, Sizes, Type, Purpose string }
	var manifest struct {
		Icons, Screenshots []picture
		Shortcuts          []struct{ Icons []picture }
		FileHandlers       []struct{ Icons []picture } `json:"file_handlers"`
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	pictures := append(manifest.Icons, manifest.Screenshots...)
	for _, s := range manifest.Shortcuts {
		pictures = append(pictures, s.Icons...)
	}
	for _, h := range manifest.FileHandlers {
		pictures = append(pictures, h.Icons...)
	}
	maskable := false
	for _, p := range pictures {
		maskable = maskable || p.Purpose == "maskable"
		f, err := os.Open(filepath.Join(root, "site", p.Src))
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		if strings.HasSuffix(p.Src, ".svg") {
			continue
		}
		c, err := png.DecodeConfig(f)
		if got := fmt.Sprintf("%dx%d", c.Width, c.Height); err != nil || got != p.Sizes || p.Type != "image/png" {
			t.Errorf("%s is %s, %v; the manifest says %s, %s", p.Src, got, err, p.Sizes, p.Type)
		}
	}
	if !maskable {
		t.Error("no icon is maskable")
	}
}

func TestTheHeaderFilesHaveEveryHeader(t *testing.T) {
	for _, h := range securityHeaders {
		if line := fmt.Sprintf("  %s: %s\n", h.name, h.value); !strings.Contains(headersFile(), line) {
			t.Errorf("_headers has no %q", line)
		}
		// In both locations: one that sets a header of its own inherits none.
		for _, indent := range []string{"\n\t", "\n\t\t"} {
			if line := fmt.Sprintf("%sadd_header %s \"%s\" always;\n", indent, h.name, h.value); strings.Count(nginxFile(), line) != 1 {
				t.Errorf("nginx.conf does not have %q once", line)
			}
		}
	}
}
