package hub

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clipside/clipside/model/convert"
)

// server answers like the hub: small files itself, large ones by a redirection to another host, each with the headers
// that tell size and hash.
type server struct {
	hub, storage *httptest.Server
	files        map[string][]byte // of repository owner/name
	token        string            // asked for, if not empty

	mu       sync.Mutex
	requests []string // "GET file", "GET file bytes=7-", …
	// fault may answer in the storage's place; it returns whether it did.
	fault func(w http.ResponseWriter, r *http.Request, data []byte) bool
	// leaked is set when the storage sees a token.
	leaked bool
}

const linked = 1000 // bytes from which on a file lies in the storage

func newServer(t *testing.T, files map[string][]byte) *server {
	s := &server{files: files}
	s.storage = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data := s.files[strings.TrimPrefix(r.URL.Path, "/blob/")]
		s.mu.Lock()
		s.leaked = s.leaked || r.Header.Get("Authorization") != ""
		fault := s.fault
		s.mu.Unlock()
		w.Header().Set("ETag", `"an opaque tag"`)
		if fault == nil || !fault(w, r, data) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
		}
	}))
	s.hub = httptest.NewServer(http.HandlerFunc(s.resolve))
	t.Cleanup(s.storage.Close)
	t.Cleanup(s.hub.Close)
	return s
}

func (s *server) resolve(w http.ResponseWriter, r *http.Request) {
	file, ok := strings.CutPrefix(r.URL.Path, "/owner/name/resolve/main/")
	s.mu.Lock()
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+file+" "+r.Header.Get("Range")))
	s.mu.Unlock()
	if s.token != "" && r.Header.Get("Authorization") != "Bearer "+s.token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	data, there := s.files[file]
	if !ok || !there {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if len(data) >= linked {
		sum := sha256.Sum256(data)
		w.Header().Set("X-Linked-Etag", `"`+hex.EncodeToString(sum[:])+`"`)
		w.Header().Set("X-Linked-Size", strconv.Itoa(len(data)))
		http.Redirect(w, r, s.storage.URL+"/blob/"+file, http.StatusFound)
		return
	}
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...))
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func (s *server) client(t *testing.T) *Client {
	t.Setenv("HF_ENDPOINT", s.hub.URL+"/")
	t.Setenv("HF_TOKEN", "")
	c := NewClient()
	c.pause, c.attempts = time.Millisecond, 3
	return c
}

func (s *server) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func big(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}

// repositories of every layout.
func openCLIP() map[string][]byte {
	return map[string][]byte{
		"open_clip_config.json": []byte(`{"model_cfg": {}}`), "config.json": []byte(`{"architecture": "vit"}`),
		"open_clip_model.safetensors": big(300_000), "open_clip_pytorch_model.bin": big(200_000),
		"vocab.json": []byte(`{}`), "merges.txt": []byte("#version\n"), "tokenizer.json": big(5000),
	}
}

func huggingFace(weights map[string][]byte) map[string][]byte {
	files := map[string][]byte{
		"config.json": []byte(`{"model_type": "clip"}`), "preprocessor_config.json": []byte(`{}`), "tokenizer.json": big(5000),
	}
	maps.Copy(files, weights)
	return files
}

func TestFetchTakesWhatTheLayoutNeeds(t *testing.T) {
	without := func(files map[string][]byte, names ...string) map[string][]byte {
		for _, n := range names {
			delete(files, n)
		}
		return files
	}
	index := []byte(`{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}`)
	tests := []struct {
		name  string
		files map[string][]byte
		want  []string
	}{
		{"OpenCLIP", openCLIP(), []string{"merges.txt", "open_clip_config.json", "open_clip_model.safetensors", "vocab.json"}},
		{"OpenCLIP, pickle", without(openCLIP(), "open_clip_model.safetensors"), []string{"merges.txt", "open_clip_config.json", "open_clip_pytorch_model.bin", "vocab.json"}},
		{"OpenCLIP, simple vocabulary", without(func() map[string][]byte {
			f := openCLIP()
			f["bpe_simple_vocab_16e6.txt.gz"] = big(2000)
			return f
		}(), "vocab.json", "tokenizer.json"), []string{"bpe_simple_vocab_16e6.txt.gz", "open_clip_config.json", "open_clip_model.safetensors"}},
		{"Hugging Face", huggingFace(map[string][]byte{"model.safetensors": big(4000), "pytorch_model.bin": big(4000)}),
			[]string{"config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"}},
		{"Hugging Face, sharded", huggingFace(map[string][]byte{"model.safetensors.index.json": index, "model-1.safetensors": big(4000), "model-2.safetensors": big(4001)}),
			[]string{"config.json", "model-1.safetensors", "model-2.safetensors", "model.safetensors.index.json", "preprocessor_config.json", "tokenizer.json"}},
		{"Hugging Face, pickle, no preprocessor", without(huggingFace(map[string][]byte{"pytorch_model.bin": big(4000)}), "preprocessor_config.json"),
			[]string{"config.json", "pytorch_model.bin", "tokenizer.json"}},
		{"Hugging Face, the processor's file", without(huggingFace(map[string][]byte{"model.safetensors": big(4000), "processor_config.json": []byte(`{}`)}), "preprocessor_config.json"),
			[]string{"config.json", "model.safetensors", "processor_config.json", "tokenizer.json"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, test.files)
			c := s.client(t)
			cache := t.TempDir()
			dir, err := c.Fetch(t.Context(), "owner/name", cache)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if e.Name() == doneName {
					continue
				}
				got = append(got, e.Name())
				data, err := os.ReadFile(filepath.Join(dir, e.Name()))
				if err != nil || !bytes.Equal(data, test.files[e.Name()]) {
					t.Errorf("%s differs (%v)", e.Name(), err)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			before := len(s.seen())
			again, err := c.Fetch(t.Context(), "owner/name", cache)
			if err != nil || again != dir || len(s.seen()) != before {
				t.Errorf("a second fetch made %d requests: %v", len(s.seen())-before, err)
			}
		})
	}
}

func TestFetchContinuesAfterADrop(t *testing.T) {
	s := newServer(t, openCLIP())
	c := s.client(t)
	drops := 0
	s.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		if drops++; drops > 4 || r.Method != http.MethodGet { // more drops than attempts: each brings something
			return false
		}
		from := 0
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(data)-from))
		if from > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		w.Write(data[from : from+50_000])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	last := make(map[string]int64)
	c.Progress = func(file string, done, total int64) {
		if done <= last[file] || done > total || total != int64(len(s.files[file])) {
			t.Errorf("%s: %d of %d after %d", file, done, total, last[file])
		}
		last[file] = done
	}
	dir, err := c.Fetch(t.Context(), "owner/name", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	checkFile(t, dir, "open_clip_model.safetensors", s.files["open_clip_model.safetensors"])
	for i, want := range []string{"", " bytes=50000-", " bytes=100000-", " bytes=150000-", " bytes=200000-"} {
		got := slices.DeleteFunc(s.seen(), func(r string) bool { return !strings.HasPrefix(r, "GET open_clip_model.safetensors") })
		if i >= len(got) || got[i] != "GET open_clip_model.safetensors"+want {
			t.Fatalf("requests %q", got)
		}
	}
}

// What a second process does, a second client does here: a lock is the file's.
func TestOneOfTwoFetchesOfACheckpointWaitsForTheOther(t *testing.T) {
	const name = "open_clip_model.safetensors"
	s := newServer(t, openCLIP())
	half, goOn := make(chan bool), make(chan bool)
	s.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		if !strings.HasSuffix(r.URL.Path, name) || r.Header.Get("Range") != "" {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Write(data[:1000])
		w.(http.Flusher).Flush()
		half <- true
		<-goOn
		w.Write(data[1000:])
		return true
	}
	cache := t.TempDir()
	fetch := func(ctx context.Context, c *Client) chan error {
		done := make(chan error, 1)
		go func() {
			_, err := c.Fetch(ctx, "owner/name", cache)
			done <- err
		}()
		return done
	}
	waiting := make(chan bool, 2)
	first := fetch(t.Context(), s.client(t))
	<-half
	patient, impatient := s.client(t), s.client(t)
	patient.Waiting = func() { waiting <- true }
	impatient.Waiting = patient.Waiting
	second := fetch(t.Context(), patient)
	ctx, cancel := context.WithCancel(t.Context())
	third := fetch(ctx, impatient)
	<-waiting
	<-waiting
	cancel()
	if err := <-third; !errors.Is(err, context.Canceled) {
		t.Errorf("a fetch that was cancelled while it waited: %v", err)
	}
	goOn <- true
	if err := errors.Join(<-first, <-second); err != nil {
		t.Fatal(err)
	}
	checkFile(t, filepath.Join(cache, "owner--name"), name, s.files[name])
	if n := strings.Count(strings.Join(s.seen(), "\n"), "GET "+name); n != 1 {
		t.Errorf("the weights were asked for %d times", n)
	}
}

func TestAFileThatLostItsEndIsFetchedAgain(t *testing.T) {
	const name = "open_clip_model.safetensors"
	s := newServer(t, openCLIP())
	c, cache := s.client(t), t.TempDir()
	dir, err := c.Fetch(t.Context(), "owner/name", cache)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, name), 1234); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), "owner/name", cache); err != nil {
		t.Fatal(err)
	}
	checkFile(t, dir, name, s.files[name])
}

func checkFile(t *testing.T, dir, name string, want []byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || !bytes.Equal(data, want) {
		t.Errorf("%s: %d bytes, want %d (%v)", name, len(data), len(want), err)
	}
	parts, _ := filepath.Glob(filepath.Join(dir, "*.part"))
	if len(parts) > 0 {
		t.Errorf("left behind: %q", parts)
	}
}

func TestFetchContinuesWhatAnEarlierRunLeft(t *testing.T) {
	const name = "open_clip_model.safetensors"
	files := openCLIP()
	sum := sha256.Sum256(files[name])
	part := name + "." + hex.EncodeToString(sum[:8]) + ".part"
	for _, test := range []struct {
		name   string
		left   []byte
		ranges bool // the server knows them
		want   string
	}{
		{"a beginning", files[name][:123_456], true, "GET " + name + " bytes=123456-"},
		{"a beginning, from a server without ranges", files[name][:123_456], false, "GET " + name + " bytes=123456-"},
		{"all of it", files[name], true, ""},
		{"too much", append(bytes.Clone(files[name]), 1), true, "GET " + name},
		{"nothing", nil, true, "GET " + name},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, files)
			if !test.ranges {
				s.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
					w.Write(data)
					return true
				}
			}
			cache := t.TempDir()
			dir := filepath.Join(cache, "owner--name")
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			for _, left := range []string{part, name + ".0123456789abcdef.part"} { // and what an older version of the file left
				if err := os.WriteFile(filepath.Join(dir, left), test.left, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.client(t).Fetch(t.Context(), "owner/name", cache); err != nil {
				t.Fatal(err)
			}
			checkFile(t, dir, name, files[name])
			got := strings.Join(slices.DeleteFunc(s.seen(), func(r string) bool { return !strings.HasPrefix(r, "GET "+name) }), ", ")
			if got != test.want {
				t.Errorf("requests %q, want %q", got, test.want)
			}
		})
	}
}

func TestFetchRefusesWrongBytes(t *testing.T) {
	wrong := func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		data = bytes.Clone(data)
		data[len(data)/2] ^= 1
		w.Write(data)
		return true
	}
	long := func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		w.Write(append(bytes.Clone(data), 0))
		return true
	}
	elsewhere := func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 7-%d/%d", len(data)-1, len(data)))
		w.WriteHeader(http.StatusPartialContent)
		w.Write(data[7:])
		return true
	}
	for name, test := range map[string]struct {
		fault func(http.ResponseWriter, *http.Request, []byte) bool
		want  string
	}{
		"flipped bit": {wrong, "its hash is"}, "too long": {long, "longer than"}, "other range": {elsewhere, "asked for byte 0"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, openCLIP())
			s.fault = test.fault
			c, cache := s.client(t), t.TempDir()
			_, err := c.Fetch(t.Context(), "owner/name", cache)
			var broken *IntegrityError
			if !errors.As(err, &broken) || broken.File != "open_clip_model.safetensors" || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v", err)
			}
			// Nothing of it stays: the next run, with a server that has recovered, succeeds.
			s.mu.Lock()
			s.fault = nil
			s.mu.Unlock()
			dir, err := c.Fetch(t.Context(), "owner/name", cache)
			if err != nil {
				t.Fatal(err)
			}
			checkFile(t, dir, broken.File, s.files[broken.File])
		})
	}
}

func TestSmallFilesAreCheckedToo(t *testing.T) {
	s := newServer(t, openCLIP())
	inner := s.hub.Config.Handler
	s.hub.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/open_clip_config.json") {
			w.Write([]byte(`{"model_cfg": []}`))
			return
		}
		inner.ServeHTTP(w, r)
	})
	_, err := s.client(t).Fetch(t.Context(), "owner/name", t.TempDir())
	var broken *IntegrityError
	if !errors.As(err, &broken) || broken.File != "open_clip_config.json" {
		t.Errorf("%v", err)
	}
}

func TestFetchRetriesServerErrors(t *testing.T) {
	for _, status := range []int{500, 503, 429} {
		s := newServer(t, openCLIP())
		failures := 0
		s.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
			if failures++; failures <= 2 {
				w.WriteHeader(status)
				return true
			}
			return false
		}
		if _, err := s.client(t).Fetch(t.Context(), "owner/name", t.TempDir()); err != nil || failures != 3 {
			t.Errorf("%d: %v after %d answers", status, err, failures)
		}
		s.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
			w.WriteHeader(status)
			return true
		}
		_, err := s.client(t).Fetch(t.Context(), "owner/name", t.TempDir())
		var answer *StatusError
		if !errors.As(err, &answer) || answer.Status != status {
			t.Errorf("%d for good: %v", status, err)
		}
	}
}

func TestFetchWaitsAsLongAsTheServerAsks(t *testing.T) {
	s := newServer(t, openCLIP())
	after := "1"
	asked := 0
	s.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		if asked++; asked > 1 {
			return false
		}
		w.Header().Set("Retry-After", after)
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	c, start := s.client(t), time.Now()
	if _, err := c.Fetch(t.Context(), "owner/name", t.TempDir()); err != nil || time.Since(start) < time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	// Nobody watches a command that says nothing for minutes.
	for _, after = range []string{"300", time.Now().Add(300 * time.Second).UTC().Format(http.TimeFormat)} {
		asked = 0
		_, err := c.Fetch(t.Context(), "owner/name", t.TempDir())
		var answer *StatusError
		if !errors.As(err, &answer) || answer.Status != http.StatusTooManyRequests || !strings.Contains(err.Error(), "wait for ") || asked != 1 {
			t.Errorf("%v after %d requests", err, asked)
		}
	}
}

func TestFetchGivesUpOnASilentServer(t *testing.T) {
	s := newServer(t, openCLIP())
	release := make(chan struct{})
	defer close(release)
	s.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		w.Write(data[:10])
		w.(http.Flusher).Flush()
		<-release
		return true
	}
	c := s.client(t)
	c.stall, c.attempts = 500*time.Millisecond, 2
	if _, err := c.Fetch(t.Context(), "owner/name", t.TempDir()); err == nil || !strings.Contains(err.Error(), "no byte for 500ms") {
		t.Errorf("%v", err)
	}
}

func TestFetchEndsWithItsContext(t *testing.T) {
	s := newServer(t, openCLIP())
	c := s.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.fault = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		w.Write(data[:10])
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
		return true
	}
	if _, err := c.Fetch(ctx, "owner/name", t.TempDir()); !errors.Is(err, context.Canceled) || len(s.seen()) == 0 {
		t.Errorf("within a file: %v", err)
	}
	before := len(s.seen())
	if _, err := c.Fetch(ctx, "owner/name", t.TempDir()); !errors.Is(err, context.Canceled) || len(s.seen()) != before {
		t.Errorf("before a file is asked for: %v", err)
	}
}

func TestStatusErrorsSayWhatToDo(t *testing.T) {
	s := newServer(t, map[string][]byte{})
	s.token = "secret"
	c := s.client(t)
	_, err := c.Fetch(t.Context(), "owner/name", t.TempDir())
	var answer *StatusError
	if !errors.As(err, &answer) || answer.Status != 401 || !strings.Contains(err.Error(), "set HF_TOKEN") || !strings.Contains(err.Error(), "owner/name") {
		t.Errorf("without a token: %v", err)
	}
	c.Token = "wrong"
	if _, err := c.Fetch(t.Context(), "owner/name", t.TempDir()); err == nil || !strings.Contains(err.Error(), "HF_TOKEN may not read it") {
		t.Errorf("with a wrong token: %v", err)
	}
	c.Token = "secret"
	if _, err := c.Fetch(t.Context(), "owner/name", t.TempDir()); !IsNotFound(err) || !strings.Contains(err.Error(), "no CLIP configuration") {
		t.Errorf("an empty repository: %v", err)
	}
	for missing, files := range map[string]map[string][]byte{
		"model.safetensors": huggingFace(nil),
		"vocab.json":        {"config.json": []byte(`{"model_type": "clip"}`), "model.safetensors": big(10)},
	} {
		s.files = files
		if _, err := c.Fetch(t.Context(), "owner/name", t.TempDir()); !errors.As(err, &answer) || answer.File != missing {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

// TestWhatIsOfNoUseIsRefusedBeforeItsWeights has a repository of both layouts, of which Check takes some.
func TestWhatIsOfNoUseIsRefusedBeforeItsWeights(t *testing.T) {
	files := openCLIP()
	maps.Copy(files, huggingFace(map[string][]byte{"model.safetensors": big(4000)}))
	for _, test := range []struct {
		name    string
		refused []string // configurations
		asked   []string // files of weights
		says    string
	}{
		{"none", nil, []string{"open_clip_model.safetensors"}, ""},
		{"OpenCLIP's", []string{"open_clip_config.json"}, []string{"model.safetensors"}, ""},
		{"both", []string{"config.json", "open_clip_config.json"}, nil, "owner/name: open_clip_config.json is of no use"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, files)
			c := s.client(t)
			c.Check = func(dir fs.FS, file string) error {
				if data, err := fs.ReadFile(dir, file); err != nil || !bytes.Equal(data, files[file]) {
					t.Errorf("%s is not there to be looked at: %q, %v", file, data, err)
				}
				if slices.Contains(test.refused, file) {
					return errors.New(file + " is of no use")
				}
				return nil
			}
			_, err := c.Fetch(t.Context(), "owner/name", t.TempDir())
			if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("it says %v, want %q", err, test.says)
			}
			var asked []string
			for _, request := range s.seen() {
				if file, ok := strings.CutPrefix(request, "GET "); ok && strings.Contains(file, "model.") {
					asked = append(asked, file)
				}
			}
			if !slices.Equal(asked, test.asked) {
				t.Errorf("asked for %q, want %q", asked, test.asked)
			}
		})
	}
}

func TestOtherModelsAreRefusedBeforeTheirWeights(t *testing.T) {
	files := huggingFace(map[string][]byte{"model.safetensors": big(5000)})
	files["config.json"] = []byte(`{"model_type": "siglip"}`)
	s := newServer(t, files)
	c := s.client(t)
	c.Check = convert.CheckConfig
	if _, err := c.Fetch(t.Context(), "owner/name", t.TempDir()); err == nil || !strings.Contains(err.Error(), "siglip") {
		t.Errorf("%v", err)
	}
	if slices.Contains(s.seen(), "GET model.safetensors") {
		t.Error("the weights were fetched")
	}
}

func TestTokenStaysAtTheEndpoint(t *testing.T) {
	s := newServer(t, openCLIP())
	s.token = "secret"
	c := s.client(t)
	c.Token = "secret"
	if _, err := c.Fetch(t.Context(), "owner/name", t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if s.leaked {
		t.Error("the storage got the token")
	}
	// Not to a subdomain either, nor over another scheme.
	for from, to := range map[string]string{"https://hub.test": "https://cdn.hub.test/x", "https://host.test": "http://host.test/x"} {
		c.Endpoint = from
		req := httptest.NewRequest("GET", to, nil)
		req.Header.Set("Authorization", "Bearer secret")
		if err := c.redirect(req, nil); err != nil || req.Header.Get("Authorization") != "" {
			t.Errorf("%s sends the token to %s (%v)", from, to, err)
		}
	}
}

func TestHostileIndexStaysInTheDirectory(t *testing.T) {
	for _, shard := range []string{"../x.safetensors", "/etc/x.safetensors", "a/b.safetensors", ".x.safetensors", "config.json", "", `a\b.safetensors`} {
		s := newServer(t, huggingFace(map[string][]byte{"model.safetensors.index.json": fmt.Appendf(nil, `{"weight_map": {"a": %q}}`, shard)}))
		if _, err := s.client(t).Fetch(t.Context(), "owner/name", t.TempDir()); err == nil || !strings.Contains(err.Error(), "no file name") {
			t.Errorf("%q: %v", shard, err)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"b32": "timm/vit_base_patch32_clip_224.openai", "tiny8": "wkcn/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M",
		"openai/clip-vit-base-patch32": "openai/clip-vit-base-patch32", "a/b": "a/b",
	} {
		if got, err := Repository(name); err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"", "b33", "owner/", "/name", "a/b/c", "../..", "a/..", "a/b?x", "a b/c", "https://host/a/b", "owner/na..me"} {
		var bad *NameError
		if got, err := Repository(name); !errors.As(err, &bad) {
			t.Errorf("%q is %q, %v", name, got, err)
		}
	}
	for _, m := range Models {
		if got, err := Repository(m.Repository); err != nil || got != m.Repository {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

func TestFetchUsesTheEnvironment(t *testing.T) {
	s := newServer(t, openCLIP())
	s.token = "from the environment"
	t.Setenv("HF_ENDPOINT", s.hub.URL)
	t.Setenv("HF_TOKEN", s.token+"\r\n") // as a file has it
	dir, err := NewClient().Fetch(t.Context(), "owner/name", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	checkFile(t, dir, "vocab.json", s.files["vocab.json"])
	t.Setenv("HF_ENDPOINT", "")
	if c := NewClient(); c.Endpoint != DefaultEndpoint {
		t.Errorf("endpoint %s", c.Endpoint)
	}
}

func TestAnEndpointWithoutASchemeIsRefusedAtOnce(t *testing.T) {
	for _, endpoint := range []string{"localhost:8080", "127.0.0.1:8080", "ftp://host", "https:///", "hf-mirror.com"} {
		t.Setenv("HF_ENDPOINT", endpoint)
		start := time.Now()
		_, err := NewClient().Fetch(t.Context(), "owner/name", t.TempDir())
		if err == nil || !strings.Contains(err.Error(), "HF_ENDPOINT") || time.Since(start) > time.Second/2 {
			t.Errorf("%s: %v after %v", endpoint, err, time.Since(start))
		}
	}
}

// A network's page for whoever has not signed in yet answers for every file.
func TestAWebPageIsNoFile(t *testing.T) {
	s := newServer(t, openCLIP())
	answers := s.hub.Config.Handler
	s.hub.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>Sign in</title>")
	})
	c, cache := s.client(t), t.TempDir()
	var integrity *IntegrityError
	if _, err := c.Fetch(t.Context(), "owner/name", cache); !errors.As(err, &integrity) {
		t.Errorf("error %v, want an *IntegrityError", err)
	}
	s.hub.Config.Handler = answers
	dir, err := c.Fetch(t.Context(), "owner/name", cache)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "open_clip_config.json"))
	if err != nil || !bytes.Equal(got, openCLIP()["open_clip_config.json"]) {
		t.Errorf("%q, %v", got, err)
	}
}
