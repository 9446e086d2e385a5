package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
	"github.com/clipside/clipside/tokenizer"
)

var inspectCommand = command{
	name:    "inspect",
	args:    "[-verify] [-json] BUNDLE",
	summary: "show what is in a bundle, and check it",
	help: `Shows a bundle's configuration, sizes, tokenizer, what packing folded or ignored, and every tensor. BUNDLE is a directory
or the http or https URL of one, so that a deployed bundle can be checked where it is.`,
	define: func(f *flag.FlagSet) action {
		verify := f.Bool("verify", false, "read every file and check its hash, compression and size")
		asJSON := f.Bool("json", false, "print the same as JSON")
		return func(ctx context.Context, out output, args []string) error {
			if len(args) != 1 {
				return usagef("takes one argument, BUNDLE; there are %d", len(args))
			}
			return inspect(ctx, out, args[0], *verify, *asJSON)
		}
	},
}

// inspected is what inspect finds, and its JSON.
type inspected struct {
	Manifest  *bundle.Manifest    `json:"manifest"`
	Sizes     []towerSize         `json:"sizes"`
	Tokenizer *inspectedTokenizer `json:"tokenizer"`          // nil where it cannot be read
	Verified  *verified           `json:"verified,omitempty"` // with -verify
}

type towerSize struct {
	Tower      string  `json:"tower"`
	Tensors    int     `json:"tensors"`
	Parameters int64   `json:"parameters"`
	Raw        int64   `json:"raw"`
	Stored     int64   `json:"stored"`
	Ratio      float64 `json:"ratio"`
	Chunks     int     `json:"chunks"`
}

type inspectedTokenizer struct {
	Tokens int    `json:"tokens"`
	Start  uint32 `json:"start"`
	End    uint32 `json:"end"`
}

type verified struct {
	Files  int          `json:"files"`
	Broken []brokenFile `json:"broken"`
}

type brokenFile struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

func inspect(ctx context.Context, out output, where string, verify, asJSON bool) error {
	src, err := openBundle(where)
	if err != nil {
		return err
	}
	m, err := bundle.ReadManifest(ctx, src)
	if err != nil {
		return err
	}
	found := inspected{Manifest: m}
	for _, s := range m.Sizes() {
		found.Sizes = append(found.Sizes, towerSize{s.Tower, s.Tensors, s.Values, s.Raw, s.Stored, s.Ratio(), s.Chunks})
	}
	var unreadable error
	if found.Tokenizer, unreadable = inspectTokenizer(ctx, src, m); unreadable != nil && !verify {
		return unreadable
	}

	if verify {
		if found.Verified, err = verifyBundle(ctx, out, src, m); err != nil {
			return err
		}
		// Its bytes may be what they should, and no tokenizer.
		v, file := found.Verified, m.Tokenizer.File
		if unreadable != nil && !slices.ContainsFunc(v.Broken, func(b brokenFile) bool { return b.File == file }) {
			v.Broken = append(v.Broken, brokenFile{file, unreadable.Error()})
		}
	}
	if asJSON {
		if err := printJSON(out.stdout, found); err != nil {
			return err
		}
	} else {
		printInspected(out.stdout, &found)
	}
	if v := found.Verified; v != nil && len(v.Broken) > 0 {
		return fmt.Errorf("%d of %d files are broken", len(v.Broken), v.Files)
	}
	return nil
}

// verifyBundle reads every file; the error is that of an interruption.
func verifyBundle(ctx context.Context, out output, src bundle.Source, m *bundle.Manifest) (*verified, error) {
	v := &verified{Broken: []brokenFile{}}
	line := newProgressLine(out.stderr)
	defer line.clear()
	done, total := int64(0), int64(m.Tokenizer.Stored)
	for _, s := range m.Sizes() {
		total += s.Stored
	}
	// What Verify returns are the errors that it has told of before.
	bundle.Verify(ctx, src, m, func(f bundle.File, err error) {
		v.Files++
		if err != nil {
			v.Broken = append(v.Broken, brokenFile{f.File, err.Error()})
		}
		done += int64(f.Stored)
		line.update("verifying", done, total)
	})
	return v, ctx.Err()
}

func inspectTokenizer(ctx context.Context, src bundle.Source, m *bundle.Manifest) (*inspectedTokenizer, error) {
	vocabulary, err := bundle.ReadTokenizer(ctx, src, m)
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.Parse(vocabulary)
	if err != nil {
		return nil, fmt.Errorf("the bundle's tokenizer: %w", err)
	}
	return &inspectedTokenizer{t.VocabSize(), t.Start(), t.End()}, nil
}

// openBundle is the bundle in a directory or at a URL.
func openBundle(where string) (bundle.Source, error) {
	if u, err := url.Parse(where); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		u.RawQuery, u.Fragment = "", ""
		u.Path = strings.TrimSuffix(u.Path, bundle.ManifestName)
		if !strings.HasSuffix(u.Path, "/") {
			u.Path += "/"
		}
		return httpBundle(u), nil
	}
	info, err := os.Stat(where)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist: name a bundle's directory, or its URL with http:// or https://", where)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s is a file: a bundle is a directory", where)
	case !isBundle(where):
		return nil, fmt.Errorf("%s is no bundle: it has no %s; clipside pack makes a bundle of a checkpoint", where, bundle.ManifestName)
	}
	return bundle.FS(os.DirFS(where)), nil
}

// httpBundle is a bundle on a server.
func httpBundle(base *url.URL) bundle.Source {
	client := &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		ResponseHeaderTimeout: 30 * time.Second,
		IdleConnTimeout:       30 * time.Second,
	}}
	return func(ctx context.Context, name string, most int) ([]byte, error) {
		u := base.JoinPath(name).String()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
		if err != nil {
			return nil, err
		}
		response, err := client.Do(request)
		if err != nil {
			return nil, err // names the URL
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: the server answers %s", u, response.Status)
		}
		data, err := io.ReadAll(io.LimitReader(response.Body, int64(most)+1))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", u, err)
		}
		return data, nil
	}
}

func printInspected(w io.Writer, found *inspected) {
	m := found.Manifest
	fmt.Fprintf(w, "%s\n", printable(m.Name))
	line := func(what, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-10s %s\n", what, printable(value))
		}
	}
	line("source", m.Source)
	line("licence", m.License)
	line("image", describeImage(&m.Config.Image))
	text := m.Config.Text
	line("text", fmt.Sprintf("transformer, %d layers of width %d, %d heads, %s, at most %d tokens", text.Layers, text.Width, text.Heads, text.Activation, text.Context))
	line("embedding", fmt.Sprintf("%d numbers, logits are %.4g times the cosine", m.Config.EmbedDim, m.Config.LogitScale))
	if t := found.Tokenizer; t != nil {
		line("tokenizer", fmt.Sprintf("%d tokens, start %d, end %d, %s packed", t.Tokens, t.Start, t.End, formatBytes(int64(m.Tokenizer.Stored))))
	}
	line("self-test", fmt.Sprintf("%q and the test picture", m.SelfTest.Text))
	fmt.Fprintln(w)
	printSizes(w, m)
	for _, list := range []struct {
		title string
		lines []string
	}{{"notes", m.Notes}, {"folded", m.Folded}, {"ignored", m.Ignored}} {
		if len(list.lines) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", list.title)
		for _, l := range list.lines {
			fmt.Fprintf(w, "  %s\n", printable(l))
		}
	}
	for _, s := range found.Sizes {
		fmt.Fprintf(w, "\n%s tensors\n", s.Tower)
		printTensors(w, m.Towers[s.Tower].Tensors)
	}
	if v := found.Verified; v != nil {
		fmt.Fprintf(w, "\nverified: %d files, %d broken\n", v.Files, len(v.Broken))
		for _, b := range v.Broken {
			fmt.Fprintf(w, "  %s: %s\n", b.File, b.Error)
		}
	}
}

// printable is text of a manifest's, which may be anybody's, without what a terminal would obey.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func describeImage(c *model.ImageConfig) string {
	if c.Kind == model.ResNet {
		return fmt.Sprintf("ResNet of %v blocks, width %d, %d heads, %d×%d pixels", c.Blocks, c.Width, c.Heads, c.Size, c.Size)
	}
	return fmt.Sprintf("vision transformer, %d layers of width %d, %d heads, %s, %d×%d pixels in patches of %d", c.Layers, c.Width, c.Heads, c.Activation, c.Size, c.Size, c.Patch)
}

func printTensors(w io.Writer, tensors []bundle.Tensor) {
	name := 0
	for _, t := range tensors {
		name = max(name, len(t.Name))
	}
	for _, t := range tensors {
		shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Shape), " ", "×"), "[]")
		fmt.Fprintf(w, "  %-*s  %-4s %-16s %12d bytes at %d\n", name, t.Name, t.DType, shape, t.Bytes, t.Offset)
	}
}
