package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/clipside/clipside/internal/golden"
)

// built is dist/ as ./build.sh build leaves it, made once for all tests of the package, with the golden models beside
// the starter.
var built struct {
	once sync.Once
	dir  string
	err  error
	out  []byte
}

func dist(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "clipside-e2e-"); built.err != nil {
			return
		}
		cmd := exec.Command("go", "run", "./cmd/clipside", "build", "-out", filepath.Join(built.dir, "dist"))
		cmd.Dir = root
		built.out, built.err = cmd.CombinedOutput()
	})
	if built.err != nil {
		t.Fatalf("build dist: %v\n%s", built.err, built.out)
	}
	return filepath.Join(built.dir, "dist")
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// site serves dist, from a sub-path as many static hosts do, and remembers what was asked of it.
type site struct {
	url string // of the page, ending in a slash

	mu     sync.Mutex
	asked  []string
	extras map[string]http.Handler // by path below url

	headers map[string]string // of every answer, unless its handler sets others; set before the first request
	server  *httptest.Server
}

func serve(t testing.TB) *site {
	t.Helper()
	const prefix = "/some/where/"
	s := &site{extras: map[string]http.Handler{}}
	files := http.StripPrefix(prefix, http.FileServer(http.Dir(dist(t))))
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, below := strings.CutPrefix(r.URL.Path, prefix)
		s.mu.Lock()
		s.asked = append(s.asked, path)
		var h http.Handler = files
		for at, extra := range s.extras {
			if strings.HasPrefix(path, at) {
				h = extra
			}
		}
		s.mu.Unlock()
		for name, value := range s.headers {
			w.Header().Set(name, value)
		}
		if !below {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { s.server.Close() })
	s.url = s.server.URL + prefix
	return s
}

// stop kills the server, connections and all.
func (s *site) stop() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// restart brings it back at the same address.
func (s *site) restart(t testing.TB) {
	t.Helper()
	listener, err := net.Listen("tcp", s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	again := httptest.NewUnstartedServer(s.server.Config.Handler)
	again.Listener.Close()
	again.Listener = listener
	again.Start()
	s.server = again
}

// requests are the paths asked for since the last call.
func (s *site) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.asked
	s.asked = nil
	return r
}

// add serves a folder below the page.
func (s *site) add(at, dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extras[at] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.StripPrefix("/some/where/"+at, http.FileServer(http.Dir(dir))).ServeHTTP(w, r)
	})
}

// addGoldens packs the golden checkpoints and serves them as models.
func (s *site) addGoldens(t testing.TB) map[string]*golden.Set {
	sets := map[string]*golden.Set{}
	for _, dir := range golden.Dirs {
		set := golden.Read(t, root, dir)
		name := filepath.Base(dir)
		sets[name] = set
		s.add("models/"+name+"/", set.Pack(t))
	}
	return sets
}
