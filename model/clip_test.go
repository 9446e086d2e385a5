package model_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clipside/clipside/model"
)

// fake is a tokenizer, a token a byte, and a device that takes so many texts or pictures in a pass and notes what it was
// given. A text's embedding is its length and its first byte.
type fake struct {
	model.Device
	atOnce  int
	texts   []string
	encoded int // texts that became tokens
	between func()
}

func (f *fake) Encode(text string, context int) ([]uint32, bool) {
	f.encoded++
	ids := make([]uint32, 0, context)
	for _, b := range []byte(text) {
		ids = append(ids, uint32(b))
	}
	return ids[:min(len(ids), context)], len(ids) > context
}

func (f *fake) EncodeTexts(ctx context.Context, _ *model.TextTower, ids [][]uint32) ([][]float32, error) {
	if f.between != nil {
		f.between()
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	var out [][]float32
	for _, text := range ids[:min(len(ids), f.atOnce)] {
		var b []byte
		for _, id := range text {
			b = append(b, byte(id))
		}
		f.texts = append(f.texts, string(b))
		out = append(out, []float32{float32(len(b)), float32(b[0])})
	}
	return out, nil
}

func (f *fake) EncodeImages(ctx context.Context, _ *model.ImageTower, px []model.Picture) ([][]float32, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	var out [][]float32
	for _, p := range px[:min(len(px), f.atOnce)] {
		out = append(out, []float32{float32(p.Size)})
	}
	return out, nil
}

func fakeClip(f *fake) *model.Clip {
	return &model.Clip{Config: model.Config{Text: model.TextConfig{Context: 40}}, Tokenizer: f, Device: f, Image: &model.ImageTower{}, Text: &model.TextTower{}}
}

// told collects what a model.Progress is told.
type told [][2]int

func (t *told) tell(done, total int) { *t = append(*t, [2]int{done, total}) }

// check holds it to be from 0 of want to want of want, in so many steps.
func (t *told) check(test *testing.T, want, steps int) {
	test.Helper()
	for i, v := range *t {
		if v[1] != want || i > 0 && v[0] <= (*t)[i-1][0] {
			test.Errorf("progress %v, want rising ones of %d", *t, want)
			return
		}
	}
	if n := len(*t); n != steps+1 || (*t)[0][0] != 0 || (*t)[n-1][0] != want {
		test.Errorf("progress %v, want %d steps to %d", *t, steps, want)
	}
}

func numbered(what string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s %d", what, i)
	}
	return all
}

func TestATextIsEncodedOnce(t *testing.T) {
	f := &fake{atOnce: 16}
	c := fakeClip(f)
	first, err := c.EmbedTexts(t.Context(), []string{"a cat", "the dog", "a cat"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.texts) != 2 {
		t.Errorf("of two texts, one of them twice, %q were encoded", f.texts)
	}
	// Another call, of other labels among them, and by way of a template.
	again, err := c.EmbedLabels(t.Context(), []string{"dog", "steamboat"}, []string{"the {}"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.texts) != 3 {
		t.Errorf("with one new text %q were encoded", f.texts)
	}
	if !slices.Equal(first.Embeddings[0], first.Embeddings[2]) || !slices.Equal(first.Embeddings[1], again.Embeddings[0]) || slices.Equal(again.Embeddings[0], again.Embeddings[1]) {
		t.Error("what is remembered is another text's embedding")
	}
}

func TestManyLabelsInManyTemplates(t *testing.T) {
	f := &fake{atOnce: 16}
	c := fakeClip(f)
	labels := append(numbered("thing", 1000), "thing 7", strings.Repeat("long ", 9))
	templates := []string{"a {}", "one {} of many {}", "{}"}
	var p told
	texts, err := c.EmbedLabels(t.Context(), labels, templates, p.tell)
	if err != nil {
		t.Fatal(err)
	}
	p.check(t, 1001*3, (1001*3+15)/16)
	if !slices.Equal(texts.Truncated, []int{1001}) {
		t.Errorf("labels %v are said to be cut, not 1001", texts.Truncated)
	}
	if !slices.IsSorted(f.texts) {
		t.Error("texts that begin alike are not encoded side by side")
	}
	// The mean of "a thing 7", "one thing 7 of many thing 7" and "thing 7", normalised.
	sum := [2]float32{9 + 27 + 7, 'a' + 'o' + 't'}
	for _, i := range []int{7, 1000} {
		if e := texts.Embeddings[i]; model.Cosine(e, e) < 0.9999 || model.Cosine(e, e) > 1.0001 || e[0]/e[1] < 0.9999*sum[0]/sum[1] || e[0]/e[1] > 1.0001*sum[0]/sum[1] {
			t.Errorf("label %d has %v, want the direction of %v", i, e, sum)
		}
	}

	f.texts, p = nil, nil
	again, err := c.EmbedLabels(t.Context(), labels, templates, p.tell)
	if err != nil || len(f.texts) != 0 || len(p) != 1 || p[0] != [2]int{0, 0} {
		t.Errorf("asked again, %d prompts were encoded; progress %v, error %v", len(f.texts), p, err)
	}
	if !slices.Equal(again.Truncated, texts.Truncated) || &again.Embeddings[7][0] != &texts.Embeddings[7][0] {
		t.Error("what is remembered is something else")
	}
}

func TestListsOfTemplatesAreToldApart(t *testing.T) {
	c := fakeClip(&fake{atOnce: 16})
	var seen [][]float32
	for _, templates := range [][]string{{"{}\x00{}", "y{}"}, {"{}", "{}\x00y{}"}, {"{}", "x{}:{}"}, {"{}", "x{}", "{}"}} {
		texts, err := c.EmbedLabels(t.Context(), []string{"thing"}, templates, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range seen {
			if &e[0] == &texts.Embeddings[0][0] {
				t.Errorf("%q got what was remembered of list %d", templates, i)
			}
		}
		seen = append(seen, texts.Embeddings[0])
	}
}

// TestWhatIsRememberedIsBounded asks for more texts than are kept: all of them are until the next call.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	f := &fake{atOnce: 64}
	c := fakeClip(f)
	embed := func(texts []string) (encoded int) {
		t.Helper()
		f.texts = nil
		if _, err := c.EmbedTexts(t.Context(), texts, nil); err != nil {
			t.Fatal(err)
		}
		return len(f.texts)
	}
	many := numbered("text", 5000)
	if n := embed(many); n != 5000 {
		t.Errorf("%d texts were encoded, not 5000", n)
	}
	if n := embed(many); n != 0 {
		t.Errorf("%d of the last call's texts were encoded again", n)
	}
	embed([]string{"one more"})
	if n := embed(many); n != 5000-4095 {
		t.Errorf("%d texts were encoded: after a small call 4096 are kept, 4095 of these", n)
	}
}

func TestManyTextsLetFewInBetween(t *testing.T) {
	f := &fake{atOnce: 16}
	c := fakeClip(f)
	few := make(chan error, 1)
	asked := false
	f.between = func() {
		if asked {
			if !slices.Contains(f.texts, "few") {
				time.Sleep(2 * time.Millisecond) // a mutex is fair only to who has waited for a millisecond
			}
			return
		}
		asked = true
		go func() {
			_, err := c.EmbedTexts(context.Background(), []string{"few"}, nil)
			few <- err
		}()
	}
	if _, err := c.EmbedTexts(t.Context(), numbered("text", 5000), nil); err != nil {
		t.Fatal(err)
	}
	if err := <-few; err != nil {
		t.Fatal(err)
	}
	if at := slices.Index(f.texts, "few"); at < 0 || at == len(f.texts)-1 {
		t.Errorf("few was encoded as text %d of %d", at, len(f.texts))
	}
}

func TestAnAbortEndsCallsBetweenPasses(t *testing.T) {
	f := &fake{atOnce: 16}
	c := fakeClip(f)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	third := func(done, _ int) {
		if done == 48 {
			cancel(enough)
		}
	}
	if _, err := c.EmbedTexts(ctx, numbered("text", 500), third); !errors.Is(err, enough) || len(f.texts) != 48 {
		t.Errorf("error %v after %d texts, want %v after 48", err, len(f.texts), enough)
	}
	if texts, err := c.EmbedTexts(t.Context(), numbered("text", 500), nil); err != nil || len(f.texts) != 500 || texts.Embeddings[499] == nil {
		t.Errorf("afterwards %d texts were encoded in all, error %v: what was made before is remembered", len(f.texts), err)
	}
	f.encoded = 0
	if _, err := c.EmbedTexts(ctx, numbered("other", 500), nil); !errors.Is(err, enough) || f.encoded != 0 {
		t.Errorf("a call that was aborted before its turn made tokens of %d texts, error %v", f.encoded, err)
	}
	ctx, cancel = context.WithCancelCause(t.Context())
	defer cancel(nil)
	if _, err := c.EmbedImages(ctx, make([]model.Picture, 100), third); !errors.Is(err, enough) {
		t.Errorf("pictures: error %v, want %v", err, enough)
	}
	var p told
	if images, err := c.EmbedImages(t.Context(), make([]model.Picture, 100), p.tell); err != nil || len(images) != 100 {
		t.Errorf("%d pictures, error %v", len(images), err)
	}
	p.check(t, 100, 7)
}

func TestWhatAbortedCallsLeaveIsBounded(t *testing.T) {
	f := &fake{atOnce: 64}
	c := fakeClip(f)
	texts := func(call, n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("%d of call %d", i, call))
		}
		return all
	}
	const calls = 5
	for call := range calls {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := c.EmbedTexts(ctx, texts(call, 2000), func(done, _ int) {
			if done > 1900 {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("call %d: %v", call, err)
		}
	}
	known := 0
	for call := range calls {
		ctx, cancel := context.WithCancel(t.Context())
		c.EmbedTexts(ctx, texts(call, 1900), func(done, total int) {
			known += 1900 - total
			cancel()
		})
	}
	if known == 0 || known > 4096 {
		t.Errorf("%d embeddings of aborted calls are remembered", known)
	}
}
