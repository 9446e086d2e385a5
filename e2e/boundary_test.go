package e2e

import "testing"

// boundaryWorker is the Worker with a count of the engine's calls into JavaScript, and what they took.
const boundaryWorker = `
import './clipside/worker.js'; // which still waits for the engine when what follows runs
let calls = 0, ms = 0;
const kinds = {};
const counted = (imports) => {
	for (const [name, original] of Object.entries(imports.gojs)) {
		if (!name.startsWith('syscall/js.')) continue;
		imports.gojs[name] = (...args) => {
			calls++;
			kinds[name] = (kinds[name] ?? 0) + 1;
			const start = performance.now();
			try { return original(...args); } finally { ms += performance.now() - start; }
		};
	}
	return imports;
};
for (const name of ['instantiate', 'instantiateStreaming']) {
	const original = WebAssembly[name];
	WebAssembly[name] = (source, imports) => original.call(WebAssembly, source, counted(imports));
}
const channel = new BroadcastChannel('boundary');
channel.onmessage = ({ data }) => {
	if (data !== 'tell') return;
	channel.postMessage({ calls, ms, kinds });
	calls = ms = 0;
	for (const name in kinds) delete kinds[name];
};
`

// TestCallsIntoJavaScript bounds how often a warm call crosses from Go to JavaScript: each time costs up to a
// microsecond, and a few if it makes an object.
func TestCallsIntoJavaScript(t *testing.T) {
	s := serve(t)
	s.script("boundary.js", boundaryWorker)
	p := launch(t, nil).open(t, s.page(t, "boundary.html", ""))
	p.adapter()
	type crossing struct {
		Calls int
		MS    float64
		Kinds map[string]int
	}
	for _, test := range []struct {
		device      string
		image, text int // at most
	}{
		{"webgpu", 700, 300},
		{"cpu", 120, 120},
	} {
		t.Run(test.device, func(t *testing.T) {
			got := eval[struct{ Image, Text crossing }](p, `(async () => {
				const { createClip } = await import('./clipside.js');
				const clip = await createClip({ device: '`+test.device+`', worker: 'boundary.js' });
				const { size } = clip.info;
				const picture = new ImageData(size, size);
				const tell = () => new Promise((resolve) => {
					const channel = new BroadcastChannel('boundary');
					channel.onmessage = ({ data }) => data !== 'tell' && (channel.close(), resolve(data));
					channel.postMessage('tell');
				});
				const counted = async (call) => { await call(0); await call(1); await tell(); await call(2); return tell(); };
				const result = {
					Image: await counted(() => clip.embedImages(picture)),
					Text: await counted((n) => clip.embedTexts('a photo of cat ' + n)),
				};
				await clip.dispose();
				return result;
			})()`)
			t.Logf("an image: %d calls, %.2f ms, %v", got.Image.Calls, got.Image.MS, got.Image.Kinds)
			t.Logf("a text: %d calls, %.2f ms, %v", got.Text.Calls, got.Text.MS, got.Text.Kinds)
			for _, c := range []struct {
				what   string
				got    crossing
				atMost int
			}{{"an image", got.Image, test.image}, {"a text", got.Text, test.text}} {
				if c.got.Calls == 0 || c.got.Calls > c.atMost {
					t.Errorf("%s takes %d calls, at most %d are expected", c.what, c.got.Calls, c.atMost)
				}
			}
		})
	}
}
