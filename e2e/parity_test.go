package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/internal/golden"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
	"github.com/clipside/clipside/preprocess/decode"
)

// TestEmbeddingsEqualTheReference goes the whole way in the browser: its own decoder, our resize, both encoders, from
// the photo's file to the embedding, on both devices.
func TestEmbeddingsEqualTheReference(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.headers = isolation // memory may be shared with threads
	sets := s.addGoldens(t)
	s.add("photos/", filepath.Join(root, "testdata/photos"))
	b := launch(t, nil)
	for name, set := range sets {
		for _, device := range []string{"webgpu", "cpu"} {
			t.Run(name+"/"+device, func(t *testing.T) {
				p := b.open(t, s.url+"models/index.json") // any page of the origin without scripts of its own
				p.adapter()
				var texts, files []string
				for _, g := range set.Texts {
					texts = append(texts, g.Text)
				}
				for _, g := range set.Images {
					files = append(files, s.url+"photos/"+g.File)
				}
				got := eval[struct {
					Texts, Images [][]float32
					Logits        []float32
					Info          struct {
						Device   string
						Features []string
						SelfTest struct{ Passed bool }
					}
					Cores int
				}](p, fmt.Sprintf(`(async () => {
					const { createClip } = await import(%q);
					const clip = await createClip({ model: %q, device: %q });
					const texts = await clip.embedTexts(%s), images = await clip.embedImages(%s);
					const { logits } = await clip.similarity(%[5]s, %[4]s);
					const { device, features, selfTest } = clip.info;
					await clip.dispose();
					return { Texts: texts.map((e) => [...e]), Images: images.map((e) => [...e]), Logits: [...logits], Info: { Device: device, Features: features, SelfTest: { Passed: selfTest.passed } }, Cores: crossOriginIsolated ? navigator.hardwareConcurrency : 0 };
				})()`, s.url+"clipside.js", s.url+"models/"+name+"/", device, js(texts), js(files)))
				if got.Info.Device != device || !got.Info.SelfTest.Passed {
					t.Errorf("ran on %+v", got.Info)
				}
				if got.Cores == 0 {
					t.Error("the page is not cross-origin isolated: threads go untested")
				}
				if want := fmt.Sprintf("%d threads", min(got.Cores, 4)); device == "cpu" && got.Cores > 1 && !slices.Contains(got.Info.Features, want) {
					t.Errorf("features %q, want %q among them", got.Info.Features, want)
				}
				for i, g := range set.Texts {
					golden.Near(t, fmt.Sprintf("%q", g.Text), got.Texts[i], g.Embedding)
				}
				for i, g := range set.Images {
					golden.Near(t, g.File, got.Images[i], g.Embedding)
					row := got.Logits[i*len(texts) : (i+1)*len(texts)]
					golden.Probabilities(t, g.File, model.Softmax(row), set.ProbsPerImage[i])
				}
			})
		}
	}
}

func js(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(data)
}

// bitmapWorker is the Worker where a software adapter is given bitmaps, as a GPU is, and does not have them resized by the
// CPU.
const bitmapWorker = `
import './clipside/worker.js'; // which still waits for the engine when what follows runs
let ready;
Object.defineProperty(globalThis, 'clipsideEngineReady', {
	set: (resolve) => {
		ready = (engine) => {
			const { open } = engine;
			engine.open = async (request) => {
				const opened = await open(request);
				return { ...opened, maxTextureSide: opened.device === 'webgpu' ? 8192 : 0 };
			};
			resolve(engine);
		};
	},
	get: () => ready,
});
`

// TestPicturesOfEveryKind compares what the browser and the GPU make of odd pictures with what Go makes of them, by
// the embedding of a model that is sensitive to pixels. Decoders may differ by a level.
func TestPicturesOfEveryKind(t *testing.T) {
	t.Parallel()
	s := serve(t)
	set := s.addGoldens(t)["vit-hf"]
	clip := set.Load(t, cpu.New())
	dir := filepath.Join(root, "preprocess/decode/testdata")
	made := makePictures(t)
	s.add("decode/", dir)
	s.add("made/", made)

	cases := map[string]string{} // URL to file
	for at, folder := range map[string]string{"decode/": dir, "made/": made} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			switch name := e.Name(); {
			case strings.HasSuffix(name, ".pil.png"), strings.HasSuffix(name, ".md"), strings.HasSuffix(name, ".txt"):
			default:
				cases[s.url+at+name] = filepath.Join(folder, name)
			}
		}
	}
	if len(cases) < 20 {
		t.Fatalf("only %d pictures", len(cases))
	}
	s.script("bitmaps.js", bitmapWorker)
	s.script("plain.js", "import './clipside/worker.js'; WebAssembly.validate = () => false;")
	want := map[string][]float32{} // by URL
	for url, file := range cases {
		want[url] = embed(t, clip, file)
	}
	b, firefox := launch(t, nil), launchFirefox(t)
	inFirefox := func(t testing.TB, url string) *tab { return openOther(t, url, firefox) }
	for _, test := range []struct {
		name, device, worker string
		bitmaps, simd        bool
		files                bool                          // alone: elements and bitmaps come to the Worker as they do for the CPU
		converts             bool                          // by a profile, but not of files
		in                   func(testing.TB, string) *tab // nil: Chromium
	}{
		{name: "webgpu", device: "webgpu", files: true},
		{name: "webgpu, bitmaps", device: "webgpu", worker: s.url + "bitmaps.js", bitmaps: true},
		{name: "cpu", device: "cpu", simd: true},
		{name: "cpu without SIMD", device: "cpu", worker: s.url + "plain.js", files: true},
		{name: "webgpu, bitmaps, in Firefox", device: "webgpu", worker: s.url + "bitmaps.js", bitmaps: true, in: inFirefox},
		{name: "cpu, in Firefox", device: "cpu", simd: true, in: inFirefox},
		{name: "cpu, in WebKit", device: "cpu", simd: true, converts: true, in: openWebKit},
	} {
		t.Run(test.name, func(t *testing.T) {
			open := b.open
			if test.in != nil {
				open = test.in
			}
			p := open(t, s.blank())
			if test.device == "webgpu" {
				p.adapter()
			}
			side := eval[int](p, fmt.Sprintf(`(async () => {
				const { createClip } = await import(%q);
				window.clip = await createClip({ model: %q, device: %q, worker: %q || undefined });
				const { postMessage } = Worker.prototype;
				Worker.prototype.postMessage = function (message, options) {
					for (const { constructor } of options?.transfer ?? []) window.posted = constructor.name;
					postMessage.call(this, message, options);
				};
				window.shown = async (src) => {
					const image = Object.assign(new Image(), { src });
					await image.decode();
					return image;
				};
				window.bitmap = async (url) => createImageBitmap(await (await fetch(url)).blob(), { colorSpaceConversion: 'none' });
				return clip.info.maxTextureSide;
			})()`, s.url+"clipside.js", s.url+"models/vit-hf/", test.device, test.worker))
			if simd := eval[bool](p, "clip.info.features.some((f) => f.includes('simd'))"); simd != test.simd {
				t.Errorf("features are %q", eval[[]string](p, "clip.info.features"))
			}
			if (side > 0) != test.bitmaps {
				t.Errorf("bitmaps of up to %d pixels a side go to the GPU", side)
			}
			for url, file := range cases {
				for given, posted := range map[string]string{"%q": "", "await shown(%q)": "VideoFrame", "await bitmap(%q)": "VideoFrame"} {
					what := filepath.Base(file) + ", " + given
					if given != "%q" && (test.files || test.converts && strings.HasPrefix(what, "profile")) {
						continue
					}
					got, err := try[struct {
						Embedding []float32
						Posted    string
					}](p, fmt.Sprintf(`(async () => {
						window.posted = '';
						const embedding = await clip.embedImages(`+given+`);
						return { Embedding: [...embedding], Posted: posted };
					})()`, url))
					if err != nil {
						t.Errorf("%s: %v", what, err)
						continue
					}
					if c := float64(model.Cosine(got.Embedding, want[url])); !(c >= 0.9998) {
						t.Errorf("%s: cosine %.6f to what Go makes of it", what, c)
					}
					// A bitmap is copied on its way to the Worker, a frame is not; neither the GPU nor those of 16 bits a channel take
					// frames.
					deep := strings.HasPrefix(what, "deep.png, await shown")
					wide := strings.HasPrefix(what, "wide.png")
					if posted != "" && (test.bitmaps && !wide || deep) {
						posted = "ImageBitmap"
					}
					if got.Posted != posted && test.in == nil { // the others tell a frame's format of none
						t.Errorf("%s: it is posted as %q, want %q", what, got.Posted, posted)
					}
				}
			}
			eval[bool](p, "clip.dispose().then(() => true)")
		})
	}
}

// embed is the embedding of a picture's file by Go alone.
func embed(t testing.TB, clip *model.Clip, file string) []float32 {
	t.Helper()
	// Where PIL's own reading is at hand, that is the truth.
	if pil := strings.TrimSuffix(file, filepath.Ext(file)) + ".pil.png"; exists(pil) {
		file = pil
	}
	data := read(t, file)
	img, err := decode.Decode(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	rgba, err := preprocess.Square(img, clip.Config.Image.Size)
	if err != nil {
		t.Fatal(err)
	}
	e, err := clip.EmbedImages(context.Background(), []model.Picture{{Size: clip.Config.Image.Size, RGBA: rgba}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := math.Abs(float64(model.Cosine(e[0], e[0])) - 1); n > 1e-4 {
		t.Fatalf("%s: embedding of norm 1%+g", file, n)
	}
	return e[0]
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
