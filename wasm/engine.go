//go:build js

package main

import (
	"context"
	"errors"
	"fmt"
	"syscall/js"
	"time"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/gpu"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
	"github.com/clipside/clipside/tokenizer"
)

// engine is what JavaScript talks to. JavaScript is single-threaded and goroutines switch only where they wait, so its
// maps need no lock.
type engine struct {
	sessions map[int]*session
	calls    map[int]*call
	last     int // id of the newest session
}

// session is an open model.
type session struct {
	clip     *model.Clip
	gpu      *gpu.Device // nil on the CPU
	manifest *bundle.Manifest
	reserved *bundle.Reserved
	image    time.Duration // of the last call's image encoding, a picture
	text     time.Duration // of the last call's text encoding, all labels
}

// call is one that can be aborted.
type call struct{ cancel context.CancelCauseFunc }

var errDisposed = errors.New("the model was disposed")

func (e *engine) object() js.Value {
	o := js.Global().Get("Object").New()
	for name, f := range map[string]func(args []js.Value) (any, error){
		"open": e.open, "data": e.data, "fail": e.fail, "selfTest": e.selfTest, "info": e.info, "dispose": e.dispose,
		"embedTexts": e.embedTexts, "embedImages": e.embedImages, "classify": e.classify, "similarity": e.similarity,
	} {
		o.Set(name, promising(f))
	}
	o.Set("abort", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if c := e.calls[args[0].Int()]; c != nil {
			c.cancel(context.Canceled)
		}
		return nil
	}))
	return o
}

// open({manifest, device, towers}): reads a manifest, takes the best rung of the ladder that the caller allows, and
// reserves the model's memory there.
func (e *engine) open(args []js.Value) (any, error) {
	request := args[0]
	m, err := bundle.Parse(goBytes(request.Get("manifest")))
	if err != nil {
		return nil, err
	}
	var towers []string
	for _, kind := range []string{bundle.Text, bundle.Image} { // the text tower is the smaller one, and labels can be encoded first
		for i := range request.Get("towers").Length() {
			if request.Get("towers").Index(i).String() == kind {
				towers = append(towers, kind)
			}
		}
	}
	s := &session{manifest: m}
	device, fallback, err := s.device(request.Get("device").String())
	if err != nil {
		return nil, err
	}
	s.reserved, err = bundle.Reserve(m, device, towers...)
	if err != nil {
		device.Release()
		return nil, err
	}
	s.clip = &model.Clip{Config: m.Config, Device: device, Image: s.reserved.Image, Text: s.reserved.Text}
	e.last++
	e.sessions[e.last] = s

	files := []any{storedFile("tokenizer", 0, m.Tokenizer)}
	for _, t := range towers {
		for i, f := range m.Towers[t].Chunks {
			files = append(files, storedFile(t, i, f))
		}
	}
	info := device.Info()
	features := make([]any, len(info.Features))
	for i, f := range info.Features {
		features[i] = f
	}
	side := 0
	if s.gpu != nil {
		side = s.gpu.MaxTextureSide()
	}
	return map[string]any{
		"id":     e.last,
		"model":  map[string]any{"name": m.Name, "source": m.Source, "license": m.License},
		"device": info.Kind, "adapter": info.Adapter, "software": info.Software, "features": features, "fallback": fallback,
		"size": m.Config.Image.Size, "dim": m.Config.EmbedDim, "maxTextureSide": side, "files": files,
	}, nil
}

// device goes down the ladder: a real GPU, else the CPU. Fallback says why the GPU was passed over.
func (s *session) device(want string) (d model.Device, fallback string, err error) {
	if want == "cpu" {
		return cpu.New(), "", nil
	}
	s.gpu, err = gpu.Open(context.Background(), gpu.Options{Software: want == "webgpu"})
	if err == nil {
		return s.gpu, "", nil
	}
	s.gpu = nil
	if want == "webgpu" || !errors.Is(err, gpu.ErrUnavailable) {
		return nil, "", err
	}
	return cpu.New(), err.Error(), nil
}

func storedFile(kind string, index int, f bundle.File) map[string]any {
	return map[string]any{"kind": kind, "index": index, "file": f.File, "stored": f.Stored, "raw": f.Raw}
}

// data(id, kind, index, bytes): the next stored file of a kind.
func (e *engine) data(args []js.Value) (any, error) {
	s, err := e.session(args[0])
	if err != nil {
		return nil, err
	}
	kind, index, stored := args[1].String(), args[2].Int(), goBytes(args[3])
	if kind == "tokenizer" {
		raw, err := bundle.DecodeFile(s.manifest.Tokenizer, stored)
		if err != nil {
			return nil, err
		}
		t, err := tokenizer.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("tokenizer: %w", err)
		}
		s.clip.Tokenizer = t
		return nil, nil
	}
	filler := s.reserved.Filler(kind)
	if filler == nil {
		return nil, fmt.Errorf("chunk %d of the %s tower, which was not opened", index, kind)
	}
	f, more := filler.Next()
	if chunks := s.manifest.Towers[kind].Chunks; !more || index >= len(chunks) || chunks[index] != f {
		return nil, fmt.Errorf("chunk %d of the %s tower came out of order", index, kind)
	}
	raw, err := bundle.DecodeChunk(f, stored, nil)
	if err != nil {
		return nil, err
	}
	return nil, filler.Fill(raw)
}

// fail(id, name, message): the weights that are missing will not come.
func (e *engine) fail(args []js.Value) (any, error) {
	s, err := e.session(args[0])
	if err != nil {
		return nil, err
	}
	s.reserved.Fail(&named{args[1].String(), errors.New(args[2].String())})
	return nil, nil
}

// selfTest(id): see model.Clip.SelfTest.
func (e *engine) selfTest(args []js.Value) (any, error) {
	s, err := e.session(args[0])
	if err != nil {
		return nil, err
	}
	start := time.Now()
	known := s.manifest.SelfTest
	v, err := s.clip.SelfTest(context.Background(), known.Text, known.TextEmbedding, known.ImageEmbedding)
	if err != nil {
		return nil, err
	}
	return map[string]any{"passed": v.Passed, "cosine": v.Cosine, "runs": v.Runs, "ms": ms(time.Since(start))}, nil
}

// info(id): the times of the last calls.
func (e *engine) info(args []js.Value) (any, error) {
	s, err := e.session(args[0])
	if err != nil {
		return nil, err
	}
	return map[string]any{"timings": map[string]any{"image": ms(s.image), "text": ms(s.text)}}, nil
}

// dispose(id): frees the device; further calls reject.
func (e *engine) dispose(args []js.Value) (any, error) {
	id := args[0].Int()
	s := e.sessions[id]
	if s == nil {
		return nil, nil
	}
	delete(e.sessions, id)
	s.reserved.Fail(errDisposed)
	s.clip.Device.Release()
	return nil, nil
}

func (e *engine) session(id js.Value) (*session, error) {
	if s := e.sessions[id.Int()]; s != nil {
		return s, nil
	}
	return nil, errDisposed
}

// begin registers a call of an open model under the number that abort takes. end must be called when it is over.
func (e *engine) begin(args []js.Value) (s *session, ctx context.Context, end func(), err error) {
	if s, err = e.session(args[0]); err != nil {
		return nil, nil, nil, err
	}
	id := args[1].Int()
	ctx, cancel := context.WithCancelCause(context.Background())
	e.calls[id] = &call{cancel}
	return s, ctx, func() { delete(e.calls, id); cancel(nil) }, nil
}

// embedTexts(id, call, texts)
func (e *engine) embedTexts(args []js.Value) (any, error) {
	s, ctx, end, err := e.begin(args)
	if err != nil {
		return nil, err
	}
	defer end()
	start := time.Now()
	t, err := s.clip.EmbedTexts(ctx, goStrings(args[2]))
	if err != nil {
		return nil, err
	}
	s.text = time.Since(start)
	return map[string]any{"embeddings": jsFloats(t.Embeddings), "truncated": jsInts(t.Truncated)}, nil
}

// embedImages(id, call, pictures)
func (e *engine) embedImages(args []js.Value) (any, error) {
	s, ctx, end, err := e.begin(args)
	if err != nil {
		return nil, err
	}
	defer end()
	embeddings, err := s.embed(ctx, args[2])
	if err != nil {
		return nil, err
	}
	return jsFloats(embeddings), nil
}

// classify(id, call, pictures, labels, templates, topK)
func (e *engine) classify(args []js.Value) (any, error) {
	s, ctx, end, err := e.begin(args)
	if err != nil {
		return nil, err
	}
	defer end()
	labels := goStrings(args[3])
	start := time.Now()
	texts, err := s.clip.EmbedLabels(ctx, labels, goStrings(args[4]))
	if err != nil {
		return nil, err
	}
	s.text = time.Since(start)
	images, err := s.embed(ctx, args[2])
	if err != nil {
		return nil, err
	}
	results := make([]any, len(images))
	for i, logits := range model.Logits(images, texts.Embeddings, s.clip.Config.LogitScale) {
		ranked := model.Rank(labels, model.Softmax(logits), args[5].Int())
		scores := make([]any, len(ranked))
		for j, r := range ranked {
			scores[j] = label(r)
		}
		results[i] = scores
	}
	return map[string]any{"results": results, "truncated": jsInts(texts.Truncated)}, nil
}

// label is a Score in JavaScript: label first, as people read it.
func label(s model.Score) js.Value {
	o := js.Global().Get("Object").New()
	o.Set("label", s.Label)
	o.Set("score", s.Score)
	return o
}

// similarity(id, call, pictures, texts)
func (e *engine) similarity(args []js.Value) (any, error) {
	s, ctx, end, err := e.begin(args)
	if err != nil {
		return nil, err
	}
	defer end()
	start := time.Now()
	texts, err := s.clip.EmbedTexts(ctx, goStrings(args[3]))
	if err != nil {
		return nil, err
	}
	s.text = time.Since(start)
	images, err := s.embed(ctx, args[2])
	if err != nil {
		return nil, err
	}
	logits := model.Logits(images, texts.Embeddings, s.clip.Config.LogitScale)
	return map[string]any{"logits": jsFloats(logits), "rows": len(images), "cols": len(texts.Embeddings), "truncated": jsInts(texts.Truncated)}, nil
}

// embed prepares and embeds pictures.
func (s *session) embed(ctx context.Context, pictures js.Value) ([][]float32, error) {
	start := time.Now()
	px, err := s.prepare(ctx, pictures)
	if err != nil {
		return nil, err
	}
	e, err := s.clip.EmbedImages(ctx, px)
	if err == nil && len(px) > 0 {
		s.image = time.Since(start) / time.Duration(len(px))
	}
	return e, err
}
