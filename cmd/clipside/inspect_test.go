package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/clipside/clipside/model/bundle"
)

// packed is the starter as a bundle of the test's own.
func packed(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	got := succeed(t, "pack", starter, dir, "-name", "mine", "-license", "MIT")
	for _, want := range []string{"mine packed into " + dir, "image", "text", "ratio"} {
		if !strings.Contains(got, want) {
			t.Errorf("pack prints %q, which lacks %q", got, want)
		}
	}
	return dir
}

func inspectJSON(t *testing.T, stdout string) inspected {
	t.Helper()
	var got inspected
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return got
}

func TestNoTerminalObeysAManifest(t *testing.T) {
	dir := packed(t)
	file := filepath.Join(dir, bundle.ManifestName)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Replace(data, []byte(`"name": "mine"`), []byte(`"name": "mi\u001b[31mne\nlicence    mine"`), 1)
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	if text := succeed(t, "inspect", dir); !strings.HasPrefix(text, "mi\uFFFD[31mne\uFFFDlicence    mine\n") {
		t.Errorf("inspect prints %.60q", text)
	}
}

func TestInspectShowsWhatPackMade(t *testing.T) {
	dir := packed(t)
	text := succeed(t, "inspect", dir)
	for _, want := range []string{
		"mine\n", "licence    MIT", "source     starter", "256 numbers", "4096 tokens", "width 24", "64×64 pixels",
		"image.stem.conv1: batch norm visual.bn1", "image.stem.conv1.weight", "12×3×3×3",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("inspect does not say %q", want)
		}
	}
	if strings.Contains(text, "verified") {
		t.Error("inspect claims to have verified what it has not")
	}

	server := httptest.NewServer(http.StripPrefix("/some/where/", http.FileServer(http.Dir(dir))))
	defer server.Close()
	for _, where := range []string{dir, server.URL + "/some/where/", server.URL + "/some/where", server.URL + "/some/where/manifest.json?v=1"} {
		got := inspectJSON(t, succeed(t, "inspect", "-verify", "-json", where))
		if v := got.Verified; v == nil || v.Files < 3 || len(v.Broken) != 0 {
			t.Errorf("%s: verified %+v", where, v)
		}
		if got.Manifest.Name != "mine" || got.Tokenizer.Tokens != 4096 || len(got.Sizes) != 2 {
			t.Errorf("%s: %s, %+v, %+v", where, got.Manifest.Name, got.Tokenizer, got.Sizes)
		}
		for _, s := range got.Sizes {
			if s.Ratio <= 0 || s.Ratio >= 1 || s.Stored >= s.Raw || s.Parameters < 1e6 {
				t.Errorf("%s: %+v", where, s)
			}
		}
	}
}

func TestVerifyNamesEveryBrokenFile(t *testing.T) {
	dir := packed(t)
	m := inspectJSON(t, succeed(t, "inspect", "-json", dir)).Manifest
	chunk, vocabulary := m.Towers[bundle.Image].Chunks[1].File, m.Tokenizer.File
	data, err := os.ReadFile(filepath.Join(dir, chunk))
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(filepath.Join(dir, chunk), data, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, vocabulary)); err != nil {
		t.Fatal(err)
	}

	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	for _, where := range []string{dir, server.URL} {
		code, stdout, stderr := clipside(t, "inspect", "-json", "-verify", where)
		got := inspectJSON(t, stdout)
		if code != 1 || !strings.Contains(stderr, "2 of ") || got.Tokenizer != nil || got.Verified == nil || len(got.Verified.Broken) != 2 {
			t.Errorf("%s: exit code %d, stderr %q, verified %+v", where, code, stderr, got.Verified)
		}
		_, text, _ := clipside(t, "inspect", "-verify", where)
		for _, file := range []string{chunk, vocabulary} {
			named := slices.ContainsFunc(got.Verified.Broken, func(b brokenFile) bool { return b.File == file && b.Error != "" })
			if !named || !strings.Contains(text, "\n  "+file+": ") {
				t.Errorf("%s: %s is not among %+v, or not in the text", where, file, got.Verified.Broken)
			}
		}
		if code, _, stderr := clipside(t, "inspect", where); code != 1 || !strings.Contains(stderr, "tokenizer") {
			t.Errorf("%s: without -verify exit code %d, stderr %q", where, code, stderr)
		}
	}
}

func TestVerifyNamesATokenizerThatIsNone(t *testing.T) {
	dir := packed(t)
	src := bundle.FS(os.DirFS(dir))
	m, err := bundle.ReadManifest(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	stored := z.EncodeAll([]byte("{}"), nil)
	hash := fmt.Sprintf("%x", sha256.Sum256(stored))
	m.Tokenizer = bundle.File{File: hash + ".json.zst", SHA256: hash, Stored: len(stored), Raw: 2}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{m.Tokenizer.File: stored, bundle.ManifestName: text} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, _ := clipside(t, "inspect", "-json", "-verify", dir)
	v := inspectJSON(t, stdout).Verified
	if code != 1 || v == nil || len(v.Broken) != 1 || v.Broken[0].File != m.Tokenizer.File {
		t.Errorf("exit code %d, verified %+v", code, v)
	}
}

func TestAServerWithoutABundleIsNamed(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	code, _, stderr := clipside(t, "inspect", server.URL+"/models/none")
	if code != 1 || !strings.Contains(stderr, server.URL+"/models/none/manifest.json") || !strings.Contains(stderr, "404") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestPackingTwiceGivesTheSameBytes(t *testing.T) {
	first, second := packed(t), packed(t)
	files, err := os.ReadDir(first)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		a, errA := os.ReadFile(filepath.Join(first, f.Name()))
		b, errB := os.ReadFile(filepath.Join(second, f.Name()))
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("%s differs (%v, %v)", f.Name(), errA, errB)
		}
	}
}

func TestABundleIsNotPackedAgain(t *testing.T) {
	code, _, stderr := clipside(t, "pack", packed(t), filepath.Join(t.TempDir(), "again"))
	if code != 1 || !strings.Contains(stderr, "bundle already") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}
