package e2e

import (
	"maps"
	"testing"
)

// boundaryWorker is the Worker with a count of the engine's calls into JavaScript, what they took, and a count of calls of
// WebGPU.
const boundaryWorker = `
import './bitmaps.js'; // the Worker, which still waits for the engine when what follows runs
let calls = 0, ms = 0, webgpuMS = 0;
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
const { instantiate } = WebAssembly;
WebAssembly.instantiate = (code, imports) => instantiate.call(WebAssembly, code, counted(imports));
const gpu = {};
for (const { prototype } of [GPUDevice, GPUTexture, GPUQueue, GPUCommandEncoder, GPUBuffer]) {
	for (const name of Object.getOwnPropertyNames(prototype)) {
		if (!/^(create|submit|begin|finish|mapAsync|getMappedRange|unmap|writeBuffer|copy|pushErrorScope)/.test(name)) continue;
		const original = prototype[name];
		prototype[name] = function (...args) {
			const empty = name === 'submit' && args[0].length === 0; // has the browser look whether the GPU is done
			if (!empty) gpu[name] = (gpu[name] ?? 0) + 1;
			const start = performance.now();
			try { return original.apply(this, args); } finally { webgpuMS += performance.now() - start; }
		};
	}
}
const channel = new BroadcastChannel('boundary');
channel.onmessage = ({ data }) => {
	if (data !== 'tell') return;
	channel.postMessage({ calls, ms, webgpuMS, kinds, gpu });
	calls = ms = webgpuMS = 0;
	for (const counts of [kinds, gpu]) for (const name in counts) delete counts[name];
};
`

// TestCallsIntoJavaScript bounds how often a warm call crosses from Go to JavaScript: each time costs up to a
// microsecond, and a few if it makes an object. And it counts what a warm call asks of WebGPU: one pass, one submission,
// one read-back, and no object but the encoder that there must be.
func TestCallsIntoJavaScript(t *testing.T) {
	s := serve(t)
	s.headers = isolation // the clock of other pages is too coarse
	s.script("boundary.js", boundaryWorker)
	s.script("bitmaps.js", bitmapWorker)
	p := launch(t, nil).open(t, s.page(t, "boundary.html", ""))
	p.adapter()
	type crossing struct {
		Calls int
		// Of a call, on average: in JavaScript, and in what WebGPU itself does then but for encoding the commands.
		MS, WebGPUMS float64
		Kinds        map[string]int
		GPU          map[string]int
	}
	once := map[string]int{
		"createCommandEncoder": 1, "beginComputePass": 1, "copyBufferToBuffer": 1, "finish": 1, "submit": 1,
		"mapAsync": 1, "getMappedRange": 1, "unmap": 1,
	}
	with := func(more map[string]int) map[string]int {
		all := maps.Clone(once)
		maps.Copy(all, more)
		return all
	}
	for _, test := range []struct {
		device          string
		image, text     int // at most
		ofImage, ofText map[string]int
	}{
		// The picture has the size of the one before it, whose filters are there still.
		{"webgpu", 60, 60, with(map[string]int{"copyExternalImageToTexture": 1, "writeBuffer": 1}), with(map[string]int{"writeBuffer": 2})},
		{"cpu", 80, 60, map[string]int{}, map[string]int{}},
	} {
		t.Run(test.device, func(t *testing.T) {
			got := eval[struct{ Image, Text crossing }](p, `(async () => {
				const { createClip } = await import('./clipside.js');
				const clip = await createClip({ device: '`+test.device+`', worker: 'boundary.js' });
				const { size } = clip.info;
				const picture = new ImageData(size + 5, size + 10);
				const tell = () => new Promise((resolve) => {
					const channel = new BroadcastChannel('boundary');
					channel.onmessage = ({ data }) => data !== 'tell' && (channel.close(), resolve(data));
					channel.postMessage('tell');
				});
				const counted = async (call) => {
					await call(0); await call(1); await tell(); await call(2);
					const one = await tell();
					const more = 20;
					for (let n = 3; n < 3 + more; n++) await call(n);
					const all = await tell();
					return { ...one, ms: all.ms / more, webgpuMS: all.webgpuMS / more };
				};
				const result = {
					Image: await counted(() => clip.embedImages(picture)),
					Text: await counted((n) => clip.embedTexts('a photo of cat ' + n)),
				};
				await clip.dispose();
				return result;
			})()`)
			for what, c := range map[string]crossing{"an image": got.Image, "a text": got.Text} {
				t.Logf("%s: %d calls, %.3f ms, of which %.3f in WebGPU; %v", what, c.Calls, c.MS, c.WebGPUMS, c.Kinds)
			}
			for _, c := range []struct {
				what   string
				got    crossing
				atMost int
				gpu    map[string]int
			}{{"an image", got.Image, test.image, test.ofImage}, {"a text", got.Text, test.text, test.ofText}} {
				if c.got.Calls == 0 || c.got.Calls > c.atMost {
					t.Errorf("%s takes %d calls, at most %d are expected", c.what, c.got.Calls, c.atMost)
				}
				if !maps.Equal(c.got.GPU, c.gpu) {
					t.Errorf("%s asks of WebGPU %v, want %v", c.what, c.got.GPU, c.gpu)
				}
			}
		})
	}
}
