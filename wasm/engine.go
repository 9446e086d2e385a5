//go:build js

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall/js"
	"time"

	"github.com/clipside/clipside/gpu"
	"github.com/clipside/clipside/internal/sha256"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
	"github.com/clipside/clipside/tokenizer"
)

// engine is what JavaScript talks to. JavaScript is single-threaded and goroutines switch only where they wait, so its
// maps need no lock.
type engine struct {
	sessions map[int]*session
	calls    map[int]context.CancelFunc
	last     int // id of the newest session

	decoding sync.Mutex // held while a chunk is decoded and fills a device; guards the buffer
	buffer   []byte     // of a chunk, kept for the next, so that the heap does not grow with the model
}

// session is an open model.
type session struct {
	clip     *model.Clip
	gpu      *gpu.Device // nil on the CPU
	manifest *bundle.Manifest
	reserved *bundle.Reserved
	words    chan struct{}  // closed when the tokenizer is there, or will never be
	wordless error          // why not; set before words is closed
	uploads  []func() error // wait for the GPU to take over the chunks of the last calls of data, oldest first
	profile  *model.Profile // nil unless it was asked for
	peak     model.Peak     // of the device, once it is profiled and its self-test over
	running  sync.WaitGroup // calls that use the device
	ended    context.Context
	end      context.CancelFunc // at dispose
	timings  js.Value           // milliseconds of the last call that computed any: image, a picture; text, all of them
}

var errDisposed = errors.New("the model was disposed")

func (e *engine) object() js.Value {
	o := js.Global().Get("Object").New()
	for name, f := range map[string]func(args []js.Value) (any, error){
		"open": e.open, "data": e.data, "fail": e.fail, "compile": e.compile, "selfTest": e.selfTest, "profile": e.profile, "dispose": e.dispose,
		"embedTexts": e.embedTexts, "embedImages": e.embedImages, "classify": e.classify, "similarity": e.similarity,
	} {
		o.Set(name, promising(f))
	}
	o.Set("abort", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if cancel := e.calls[args[0].Int()]; cancel != nil {
			cancel()
		}
		return nil
	}))
	return o
}

// open({manifest, integrity, device, towers, profile}): reads a manifest, takes the best rung of the ladder that the caller
// allows, and reserves the model's memory there.
func (e *engine) open(args []js.Value) (any, error) {
	request := args[0]
	text := goBytes(request.Get("manifest"))
	if pinned := request.Get("integrity").String(); pinned != "" {
		if got := fmt.Sprintf("%x", sha256.Sum256(text)); got != pinned {
			return nil, &named{"IntegrityError", fmt.Errorf("manifest.json has the sha256 %s; the page asked for %s", got, pinned)}
		}
	}
	m, err := bundle.Parse(text)
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
	s := &session{manifest: m, words: make(chan struct{}), timings: js.ValueOf(map[string]any{"image": 0, "text": 0})}
	s.ended, s.end = context.WithCancel(context.Background())
	profile, want := request.Get("profile").Bool(), request.Get("device").String()
	device, fallback, err := s.device(want, profile)
	if err != nil {
		return nil, err
	}
	reserve := func() (err error) {
		s.reserved, err = bundle.Reserve(m, device, towers...)
		return err
	}
	if s.gpu == nil {
		err = reserve()
	} else {
		err = s.gpu.Checked(reserve)
	}
	if err != nil && s.gpu != nil && want == "auto" { // it has no room, or a tensor is larger than what it binds
		device.Release()
		s.gpu, fallback = nil, err.Error()
		if device, err = cpuDevice(); err != nil {
			return nil, err
		}
		err = reserve()
	}
	if err != nil {
		device.Release()
		return nil, err
	}
	if p, ok := device.(model.Profiler); ok && profile {
		s.profile = new(model.Profile)
		p.SetProfile(s.profile)
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
	if s.gpu != nil && !info.Software { // such an adapter takes longer to take a picture over than the CPU to resize it
		side = s.gpu.MaxTextureSide()
	}
	return map[string]any{
		"id":     e.last,
		"model":  map[string]any{"name": m.Name, "source": m.Source, "license": m.License},
		"device": info.Kind, "adapter": info.Adapter, "software": info.Software, "features": features, "fallback": fallback,
		"size": m.Config.Image.Size, "dim": m.Config.EmbedDim, "maxTextureSide": side, "files": files,
		"timings": s.timings,
	}, nil
}

// device goes down the ladder: a real GPU, else the CPU. Fallback says why the GPU was passed over.
func (s *session) device(want string, timestamps bool) (d model.Device, fallback string, err error) {
	if want == "cpu" {
		d, err = cpuDevice()
		return d, "", err
	}
	s.gpu, err = gpu.Open(gpu.Options{Software: want == "webgpu", Timestamps: timestamps})
	if err == nil {
		return s.gpu, "", nil
	}
	s.gpu = nil
	if want == "webgpu" || !errors.Is(err, gpu.ErrUnavailable) {
		return nil, "", err
	}
	fallback = err.Error()
	d, err = cpuDevice()
	return d, fallback, err
}

func storedFile(kind string, index int, f bundle.File) map[string]any {
	return map[string]any{"kind": kind, "index": index, "file": f.File, "stored": f.Stored}
}

// data(id, kind, index, bytes, verified): the next file of a kind, and whether its hash has been checked.
func (e *engine) data(args []js.Value) (any, error) {
	s, err := e.session(args[0])
	if err != nil {
		return nil, err
	}
	s.running.Add(1)
	defer s.running.Done()
	kind, index, verified := args[1].String(), args[2].Int(), args[4].Bool()
	if kind == "tokenizer" {
		raw, err := bundle.DecodeFile(s.manifest.Tokenizer, goBytes(args[3]))
		if err != nil {
			return nil, err
		}
		t, err := tokenizer.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("tokenizer: %w", err)
		}
		if s.clip.Tokenizer == nil {
			s.clip.Tokenizer = t
			close(s.words)
		}
		return nil, nil
	}
	if err := s.chunk(e, kind, index, args[3], verified); err != nil {
		return nil, err
	}
	return nil, s.paceUploads()
}

// uploadsAhead is how many chunks may be on their way to the GPU.
const uploadsAhead = 3

// paceUploads is called after each chunk. It waits while too many are on their way.
func (s *session) paceUploads() error {
	if s.gpu == nil {
		return nil
	}
	s.uploads = append(s.uploads, s.gpu.Uploading())
	if len(s.uploads) < uploadsAhead {
		return nil
	}
	wait := s.uploads[0]
	s.uploads = append(s.uploads[:0], s.uploads[1:]...)
	return wait()
}

// chunk fills a tower with its next chunk.
func (s *session) chunk(e *engine, kind string, index int, bytes js.Value, verified bool) error {
	filler := s.reserved.Filler(kind)
	if filler == nil {
		return fmt.Errorf("chunk %d of the %s tower, which was not opened", index, kind)
	}
	f, more := filler.Next()
	if chunks := s.manifest.Towers[kind].Chunks; !more || index >= len(chunks) || chunks[index] != f {
		return fmt.Errorf("chunk %d of the %s tower came out of order", index, kind)
	}
	e.decoding.Lock()
	defer e.decoding.Unlock()
	n := bytes.Length()
	e.buffer = slices.Grow(e.buffer[:0], max(n, bundle.ChunkSize))[:n]
	js.CopyBytesToGo(e.buffer, bytes)
	decode := bundle.DecodeChunk
	if verified {
		decode = bundle.DecodeVerified
	}
	values, err := decode(f, e.buffer, e.buffer)
	if err != nil {
		return err
	}
	return filler.Fill(values)
}

// fail(id, name, message): the weights that are missing will not come.
func (e *engine) fail(args []js.Value) (any, error) {
	s, err := e.session(args[0])
	if err != nil {
		return nil, err
	}
	s.fail(&named{args[1].String(), errors.New(args[2].String())})
	return nil, nil
}

func (s *session) fail(err error) {
	s.reserved.Fail(err)
	if s.clip.Tokenizer == nil && s.wordless == nil {
		s.wordless = err
		close(s.words)
	}
}

// awaitWords returns once the tokenizer is there.
func (s *session) awaitWords(ctx context.Context) error {
	select {
	case <-s.words:
		return s.wordless
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// compile(id, tuning): makes the device's programs, for which no weights are needed, and first measures which kernels
// suit the adapter, unless tuning, which is what it resolved with on an earlier visit, says that already.
func (e *engine) compile(args []js.Value) (any, error) {
	s, err := e.session(args[0])
	if err != nil {
		return nil, err
	}
	if s.gpu == nil {
		return "", nil
	}
	s.gpu.SetProfile(nil)
	if err := s.gpu.Tune(s.ended, s.reserved.Image, s.reserved.Text, args[1].String()); err != nil {
		return nil, err
	}
	s.gpu.SetProfile(s.profile)
	return s.gpu.Tuning(), s.gpu.Compile(s.reserved.Image, s.reserved.Text)
}

// selfTest(id): see model.Clip.SelfTest. It may be called before the weights are there.
func (e *engine) selfTest(args []js.Value) (any, error) {
	s, err := e.session(args[0])
	if err != nil {
		return nil, err
	}
	s.running.Add(1)
	defer s.running.Done()
	if err := s.awaitWords(s.ended); err != nil {
		return nil, err
	}
	start := time.Now()
	known := s.manifest.SelfTest
	v, err := s.clip.SelfTest(s.ended, known.Text, known.TextEmbedding, known.ImageEmbedding)
	if err != nil {
		return nil, err
	}
	if s.profile != nil {
		if s.peak, err = s.clip.Device.(model.Profiler).Peak(); err != nil {
			return nil, err
		}
		s.profile.Reset()
	}
	return map[string]any{"passed": v.Passed, "cosine": v.Cosine, "runs": v.Runs, "ms": ms(time.Since(start))}, nil
}

// profile(id): all that operations have taken since the self-test, and the device's peak, of a model that was opened
// with a profile.
func (e *engine) profile(args []js.Value) (any, error) {
	s, err := e.session(args[0])
	if err != nil {
		return nil, err
	}
	ops := []any{}
	if s.profile != nil {
		for _, op := range s.profile.Table() {
			ops = append(ops, map[string]any{
				"op": op.Op, "runs": op.Runs, "ms": ms(op.Time),
				"gflop": op.FLOP / 1e9, "gflops": op.GFLOPS(), "gbps": op.GBps(), "share": s.peak.Share(op),
			})
		}
	}
	return map[string]any{"ops": ops, "peak": map[string]any{"gflops": s.peak.GFLOPS, "gbps": s.peak.GBps}}, nil
}

// dispose(id): frees the device; further calls reject.
func (e *engine) dispose(args []js.Value) (any, error) {
	id := args[0].Int()
	s := e.sessions[id]
	if s == nil {
		return nil, nil
	}
	delete(e.sessions, id)
	s.end()
	s.fail(errDisposed)
	if s.gpu == nil { // a GPU ends what is under way by itself
		s.running.Wait()
	}
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
	ctx, cancel := context.WithCancel(context.Background())
	e.calls[id] = cancel
	s.running.Add(1)
	return s, ctx, func() { delete(e.calls, id); cancel(); s.running.Done() }, nil
}

// progress is told to a function of JavaScript's, (kind, done, total), unless that is undefined.
func progress(tell js.Value, kind string) model.Progress {
	if tell.IsUndefined() {
		return nil
	}
	return func(done, total int) { tell.Invoke(kind, done, total) }
}

// embedTexts(id, call, texts, progress)
func (e *engine) embedTexts(args []js.Value) (any, error) {
	s, ctx, end, err := e.begin(args)
	if err != nil {
		return nil, err
	}
	defer end()
	t, err := s.embedTexts(ctx, args[2], optional(args, 3))
	if err != nil {
		return nil, err
	}
	return map[string]any{"embeddings": jsFloats(t.Embeddings), "truncated": jsInts(t.Truncated)}, nil
}

// embedImages(id, call, pictures, progress)
func (e *engine) embedImages(args []js.Value) (any, error) {
	s, ctx, end, err := e.begin(args)
	if err != nil {
		return nil, err
	}
	defer end()
	embeddings, err := s.embed(ctx, args[2], optional(args, 3))
	if err != nil {
		return nil, err
	}
	return jsFloats(embeddings), nil
}

// classify(id, call, pictures, labels, templates, topK, progress)
func (e *engine) classify(args []js.Value) (any, error) {
	s, ctx, end, err := e.begin(args)
	if err != nil {
		return nil, err
	}
	defer end()
	labels := goStrings(args[3])
	texts, err := s.encode(ctx, optional(args, 6), func(told model.Progress) (model.Texts, error) {
		return s.clip.EmbedLabels(ctx, labels, goStrings(args[4]), told)
	})
	if err != nil {
		return nil, err
	}
	images, err := s.embed(ctx, args[2], optional(args, 6))
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

// similarity(id, call, pictures, texts, progress)
func (e *engine) similarity(args []js.Value) (any, error) {
	s, ctx, end, err := e.begin(args)
	if err != nil {
		return nil, err
	}
	defer end()
	texts, err := s.embedTexts(ctx, args[3], optional(args, 4))
	if err != nil {
		return nil, err
	}
	images, err := s.embed(ctx, args[2], optional(args, 4))
	if err != nil {
		return nil, err
	}
	logits := model.Logits(images, texts.Embeddings, s.clip.Config.LogitScale)
	return map[string]any{"logits": jsFloats(logits), "rows": len(images), "cols": len(texts.Embeddings), "truncated": jsInts(texts.Truncated)}, nil
}

// embedTexts embeds texts as they are.
func (s *session) embedTexts(ctx context.Context, texts, tell js.Value) (model.Texts, error) {
	return s.encode(ctx, tell, func(told model.Progress) (model.Texts, error) {
		return s.clip.EmbedTexts(ctx, goStrings(texts), told)
	})
}

// encode has texts embedded once the tokenizer is there.
func (s *session) encode(ctx context.Context, tell js.Value, embed func(model.Progress) (model.Texts, error)) (model.Texts, error) {
	if err := s.awaitWords(ctx); err != nil {
		return model.Texts{}, err
	}
	start := time.Now()
	t, err := embed(progress(tell, "texts"))
	if err == nil {
		s.timings.Set("text", ms(time.Since(start)))
	}
	return t, err
}

// embed prepares and embeds pictures.
func (s *session) embed(ctx context.Context, pictures, tell js.Value) ([][]float32, error) {
	start := time.Now()
	px, err := s.prepare(ctx, pictures)
	if err != nil {
		return nil, err
	}
	e, err := s.clip.EmbedImages(ctx, px, progress(tell, "pictures"))
	if err == nil && len(px) > 0 {
		s.timings.Set("image", ms(time.Since(start)/time.Duration(len(px))))
	}
	return e, err
}
