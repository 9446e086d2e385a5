package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// packaged is the JavaScript package as ./build.sh build leaves it.
func packaged(t testing.TB) string {
	t.Helper()
	return filepath.Join(dist(t), "npm")
}

// modules is where the development tools are.
func modules(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(root, "site/node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if !exists(filepath.Join(dir, "vite")) {
		t.Fatal("site/node_modules is missing or old: run npm ci in site/, as ./build.sh test does")
	}
	return dir
}

// command runs a program in a folder and returns its output.
func command(t testing.TB, dir, name string, args ...string) []byte {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.String())
	}
	return out
}

func copyTree(t testing.TB, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// manifestOf reads the package's package.json.
func manifestOf(t testing.TB) (m struct {
	Type, License        string
	Exports              map[string]any
	Dependencies         map[string]string
	PeerDependencies     map[string]string
	OptionalDependencies map[string]string
}) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(packaged(t), "package.json"))
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// project makes a folder with a copy of a project from testdata, a photo for it, and the packed package installed.
func project(t testing.TB, tarball, name, photos string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	copyTree(t, dir, filepath.Join("testdata/package", name))
	err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{ "name": "fresh", "private": true, "type": "module" }`), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(photo("coffee.png"))
	if err == nil {
		err = os.MkdirAll(filepath.Join(dir, photos), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, photos, "coffee.png"), data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	command(t, dir, "npm", "install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", "--cache", filepath.Join(t.TempDir(), "cache"), tarball)
	return dir
}

// answers opens a project's page and waits for what its own call and its element say of the photo.
func (b *browser) answers(t *testing.T, url string) {
	t.Helper()
	p := b.open(t, url)
	p.until("the answer", "document.querySelector('#answer').textContent")
	if got := eval[string](p, "document.querySelector('#answer').textContent"); got != "cup of coffee" {
		t.Errorf("it says %q", got)
	}
	p.give("clip-classifier", ".input", photo("coffee.png"))
	if best := p.classified("clip-classifier", 1); best[0] != "cup of coffee" {
		t.Errorf("the element says %q", best)
	}
	p.noComplaints()
}

// TestPackageIsInstalled packs the package as it would be published and installs it where nothing else is.
func TestPackageIsInstalled(t *testing.T) {
	t.Parallel()
	site := modules(t)
	packs := t.TempDir()
	var packed []struct {
		Filename string
		Files    []struct{ Path string }
	}
	if err := json.Unmarshal(command(t, packaged(t), "npm", "pack", "--json", "--pack-destination", packs), &packed); err != nil {
		t.Fatal(err)
	}
	tarball := filepath.Join(packs, packed[0].Filename)
	b := launch(t, nil)

	t.Run("what is in it", func(t *testing.T) {
		m := manifestOf(t)
		if n := len(m.Dependencies) + len(m.PeerDependencies) + len(m.OptionalDependencies); m.Type != "module" || m.License != "Apache-2.0" || n > 0 {
			t.Errorf("type %q, licence %q, %d dependencies", m.Type, m.License, n)
		}
		files := map[string]bool{}
		for _, f := range packed[0].Files {
			files[f.Path] = true
		}
		for _, want := range []string{"README.md", "LICENSE", "docs/README.md", "docs/clipside.md", "clipside/engine.wasm", "models/starter/manifest.json"} {
			if !files[want] {
				t.Errorf("%s is missing", want)
			}
		}
		for _, export := range []string{".", "./widget", "./worker", "./service-worker", "./pipeline"} {
			conditions, _ := m.Exports[export].(map[string]any)
			for _, condition := range []string{"types", "default"} {
				file, _ := conditions[condition].(string)
				if !files[path.Clean(file)] {
					t.Errorf("%s: the %s are said to be in %q, which is not there", export, condition, file)
				}
			}
		}
		for file := range files {
			if ext := path.Ext(file); strings.HasSuffix(file, ".test.js") || ext == ".map" || ext == ".ts" && !strings.HasSuffix(file, ".d.ts") {
				t.Errorf("%s does not belong there", file)
			}
		}
	})

	t.Run("plain HTML", func(t *testing.T) {
		dir := project(t, tarball, "plain", ".")
		policy := readmePolicy(t)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
		}))
		defer server.Close()
		b.answers(t, server.URL)
	})

	dir := project(t, tarball, "vite", "public")
	// What else such projects install, from where it is installed already.
	for _, name := range []string{"vite", "vue", "react", "react-dom", "@vitejs"} {
		if err := os.Symlink(filepath.Join(site, name), filepath.Join(dir, "node_modules", name)); err != nil {
			t.Fatal(err)
		}
	}
	// As the README says.
	copyTree(t, filepath.Join(dir, "public/models"), filepath.Join(dir, "node_modules/clipside/models"))
	for example, entry := range map[string]string{"react": "main.jsx", "vue": "main.js"} {
		folder := filepath.Join(dir, "examples", example)
		copyTree(t, folder, filepath.Join(root, "site/examples", example))
		page := fmt.Sprintf(`<!doctype html><title>%s</title><link rel="icon" href="data:,"><div id="app"></div><script type="module" src="./%s"></script>`, example, entry)
		if err := os.WriteFile(filepath.Join(folder, "index.html"), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("Vite, built", func(t *testing.T) {
		command(t, dir, "node", filepath.Join(site, "vite/bin/vite.js"), "build", "--logLevel", "warn")
		server := httptest.NewServer(http.StripPrefix("/sub/path", http.FileServer(http.Dir(filepath.Join(dir, "dist")))))
		defer server.Close()
		b.answers(t, server.URL+"/sub/path/")
		for _, example := range []string{"react", "vue"} {
			b.exampleWithAFile(t, server.URL+"/sub/path/examples/"+example+"/", "cup of coffee")
		}
	})

	t.Run("Vite, while developing", func(t *testing.T) {
		b.answers(t, develop(t, dir, filepath.Join(site, "vite/bin/vite.js")))
	})

	t.Run("types", func(t *testing.T) {
		copyTree(t, filepath.Join(dir, "types"), "testdata/package/types")
		command(t, filepath.Join(dir, "types"), "node", filepath.Join(site, "typescript/bin/tsc"), "-p", ".")
		// The README promises them to older compilers, too.
		tooNew := regexp.MustCompile(`Array<ArrayBuffer(Like)?>`)
		for _, f := range packed[0].Files {
			if !strings.HasSuffix(f.Path, ".d.ts") {
				continue
			}
			data, err := os.ReadFile(filepath.Join(packaged(t), f.Path))
			if err != nil {
				t.Error(err)
			} else if found := tooNew.Find(data); found != nil {
				t.Errorf("%s has %s, which TypeScript before 5.7 refuses", f.Path, found)
			}
		}
	})
}

// exampleWithAFile opens a page with a file input and waits for the best label of the coffee.
func (b *browser) exampleWithAFile(t *testing.T, url, want string) {
	t.Helper()
	p := b.open(t, url)
	p.until("the page", "document.querySelector('#file')")
	p.choose("#file", photo("coffee.png"))
	p.until("the result", "document.querySelector('#result li')")
	if got := eval[string](p, "document.querySelector('#result li').textContent"); !strings.HasPrefix(got, want) {
		t.Errorf("%s says %q, want %s first", url, got, want)
	}
	p.noComplaints()
}

// develop runs Vite's development server until the test ends, and returns its address.
func develop(t *testing.T, dir, vite string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	c := exec.CommandContext(ctx, "node", vite, "--host", "127.0.0.1", "--port", "0", "--logLevel", "info", "--clearScreen", "false")
	c.Dir = dir
	c.Env = append(os.Environ(), "NO_COLOR=1")
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait() // it was killed
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(lines.Text()); m != "" {
			go func() { // else it stops when the pipe is full
				for lines.Scan() {
				}
			}()
			return m
		}
	}
	t.Fatal("Vite's development server says no address")
	return ""
}

// TestPackageRunsAcrossOrigins takes modules, Worker and weights from another origin, under a policy that names it.
func TestPackageRunsAcrossOrigins(t *testing.T) {
	t.Parallel()
	dir := packaged(t)
	closed := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(closed.Close)
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
	}))
	t.Cleanup(open.Close)

	readme := read(t, filepath.Join(dir, "README.md"))
	hash := regexp.MustCompile("(?m)^\\| widget\\.js \\| `(sha384-[^`]+)` \\|$").FindStringSubmatch(string(readme))
	if hash == nil {
		t.Fatal("the README has no hash of widget.js")
	}
	var list struct{ Integrity map[string]string }
	data, err := os.ReadFile(filepath.Join(dir, "integrity.json"))
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	// importMap has the hashes of all modules, wrong for one of them.
	importMap := func(wrong string) string {
		hashes := map[string]string{}
		for file, hash := range list.Integrity {
			if strings.HasSuffix(file, ".js") {
				hashes[open.URL+"/"+file] = hash
			}
		}
		if wrong != "" {
			hashes[open.URL+"/"+wrong] = list.Integrity["clipside/gate.js"]
		}
		return js(map[string]any{"integrity": hashes})
	}

	b := launch(t, nil)
	near := func(t *testing.T, body, worker string) *tab {
		policy := readmePolicy(t)
		for _, directive := range []string{"script-src", "worker-src", "connect-src"} {
			policy = strings.Replace(policy, directive+" 'self'", directive+" 'self' "+open.URL+" "+closed.URL, 1)
		}
		// An import map is an inline script: the policy has to name it, by its hash or as here by a nonce.
		policy = strings.Replace(policy, "script-src", "script-src 'nonce-map'", 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/":
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Content-Security-Policy", policy)
				fmt.Fprint(w, `<!doctype html><html lang="en"><title>Near</title><link rel="icon" href="/icon.png">`, body)
			case "/clipside-worker.js":
				w.Header().Set("Content-Type", "text/javascript")
				w.Header().Set("Content-Security-Policy", policy)
				fmt.Fprint(w, worker)
			}
		}))
		t.Cleanup(server.Close)
		return b.open(t, server.URL)
	}
	// refuses waits until the browser says that it does, for the hash.
	refuses := func(p *tab) {
		p.Helper()
		about := func(complaint string) bool { return strings.Contains(complaint, "integrity") }
		for deadline := time.Now().Add(time.Minute); !slices.ContainsFunc(p.complaints(), about); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				p.Fatalf("nothing is refused for its hash: %q", p.complaints())
			}
		}
	}
	worker := fmt.Sprintf("import '%s/clipside/worker.js';\n", open.URL)
	script := fmt.Sprintf(`<script type="module" src="%s/widget.js" crossorigin="anonymous" integrity="%s"></script>`, open.URL, hash[1])
	element := `<clip-classifier device="cpu" worker="/clipside-worker.js" labels="cat, cup of coffee, rocket"></clip-classifier>`

	t.Run("with the README's hashes", func(t *testing.T) {
		p := near(t, `<script type="importmap" nonce="map">`+importMap("")+`</script>`+script+element, worker)
		p.until("the element", "document.querySelector('clip-classifier').shadowRoot")
		p.give("clip-classifier", ".input", photo("coffee.png"))
		if best := p.classified("clip-classifier", 1); best[0] != "cup of coffee" {
			t.Errorf("it says %q", best)
		}
		p.noComplaints()
	})
	t.Run("a file that is not what its hash says does not run", func(t *testing.T) {
		p := near(t, strings.Replace(script, hash[1], list.Integrity["clipside.js"], 1)+element, worker)
		refuses(p)
		if eval[bool](p, "!!customElements.get('clip-classifier')") {
			t.Error("it ran")
		}
	})
	t.Run("nor one that it imports", func(t *testing.T) {
		p := near(t, `<script type="importmap" nonce="map">`+importMap("widget/lists.js")+`</script>`+script+element, worker)
		refuses(p)
		if eval[bool](p, "!!customElements.get('clip-classifier')") {
			t.Error("it ran")
		}
	})
	t.Run("without a script of the page's own the error says what to do", func(t *testing.T) {
		p := near(t, script+strings.Replace(element, `worker="/clipside-worker.js"`, "", 1), worker)
		p.until("the element", "document.querySelector('clip-classifier').shadowRoot")
		p.give("clip-classifier", ".input", photo("coffee.png"))
		p.until("the advice", inside("clip-classifier", ".message")+fmt.Sprintf(".innerText.includes(%s)", js("import '"+open.URL+"/clipside/worker.js'; and pass its address as createClip's option worker")))
	})
	t.Run("a model without CORS is a ModelError", func(t *testing.T) {
		p := near(t, script+strings.Replace(element, "<clip-classifier", fmt.Sprintf(`<clip-classifier model="%s/models/starter/"`, closed.URL), 1), worker)
		p.until("the element", "document.querySelector('clip-classifier').shadowRoot")
		eval[any](p, listen)
		p.give("clip-classifier", ".input", photo("coffee.png"))
		p.until("the error", "heard.some(({ type, detail }) => type === 'clip-error' && detail.error.name === 'ModelError')")
	})
}

// TestPackageKeepsToItsPolicy looks for what a strict policy forbids, in the source as well: a browser refuses only
// what is reached.
func TestPackageKeepsToItsPolicy(t *testing.T) {
	t.Parallel()
	policy := readmePolicy(t)
	for _, loose := range []string{"unsafe-inline", "'unsafe-eval'", "blob:", "data:", "*", "http"} {
		if strings.Contains(policy, loose) {
			t.Errorf("the README's policy has %s: %s", loose, policy)
		}
	}
	forbidden := regexp.MustCompile(`\beval\(|new Function\(|createObjectURL|\.innerHTML|insertAdjacentHTML|document\.write|setAttribute\('style'`)
	err := fs.WalkDir(os.DirFS(packaged(t)), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".js" {
			return err
		}
		data, err := os.ReadFile(filepath.Join(packaged(t), name))
		if found := forbidden.Find(data); found != nil {
			t.Errorf("%s has %s", name, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	// It is enforced in the Worker too, where the one thing that it allows is needed.
	tight := strings.Replace(policy, " 'wasm-unsafe-eval'", "", 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", tight)
		http.FileServer(http.Dir(packaged(t))).ServeHTTP(w, r)
	}))
	defer server.Close()
	p := launch(t, nil).open(t, server.URL+"/LICENSE")
	said := eval[string](p, "import('/clipside.js').then(({ createClip }) => createClip({ device: 'cpu' })).then(() => 'nothing', ({ name, message }) => name + ': ' + message)")
	if !strings.HasPrefix(said, "EngineError: ") || !strings.Contains(said, "'wasm-unsafe-eval'") {
		t.Errorf("without 'wasm-unsafe-eval' it says %q", said)
	}
}

// TestPackageUnderTrustedTypes starts the Worker on a page that lets no script's address through by itself.
func TestPackageUnderTrustedTypes(t *testing.T) {
	t.Parallel()
	readme := read(t, filepath.Join(root, "site/npm/README.md"))
	advised := regexp.MustCompile(`(?s)trustedTypes\.createPolicy\(.*?\n\}\);`).FindString(string(readme))
	if advised == "" {
		t.Fatal("the README has no policy for trusted types")
	}
	policy := readmePolicy(t) + "; require-trusted-types-for 'script'"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		http.FileServer(http.Dir(packaged(t))).ServeHTTP(w, r)
	}))
	defer server.Close()
	p := launch(t, nil).open(t, server.URL+"/LICENSE")
	create := "import('/clipside.js').then(({ createClip }) => createClip({ device: 'cpu' })).then(() => 'nothing', ({ name, message }) => name + ': ' + message)"
	if said := eval[string](p, create); !strings.HasPrefix(said, "EngineError: ") || !strings.Contains(said, "(createScriptURL)") {
		t.Errorf("without a policy it says %q", said)
	}
	if said := eval[string](p, advised+create); said != "nothing" {
		t.Errorf("with the README's policy it says %q", said)
	}
}
