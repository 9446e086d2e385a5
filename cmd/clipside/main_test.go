package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	root    = "../.."
	starter = root + "/models/starter"
	photos  = root + "/testdata/photos"
)

// TestMain gives all tests one cache, so that the starter is packed once, and no way to the hub.
func TestMain(m *testing.M) {
	cache, err := os.MkdirTemp("", "clipside-cache-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("CLIPSIDE_CACHE", cache)
	os.Setenv("HF_ENDPOINT", "http://127.0.0.1:1")
	code := m.Run()
	os.RemoveAll(cache)
	os.Exit(code)
}

// clipside runs a command line and returns its exit code and what it wrote.
func clipside(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, output{&o, &e})
	return code, o.String(), e.String()
}

// succeed runs a command line that must do its work, and returns what it wrote to stdout.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := clipside(t, args...)
	if code != 0 {
		t.Fatalf("clipside %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

func TestWrongCommandLinesSayWhatIsWrong(t *testing.T) {
	cat := photos + "/chelsea.png"
	empty := t.TempDir()
	for _, c := range []struct {
		args string // separated by |
		code int
		want string // in stderr
	}{
		{"", 2, "usage: clipside COMMAND"},
		{"clasify", 2, `there is no command "clasify"`},
		{"classify", 2, "there is no photo"},
		{"classify|" + cat, 2, "-labels is missing"},
		{"classify|-labels|a cat|" + cat, 2, "-model is missing"},
		{"classify|-labels|a cat,,a dog|" + cat, 2, "empty label"},
		{"classify|-labels|a cat, |" + cat, 2, "empty label"},
		{"classify|-labels|a cat|-labels|a dog, a cat|" + cat, 2, `label "a cat" is there twice`},
		{"classify|-labels|a cat|-template|a photo|" + cat, 2, `-template "a photo" has no {}`},
		{"classify|-labels|a cat|-top|-1|" + cat, 2, "-top is -1"},
		{"classify|-labels|a cat|-device|gpu|" + cat, 2, "must be auto, webgpu or cpu"},
		{"classify|-labels|a cat|-colour|" + cat, 2, "-colour"},
		{"classify|-device|cpu|-labels|a cat|-model|" + starter + "|nothing.png", 1, "nothing.png"},
		{"classify|-labels|a cat|-model|" + cat + "|" + cat, 1, "is a file"},
		{"classify|-labels|a cat|-model|no-such-model|" + cat, 1, "tiny8"},
		{"classify|-labels|a cat|-model|" + empty + "|" + cat, 1, "config.json"},
		{"embed|-model|" + starter, 2, "nothing to embed"},
		{"embed|-model|" + starter + "|" + cat, 2, "-image"},
		{"embed|-device|cpu|-model|" + starter + "|-image|nothing.png", 1, "nothing.png"},
		{"pack|" + starter, 2, "two arguments"},
		{"pack|" + starter + "|" + starter, 2, "the same directory"},
		{"pack|./nowhere|out", 1, "there is no directory ./nowhere"},
		{"inspect", 2, "one argument"},
		{"inspect|" + starter, 1, "no bundle"},
		{"inspect|" + cat, 1, "is a file"},
		{"inspect|" + filepath.Join(empty, "none"), 1, "none does not exist: name a bundle's directory"},
		{"inspect|http://127.0.0.1:1/", 1, "127.0.0.1:1"},
		{"build|here", 2, `unexpected argument "here"`},
		{"build|-out|" + photos, 1, "no built page"},
		{"serve|here", 2, `unexpected argument "here"`},
		{"serve|-dir|" + empty, 1, "clipside build makes one"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var args []string
			if c.args != "" {
				args = strings.Split(c.args, "|")
			}
			code, stdout, stderr := clipside(t, args...)
			if code != c.code || !strings.Contains(stderr, c.want) || stdout != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q; want code %d and %q in stderr", code, stdout, stderr, c.code, c.want)
			}
			if len(args) > 0 && !strings.HasPrefix(stderr, "clipside: ") {
				t.Errorf("stderr %q does not begin with the program's name", stderr)
			}
		})
	}
}

func TestHelpTellsEveryFlag(t *testing.T) {
	for _, c := range commands() {
		for _, flag := range []string{"-h", "--help"} {
			help := succeed(t, c.name, flag)
			if !strings.HasPrefix(help, "usage: clipside "+c.name+" ") {
				t.Errorf("clipside %s %s prints %q", c.name, flag, help)
			}
		}
		if !strings.Contains(succeed(t, "help"), c.summary) {
			t.Errorf("clipside help does not mention %s", c.name)
		}
	}
	help := succeed(t, "classify", "-h")
	for _, want := range []string{"-model", "-labels", "-template", "-top", "-device", "-json", "-v", "CLIPSIDE_CACHE", "tiny8"} {
		if !strings.Contains(help, want) {
			t.Errorf("the help of classify does not mention %s", want)
		}
	}
}

func TestFlagsMayFollowArguments(t *testing.T) {
	for _, c := range []struct{ args, name, rest string }{
		{"SRC OUT -name n", "n", "SRC OUT"},
		{"SRC -name n OUT", "n", "SRC OUT"},
		{"-name n SRC OUT", "n", "SRC OUT"},
		{"-name=n -- -SRC -name", "n", "-SRC -name"},
		{"SRC -- OUT -name", "", "SRC OUT -name"},
	} {
		var o packOptions
		flags := newFlags("pack")
		flags.StringVar(&o.name, "name", "", "")
		rest, err := parseInterspersed(flags, strings.Fields(c.args))
		if err != nil || o.name != c.name || strings.Join(rest, " ") != c.rest {
			t.Errorf("%s: name %q, rest %q, error %v; want %q, %q", c.args, o.name, rest, err, c.name, c.rest)
		}
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestResultsThatCannotBeWrittenAreAFailure(t *testing.T) {
	var stderr strings.Builder
	if code := run(t.Context(), []string{"inspect", packed(t)}, output{full{}, &stderr}); code != 1 || !strings.Contains(stderr.String(), syscall.ENOSPC.Error()) {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}
