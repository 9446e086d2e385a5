package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/profiler"
	"github.com/chromedp/chromedp"
)

// countingWorker runs the Worker with a tally of the GPU memory that it holds, which Chromium itself counts nowhere, and
// of the pictures that it has decoded. It answers on a BroadcastChannel. The engine begins only after all of this has run.
const countingWorker = `
import './clipside/worker.js';

const held = new Map(); // from what is held to its device and bytes
const channel = new BroadcastChannel('gpu-memory');
channel.onmessage = ({ data }) => {
	if (data === 'tell') channel.postMessage({ things: held.size, bytes: [...held.values()].reduce((sum, { bytes }) => sum + bytes, 0), decoded });
};
let decoded = 0;
const { createImageBitmap } = self;
self.createImageBitmap = (...args) => (decoded++, createImageBitmap(...args));
for (const [make, size] of [['createBuffer', ({ size }) => size], ['createTexture', ({ size }) => size[0] * size[1] * 4 || 4]]) {
	const original = GPUDevice.prototype[make];
	GPUDevice.prototype[make] = function (descriptor) {
		const thing = original.call(this, descriptor);
		held.set(thing, { device: this, bytes: size(descriptor) });
		return thing;
	};
}
for (const kind of [GPUBuffer, GPUTexture]) {
	const { destroy } = kind.prototype;
	kind.prototype.destroy = function () {
		held.delete(this);
		destroy.call(this);
	};
}
const { destroy } = GPUDevice.prototype;
GPUDevice.prototype.destroy = function () {
	for (const [thing, { device }] of held) if (device === this) held.delete(thing);
	destroy.call(this);
};
`

// helpers are what tests in the page use: assertions that throw, the tally of countingWorker, and a count of Workers.
const helpers = `(() => {
	window.assert = (holds, what) => { if (!holds) throw new Error('not so: ' + what); };
	window.same = (a, b, what) => assert(JSON.stringify(a) === JSON.stringify(b), what + ': ' + JSON.stringify(a) + ' and ' + JSON.stringify(b));
	window.failure = (promise) => promise.then(() => { throw new Error('it did not reject'); }, (error) => error);
	window.memory = () => new Promise((resolve) => {
		const channel = new BroadcastChannel('gpu-memory');
		channel.onmessage = ({ data }) => data !== 'tell' && (channel.close(), resolve(data));
		channel.postMessage('tell');
	});
	window.decoded = async () => (await memory()).decoded;
	window.started = window.ended = 0;
	window.Worker = class extends Worker {
		constructor(...args) { super(...args); started++; }
		terminate() { ended++; super.terminate(); }
	};
})()`

// script serves a script below the site.
func (s *site) script(name, source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extras[name] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, source)
	})
}

// interfacePage has what the tests of the interface use in window, and a Clip of the starter model on the GPU.
func interfacePage(t *testing.T, s *site) *tab {
	t.Helper()
	s.script("counting.js", countingWorker)
	s.script("bitmaps.js", bitmapWorker)
	p := launch(t, nil).open(t, s.page(t, "interface.html", ""))
	p.adapter()
	eval[any](p, helpers)
	eval[bool](p, `(async () => {
		Object.assign(window, await import('./clipside.js'));
		window.labels = ['cat', 'cup of coffee', 'rocket', 'woman'];
		window.file = async (name) => new File([await (await fetch('photos/' + name)).blob()], name);
		window.coffee = await file('coffee.png');
		window.rocket = await file('rocket.jpg');
		window.dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
		window.clip = await createClip({ device: 'webgpu', worker: 'counting.js' });
		return true;
	})()`)
	return p
}

// TestInterface holds what DESIGN promises to whoever calls createClip. Every case is an asynchronous function's body
// that throws where a promise is broken.
func TestInterface(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.addGoldens(t)
	coffee := read(t, photo("coffee.png"))
	for name, size := range map[string]string{"drawing.svg": `width="600" height="400" `, "sizeless.svg": ""} {
		s.extras[name] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/svg+xml")
			fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" %sviewBox="0 0 600 400"><image href="data:image/png;base64,%s" width="600" height="400"/></svg>`, size, base64.StdEncoding.EncodeToString(coffee))
		})
	}
	s.extras["endless.png"] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s.script("nogrow.js", "import './clipside/worker.js'; WebAssembly.Memory.prototype.grow = () => { throw new RangeError('no more'); };")
	s.script("tiny.js", `
		import './clipside/worker.js';
		Object.defineProperty(GPUAdapter.prototype, 'info', { value: { description: 'a real GPU' } });
		const limits = Object.getOwnPropertyDescriptor(GPUDevice.prototype, 'limits').get;
		Object.defineProperty(GPUDevice.prototype, 'limits', {
			get() { return new Proxy(limits.call(this), { get: (own, name) => (name === 'maxStorageBufferBindingSize' ? 1e5 : own[name]) }); },
		});`)
	s.script("full.js", `
		import './clipside/worker.js';
		Object.defineProperty(GPUAdapter.prototype, 'info', { value: { description: 'a real GPU' } });
		const { popErrorScope } = GPUDevice.prototype;
		let popped = 0;
		GPUDevice.prototype.popErrorScope = async function () {
			const error = await popErrorScope.call(this);
			return ++popped % 2 ? error : { message: 'no room for a buffer' }; // every other one is of memory
		};`)
	s.script("turning.js", `
		import './bitmaps.js';
		const { copyExternalImageToTexture } = GPUQueue.prototype;
		GPUQueue.prototype.copyExternalImageToTexture = function (source, ...rest) {
			copyExternalImageToTexture.call(this, { ...source, flipY: true }, ...rest);
		};`)
	s.script("framed.js", `
		import { createClip } from './clipside.js';
		const say = (text) => parent.postMessage(text, '*');
		try {
			const clip = await createClip({ device: 'cpu' });
			say((await clip.classify('photos/coffee.png', ['cat', 'cup of coffee']))[0].label);
		} catch ({ name, message }) {
			say(name + ': ' + message);
		}`)
	p := interfacePage(t, s)
	for _, test := range []struct{ name, body string }{
		{"one in, one out; an array in, an array out", `
			const one = await clip.classify(coffee, labels);
			same(one.map(({ label }) => label).sort(), [...labels].sort(), 'every label once');
			assert(one[0].label === 'cup of coffee', one[0].label);
			assert(one.every(({ score }, i) => i === 0 || score <= one[i - 1].score), 'best first');
			assert(Math.abs(one.reduce((sum, { score }) => sum + score, 0) - 1) < 1e-5, 'scores add up to 1');
			same(Object.keys(one[0]).sort(), ['label', 'score'], 'the shape');
			same(await clip.classify([coffee], labels), [one], 'an array of one');
			same((await clip.classify([coffee, rocket], labels, { topK: 1 })).map((r) => r.map(({ label }) => label)), [['cup of coffee'], ['rocket']], 'two, topK 1');
			same(await clip.classify([], labels), [], 'no picture');
			const text = await clip.embedTexts('a cat'), [listed] = await clip.embedTexts(['a cat']);
			assert(text instanceof Float32Array && text.length === clip.info.dim, 'an embedding');
			assert(Math.abs(dot(text, text) - 1) < 1e-3, 'its norm');
			same([...text], [...listed], 'an array of one text');
			const image = await clip.embedImages(coffee), images = await clip.embedImages([coffee, rocket]);
			assert(image instanceof Float32Array && images.length === 2 && dot(image, images[0]) > 0.9999, 'images');
			same([await clip.embedTexts([]), await clip.embedImages([])], [[], []], 'nothing');
			const { logits, rows, cols } = await clip.similarity([coffee, rocket], ['a cup of coffee', 'a rocket', 'a cat']);
			same([rows, cols, logits.length], [2, 3, 6], 'the matrix');
			assert(logits[0] > logits[1] && logits[4] > logits[3], 'row by row');
			const single = await clip.similarity(coffee, 'a cup of coffee');
			same([single.rows, single.cols], [1, 1], 'a single cell');
			assert(Math.abs(single.logits[0] - logits[0]) < 0.05, 'the same logit');`},

		{"in an <iframe srcdoc>, whose address has no origin", `
			const frame = document.createElement('iframe');
			const said = new Promise((resolve) => window.addEventListener('message', ({ data }) => resolve(data), { once: true }));
			frame.srcdoc = '<script type="module" src="framed.js"></script>';
			document.body.append(frame);
			same(await said, 'cup of coffee', 'the answer');
			frame.remove();`},

		{"templates", `
			const plain = await clip.classify(coffee, ['a photo of a cat.', 'a photo of a rocket.'], { template: '{}' });
			const one = await clip.classify(coffee, ['cat', 'rocket']);
			assert(Math.abs(one[0].score - plain[0].score) < 1e-3, 'the default is a photo of a {}.');
			const mean = await clip.classify(coffee, ['cat', 'rocket'], { template: ['a photo of a {}.', 'a drawing of a {}.'] });
			assert(mean.length === 2 && mean[0].score !== one[0].score, 'several are averaged');`},

		{"labels that are cut are told, and the answer is not lost with a listener that throws", `
			const long = 'cat '.repeat(200);
			const told = [];
			await clip.classify(coffee, ['rocket', long], { onTruncated: (texts) => told.push(texts) });
			same(told, [[long]], 'what is told');
			const uncaught = new Promise((resolve) => window.addEventListener('error', (event) => (event.preventDefault(), resolve(event.message)), { once: true }));
			const embedding = await clip.embedTexts(long, { onTruncated() { throw new Error('in the listener'); } });
			assert(embedding.length === clip.info.dim, 'the answer');
			assert((await uncaught).includes('in the listener'), 'its error is told');`},

		{"every kind of picture", `
			const reference = await clip.embedImages(coffee);
			const bitmap = await createImageBitmap(coffee);
			const { width, height } = bitmap;
			const canvas = Object.assign(document.createElement('canvas'), { width, height });
			const context = canvas.getContext('2d');
			context.drawImage(bitmap, 0, 0);
			const offscreen = new OffscreenCanvas(width, height);
			offscreen.getContext('2d').drawImage(bitmap, 0, 0);
			const loaded = Object.assign(new Image(), { src: 'photos/coffee.png' });
			await loaded.decode();
			const loading = Object.assign(new Image(), { src: 'photos/coffee.png?again' });
			const frame = new VideoFrame(bitmap, { timestamp: 0 });
			const video = Object.assign(document.createElement('video'), { muted: true, srcObject: canvas.captureStream(10) });
			const painting = setInterval(() => context.drawImage(bitmap, 0, 0), 50);
			await video.play();
			while (video.videoWidth !== width) await new Promise((resolve) => setTimeout(resolve, 20));
			const data = await new Promise((resolve) => {
				const reader = new FileReader();
				reader.onload = () => resolve(reader.result);
				reader.readAsDataURL(coffee);
			});
			const shown = async (src) => {
				const img = new Image();
				img.src = src;
				await img.decode();
				return img;
			};
			const kinds = {
				'an SVG drawing': await shown('drawing.svg'), 'one that does not say its size': await shown('sizeless.svg'),
				Blob: new Blob([coffee]), File: coffee, 'a loaded img': loaded, 'a loading img': loading, canvas, OffscreenCanvas: offscreen,
				ImageBitmap: bitmap, ImageData: context.getImageData(0, 0, width, height), VideoFrame: frame, video,
				URL: new URL('photos/coffee.png', document.baseURI), 'a relative URL': 'photos/coffee.png', 'a data: URL': data,
			};
			for (const [kind, image] of Object.entries(kinds)) {
				const cosine = dot(reference, await clip.embedImages(image));
				assert(cosine > (kind === 'video' || kind.includes('does not say') ? 0.99 : 0.9999), kind + ' has a cosine of ' + cosine);
			}
			clearInterval(painting);
			assert((await clip.embedImages(Object.values(kinds))).length === 15, 'all of them in one call');
			assert(bitmap.width === width && frame.codedWidth === width, 'the caller keeps its ImageBitmap and VideoFrame');
			// What may change is taken as it is at the call.
			const before = clip.embedImages(canvas);
			context.fillRect(0, 0, width, height);
			assert(dot(reference, await before) > 0.9999, 'a canvas that is painted over after the call');
			frame.close();
			assert((await failure(clip.embedImages(frame))).name === 'ImageDecodeError', 'a closed VideoFrame');
			video.srcObject.getTracks().forEach((track) => track.stop());`},

		{"pixels of the encoder's own size, with alpha, are taken as they are", `
			const size = 64; // the starter's
			const pixels = new ImageData(size, size);
			for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = (i * i) >> 7;
			const before = pixels.data.slice();
			// By way of a bitmap they are resized, from 64 to 64 pixels; what is premultiplied there loses a little.
			const cosine = dot(await clip.embedImages(pixels), await clip.embedImages(await createImageBitmap(pixels, { premultiplyAlpha: 'none' })));
			assert(cosine > 0.999, 'a cosine of ' + cosine);
			same([...pixels.data], [...before], 'the caller keeps them');
			const { buffer } = pixels.data;
			structuredClone(buffer, { transfer: [buffer] });
			assert((await failure(clip.embedImages(pixels))).name === 'ImageDecodeError', 'pixels that were transferred');`},

		{"colours of a wider gamut count as they are seen", `
			const width = 100, height = 80;
			const wide = new ImageData(width, height, { colorSpace: 'display-p3' });
			for (let i = 0; i < wide.data.length; i += 4) wide.data.set([255 * (i % 3 > 0), i % 256, 30, 255], i);
			const painted = (settings) => {
				const canvas = new OffscreenCanvas(width, height);
				canvas.getContext('2d', settings).putImageData(wide, 0, 0);
				return canvas;
			};
			const srgb = painted({ colorSpace: 'srgb' }).getContext('2d').getImageData(0, 0, width, height);
			const reference = await clip.embedImages(srgb);
			const canvas = painted({ colorSpace: 'display-p3' });
			for (const [kind, image] of Object.entries({ ImageData: wide, canvas, ImageBitmap: await createImageBitmap(canvas) })) {
				const cosine = dot(reference, await clip.embedImages(image));
				assert(cosine > 0.9999, kind + ' has a cosine of ' + cosine);
			}
			const stored = new ImageData(wide.data, width, height);
			assert(dot(await clip.embedImages(stored), await clip.embedImages(await canvas.convertToBlob())) > 0.9999, 'of a file it is the numbers that count');`},

		{"half floats are pixels like others, on a GPU too", `
			const width = 50, height = 40;
			const bytes = new ImageData(width, height), halves = new ImageData(width, height, { pixelFormat: 'rgba-float16' });
			for (let i = 0; i < bytes.data.length; i++) {
				bytes.data[i] = i % 4 === 3 ? 255 : (i * i) >> 5;
				halves.data[i] = bytes.data[i] / 255;
			}
			const taking = await createClip({ device: 'webgpu', worker: 'bitmaps.js' });
			assert(taking.info.maxTextureSide > width, 'pictures go to the GPU as bitmaps');
			const cosine = dot(await taking.embedImages(halves), await taking.embedImages(bytes));
			assert(cosine > 0.9999, 'a cosine of ' + cosine);
			await taking.dispose();`},

		{"a GPU that gets bitmaps otherwise than they are gets pixels", `
			const turning = await createClip({ device: 'webgpu', worker: 'turning.js' });
			same(turning.info.device, 'webgpu', 'the device');
			same(turning.info.maxTextureSide, 0, 'the longest side of a bitmap');
			same(turning.info.timings.image, 0, 'milliseconds of pictures that nobody asked for');
			const cosine = dot(await turning.embedImages(coffee), await clip.embedImages(coffee));
			assert(cosine > 0.9999, 'a cosine of ' + cosine);
			await turning.dispose();`},

		{"abort: before, during and after", `
			const reason = new Error('no longer wanted');
			const before = AbortSignal.abort(reason);
			for (const call of [
				clip.classify(coffee, labels, { signal: before }), clip.embedImages(coffee, { signal: before }), clip.embedTexts('a', { signal: before }),
				clip.similarity(coffee, 'a', { signal: before }), createClip({ signal: before }),
			]) assert((await failure(call)) === reason, 'before: the signal’s own reason');
			assert((await failure(clip.classifyEach([coffee], labels, { signal: before }).next())) === reason, 'before, of a stream');

			const controller = new AbortController();
			const many = Array.from({ length: 1000 }, () => coffee);
			const already = await decoded();
			const long = failure(clip.embedImages(many, { signal: controller.signal }));
			while ((await decoded()) === already);
			const queued = failure(clip.classify(rocket, labels, { signal: controller.signal })); // the queue is fair: a moment later it would be answered
			controller.abort();
			// At once: the answers do not wait for the Worker, which a task of the page's cannot have heard of it from.
			const [during, waiting] = await Promise.race([Promise.all([long, queued]), new Promise((resolve) => setTimeout(resolve, 0, []))]);
			assert(during instanceof DOMException && during.name === 'AbortError', 'during: ' + during);
			assert(waiting?.name === 'AbortError', 'while it waited: ' + waiting);
			assert((await clip.classify(rocket, labels))[0].label === 'rocket', 'the next call is answered');
			assert((await decoded()) < already + many.length / 2, 'and the Worker has stopped to decode: ' + (await decoded()));

			const after = new AbortController();
			const result = await clip.classify(coffee, labels, { signal: after.signal });
			after.abort();
			assert(result[0].label === 'cup of coffee' && (await clip.classify(coffee, labels))[0].label === 'cup of coffee', 'after: to no effect');
			assert((await failure(clip.embedImages(many, { signal: AbortSignal.timeout(50) }))).name === 'TimeoutError', 'a time limit');

			const loading = new AbortController();
			let told = 0;
			const load = failure(createClip({ model: 'models/vit-hf/', device: 'cpu', cache: false, signal: loading.signal, onProgress: () => { told++; loading.abort(reason); } }));
			assert((await load) === reason && told === 1, 'during the loading, and nothing is told any more: ' + told);
			const again = await createClip({ model: 'models/vit-hf/', device: 'cpu', cache: false });
			assert(again.info.selfTest.passed, 'a new one loads');
			await again.dispose();`},

		{"concurrent calls queue fairly and each has its own answer", `
			const order = [];
			const many = Array.from({ length: 24 }, (_, i) => (i % 2 ? coffee : rocket));
			const long = clip.classify(many, labels).then((results) => (order.push('long'), results));
			const short = clip.classify(rocket, ['rocket', 'cat']).then((result) => (order.push('short'), result));
			const text = clip.embedTexts('a cat').then(() => order.push('text'));
			same((await short)[0].label, 'rocket', 'the short call');
			const results = await long;
			await text;
			same(order.at(-1), 'long', 'a short call waits for no long one');
			results.forEach(([{ label }], i) => same(label, i % 2 ? 'cup of coffee' : 'rocket', 'picture ' + i));

			const calls = Array.from({ length: 8 }, (_, i) => [i % 2 ? coffee : rocket, ['rocket', 'cup of coffee', 'thing ' + i]]);
			const alone = [];
			for (const [image, of] of calls.slice(0, 4)) alone.push(await clip.classify(image, of));
			const together = await Promise.all(calls.map(([image, of]) => clip.classify(image, of)));
			together.forEach((result, i) => {
				same(result.map(({ label }) => label).sort(), [...calls[i][1]].sort(), 'the labels of call ' + i);
				same(result.find(({ label }) => !label.startsWith('thing')).label, i % 2 ? 'cup of coffee' : 'rocket', 'the picture of call ' + i);
			});
			alone.forEach((result, i) => result.forEach(({ label, score }, at) => assert(
				together[i][at].label === label && Math.abs(together[i][at].score - score) < 1e-4, 'call ' + i + ' answers as if alone')));`},

		{"for await over many pictures", `
			let pulled = 0, taken = 0, ahead = 0, closed = false;
			async function* pictures() {
				try {
					for (; pulled < 16; ) yield pulled++ === 5 ? new Blob(['no picture']) : pulled % 2 ? rocket : coffee;
				} finally {
					closed = true;
				}
			}
			for await (const { index, image, result, error } of clip.classifyEach(pictures(), labels)) {
				same(index, taken++, 'in order');
				ahead = Math.max(ahead, pulled - taken);
				if (index === 5) assert(error instanceof ImageDecodeError && error.index === 5 && !result, 'the broken one');
				else same(result[0].label, image === rocket ? 'rocket' : 'cup of coffee', 'picture ' + index);
			}
			same([taken, closed], [16, true], 'all of them');
			assert(ahead <= 4, 'pulled no more than 4 ahead, not ' + ahead);
			let seen = 0;
			for await (const { result } of clip.embedEach(Array.from({ length: 24 }, () => coffee))) {
				assert(result instanceof Float32Array, 'an embedding');
				if (++seen === 3) break;
			}
			same((await clip.classify(rocket, labels))[0].label, 'rocket', 'after leaving the loop');`},

		{"errors come out of the Worker as what they are", `
			const broken = await failure(clip.classify([coffee, new File(['nothing'], 'broken.png')], labels));
			assert(broken instanceof ImageDecodeError && broken instanceof Error && broken.name === 'ImageDecodeError', broken.name);
			assert(/broken[.]png/.test(broken.message) && broken.index === 1, broken.message + ' at ' + broken.index);
			const undecodable = await failure(clip.classify(new File([Uint8Array.from([0x89, 80, 78, 71, 13, 10, 26, 10, ...new Array(40).fill(0), 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82])], 'odd.png'), labels));
			assert(undecodable instanceof ImageDecodeError && undecodable.index === undefined, 'a single picture has no number');
			const gone = await failure(clip.embedImages('photos/absent.png'));
			assert(gone instanceof ImageDecodeError && gone.status === 404 && /HTTP 404/.test(gone.message), gone.message);
			const decoded = await failure(clip.embedImages(new Blob([new Uint8Array(100)])));
			assert(decoded instanceof ImageDecodeError && decoded.cause instanceof DOMException && decoded.cause.message !== '', 'the decoder’s own error is the cause: ' + decoded.cause);
			const absent = await failure(createClip({ model: 'models/absent/', device: 'cpu' }));
			assert(absent instanceof ModelError && absent.status === 404 && absent.url.endsWith('/models/absent/manifest.json'), absent.message + absent.url);
			const other = await failure(createClip({ device: 'cpu', integrity: '0'.repeat(64) }));
			assert(other instanceof IntegrityError, other.name);
			const text = await failure(createClip({ model: 'photos/', device: 'cpu' }));
			assert(text instanceof ModelError, text.name);
			for (const wrong of [
				() => clip.classify(coffee, 'cat'), () => clip.classify(coffee, []), () => clip.classify(7, labels), () => clip.classify(coffee, labels, { topK: 0 }),
				() => clip.embedTexts(new Array(2)), () => clip.embedImages(new Array(2)), () => clip.classify(coffee, new Array(2)),
				() => clip.classify(coffee, labels, { template: 'no place' }), () => clip.embedTexts(7), () => createClip({ divice: 'cpu' }),
				() => clip.embedTexts('a', { onTruncated: 7 }), () => clip.embedImages(coffee, null),
				() => clip.classify(coffee, labels, { topk: 1 }), () => clip.embedTexts('a', { template: '{}' }), () => clip.embedImages(coffee, { topK: 1 }),
				() => clip.similarity(coffee, 'a', { topK: 1 }), () => clip.embedEach([coffee], { onProgress() {} }).next(), () => clip.classifyEach([coffee], labels, { topk: 1 }).next(),
			]) assert((await failure(wrong())) instanceof TypeError, wrong + ' is a TypeError');
			same((await clip.classify(rocket, labels))[0].label, 'rocket', 'after all of it');`},

		{"a picture that does not come, and one that waits to be scrolled to", `
			const gone = new AbortController();
			const endless = new Image();
			endless.src = 'endless.png';
			const waiting = failure(clip.embedImages(endless, { signal: gone.signal }));
			gone.abort(new RangeError('enough'));
			same((await waiting).message, 'enough', 'the reason');
			const one = await createClip({ device: 'webgpu', worker: 'counting.js' });
			const disposed = failure(one.embedImages(endless));
			one.dispose();
			same((await disposed).name, 'InvalidStateError', 'of a Clip that is disposed of');
			const lazy = new Image();
			lazy.loading = 'lazy';
			lazy.src = 'photos/rocket.jpg?lazy';
			same((await clip.classify(lazy, labels))[0].label, 'rocket', 'a lazy picture');
			assert(lazy.loading === 'lazy', 'it is left as it was');`},

		{"a stream that waits ends when it is told to", `
			for (const [name, end] of [['enough', (gone) => gone.abort(new RangeError('enough'))], ['The Clip has been disposed.', (_, one) => one.dispose()]]) {
				const gone = new AbortController();
				const one = await createClip({ device: 'webgpu', worker: 'counting.js' });
				const stream = one.classifyEach((async function* () { yield rocket; await new Promise(() => {}); })(), labels, { signal: gone.signal });
				same((await stream.next()).value.result[0].label, 'rocket', 'the first');
				const next = failure(stream.next());
				end(gone, one);
				same((await next).message, name, 'the end');
				await one.dispose();
			}
			// A canvas that a generator paints anew for each picture.
			const bitmaps = await Promise.all([coffee, rocket].map((file) => createImageBitmap(file)));
			const canvas = new OffscreenCanvas(224, 224);
			const paint = function* () {
				for (const bitmap of bitmaps) yield (canvas.getContext('2d').drawImage(bitmap, 0, 0, 224, 224), canvas);
			};
			const seen = [];
			for await (const { result } of clip.classifyEach(paint(), labels)) seen.push(result[0].label);
			same(seen, ['cup of coffee', 'rocket'], 'as they were yielded');`},

		{"a Clip that was not waited for ends with its signal", `
			const gone = new AbortController();
			const early = await createClip({ device: 'cpu', cache: false, wait: false, signal: gone.signal });
			gone.abort(new RangeError('enough'));
			same((await failure(early.ready)).message, 'enough', 'the reason');
			same((await failure(early.embedTexts('a cat'))).name, 'InvalidStateError', 'later calls');`},

		{"no memory", `
			const { name, message } = await failure(createClip({ device: 'cpu', worker: 'nogrow.js' }));
			assert(name === 'QuotaError' && /out of memory/.test(message), name + ': ' + message);`},

		{"a GPU with too little memory", `
			for (const [worker, says] of [['tiny.js', /at most/], ['full.js', /no room for a buffer/]]) {
				const { name, message } = await failure(createClip({ device: 'webgpu', worker, cache: false }));
				assert(name === 'QuotaError' && says.test(message), name + ': ' + message);
				const passed = await createClip({ device: 'auto', worker, cache: false });
				assert(passed.info.device === 'cpu' && says.test(passed.info.fallback), passed.info.device + ': ' + passed.info.fallback);
				await passed.dispose();
			}`},

		{"two Clips with different models, and their memory", `
			const { bytes: one, things } = await memory();
			assert(one > 1e6, 'the starter holds ' + one + ' bytes');
			const two = await createClip({ model: 'models/vit-hf/', device: 'webgpu', worker: 'counting.js' });
			assert((await memory()).bytes > one, 'the second holds some too');
			assert(two.info.url.endsWith('/models/vit-hf/') && clip.info.url.endsWith('/models/starter/'), 'different models');
			const [a, b, c] = await Promise.all([clip.embedImages(coffee), two.embedImages(coffee), clip.classify(rocket, labels)]);
			same([a.length, b.length, c[0].label], [clip.info.dim, two.info.dim, 'rocket'], 'side by side');
			assert(a.length !== b.length || Math.abs(dot(a, b)) < 0.9, 'each with its own embeddings');
			const third = await createClip({ model: 'models/vit-hf/', device: 'webgpu', worker: 'counting.js' });
			const shared = (await memory()).bytes;
			await third.dispose();
			same((await memory()).bytes, shared, 'a Clip of the same model shares its memory, which stays');
			await two.dispose();
			await two.dispose();
			await clip.classify(rocket, labels);
			const left = await memory();
			assert(left.bytes <= one && left.things <= things, JSON.stringify(left) + ' left of ' + one + ' bytes in ' + things);
			assert((await clip.classify(rocket, labels))[0].label === 'rocket', 'the other one goes on');`},

		{"a profile", `
			assert(clip.info.profile === undefined, 'only where it was asked for');
			for (const device of ['cpu', 'webgpu']) {
				const profiled = await createClip({ device, profile: true });
				same(profiled.info.profile, [], 'nothing before the first call');
				await profiled.embedTexts('a cat');
				const products = profiled.info.profile.filter(({ op }) => op.startsWith('matmul'));
				assert(products.length > 3 && products.every(({ runs, ms, gflop, gflops, gbps, share }) => runs > 0 && ms >= 0 && gflop > 0 && gflops >= 0 && gbps >= 0 && share >= 0), JSON.stringify(products));
				assert(profiled.info.peak.gflops > 0 && profiled.info.peak.gbps > 0, JSON.stringify(profiled.info.peak));
				const attention = profiled.info.profile.find(({ op }) => op.startsWith('causal attention'));
				same(attention.share, Math.max(attention.gflops / profiled.info.peak.gflops, attention.gbps / profiled.info.peak.gbps), 'the share of the peak');
				same(profiled.info.features.includes('timestamp-query'), device === 'webgpu', 'the adapter itself times operations');
				await profiled.dispose();
			}`},

		{"after dispose", `
			const workers = started - ended;
			const doomed = await createClip({ device: 'webgpu', worker: 'counting.js' });
			const pending = failure(doomed.embedImages(Array.from({ length: 32 }, () => coffee)));
			const first = doomed.dispose();
			assert(first === doomed.dispose() || (await doomed.dispose()) === undefined, 'again, to no effect');
			await first;
			for (const error of [await pending, await failure(doomed.classify(coffee, labels)), await failure(doomed.embedTexts('a')), await failure(doomed.similarity(coffee, 'a')), await failure(doomed.classifyEach([coffee], labels).next())]) {
				assert(error instanceof DOMException && error.name === 'InvalidStateError' && /disposed/.test(error.message), String(error));
			}
			same(started - ended, workers, 'the Worker stays for the other Clip');
			assert(doomed.info.url.endsWith('/models/starter/'), 'info can still be read');
			same((await clip.classify(rocket, labels))[0].label, 'rocket', 'which goes on');
			await clip.dispose();
			same([started - ended, workers], [0, 1], 'with the last Clip goes the Worker, and with it all that it held');
			clip = await createClip({ device: 'webgpu', worker: 'counting.js' });
			same((await clip.classify(rocket, labels))[0].label, 'rocket', 'and a new one can be made');`},

		{"the pipeline of transformers.js", `
			const { pipeline, env } = await import('./pipeline.js');
			const told = [];
			const classify = await pipeline('zero-shot-image-classification', 'starter', { device: 'webgpu', dtype: 'fp16', progress_callback: ({ status }) => told.push(status) });
			const one = await classify('photos/coffee.png', labels);
			same(Object.keys(one[0]).sort(), ['label', 'score'], 'the shape');
			const expected = await clip.classify(coffee, labels, { template: 'This is a photo of {}' });
			one.forEach(({ label, score }, i) => assert(label === expected[i].label && Math.abs(score - expected[i].score) < 1e-3, 'as classify answers'));
			const two = await classify(['photos/coffee.png', 'photos/rocket.jpg'], labels, { hypothesis_template: 'a photo of a {}.' });
			same(two.map(([{ label }]) => label), ['cup of coffee', 'rocket'], 'several pictures');
			same([told[0], told.at(-1)], ['initiate', 'ready'], 'progress');
			assert((await failure(pipeline('text-generation'))) instanceof TypeError, 'another task');
			assert((await failure(pipeline('zero-shot-image-classification', 'starter', { progress_callback: 7 }))) instanceof TypeError, 'no function to tell of progress');
			const errors = [];
			const onError = (event) => (event.preventDefault(), errors.push(event.message));
			window.addEventListener('error', onError);
			await (await pipeline('zero-shot-image-classification', 'starter', { device: 'webgpu', progress_callback: ({ status }) => { throw new Error(status); } })).dispose();
			window.removeEventListener('error', onError);
			assert(errors.at(-1).endsWith('ready'), 'a listener that throws does not lose the model: ' + errors);
			assert((await failure(pipeline('zero-shot-image-classification', 'absent'))).url.endsWith('/models/absent/manifest.json'), 'a name is looked for below models/');
			env.localModelPath = '/elsewhere/';
			assert((await failure(pipeline('zero-shot-image-classification', 'absent'))).url.endsWith('/elsewhere/absent/manifest.json'), 'or where env says');
			await classify.dispose();`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := try[any](p, "(async () => {"+test.body+"})()"); err != nil {
				t.Error(err)
			}
		})
	}
	p.noComplaints("404")
}

// pageWork keeps in used what the page's own thread calls of what it must leave to the Worker: what takes long, or takes
// long for large pictures.
const pageWork = `(() => {
	window.used = [];
	for (const [of, names] of [
		[WebAssembly, ['compile', 'compileStreaming', 'instantiate', 'instantiateStreaming', 'Module']],
		[window, ['createImageBitmap', 'DecompressionStream', 'OffscreenCanvas']],
		[CanvasRenderingContext2D.prototype, ['drawImage', 'getImageData']],
		[GPU.prototype, ['requestAdapter']],
		[SubtleCrypto.prototype, ['digest']],
		[Blob.prototype, ['arrayBuffer', 'bytes']],
	]) {
		for (const name of names) {
			const original = of[name];
			of[name] = function (...args) {
				used.push(name);
				return new.target ? new original(...args) : original.apply(this, args);
			};
		}
	}
})()`

// TestTheEngineNeverBlocksThePage loads a model and classifies while everything is counted that the page's own thread
// does: no bound on time, which a busy machine would break, but on blocks of code that run.
func TestTheEngineNeverBlocksThePage(t *testing.T) {
	p := launch(t, nil).open(t, serve(t).page(t, "jank.html", ""))
	p.adapter()
	eval[any](p, pageWork)
	eval[any](p, "import('./clipside.js').then(({ createClip }) => { window.createClip = createClip; })")
	blocks := func(expression string) (n int64) {
		t.Helper()
		p.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, profiler.StartPreciseCoverage, profiler.StartPreciseCoverageParams{CallCount: new(true), Detailed: new(true)})
			return err
		}))
		eval[any](p, expression)
		p.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			taken, err := cdp.Call(ctx, target, profiler.TakePreciseCoverage, cdp.Empty{})
			if err != nil {
				return err
			}
			for _, script := range taken.Result {
				for _, function := range script.Functions {
					for _, block := range function.Ranges {
						n += block.Count
					}
				}
			}
			return nil
		}))
		return n
	}
	p.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, profiler.Enable, cdp.Empty{})
		return err
	}))
	loading := blocks("createClip({ device: 'cpu' }).then((clip) => { window.clip = clip; })")
	const pictures = 32
	calling := blocks(fmt.Sprintf("clip.classify(Array.from({ length: %d }, () => 'photos/coffee.png'), ['cat', 'cup of coffee']).then(() => true)", pictures))
	t.Logf("blocks of code that ran in the page: %d to load, %d to classify %d pictures", loading, calling, pictures)
	if loading == 0 || loading > 10_000 || calling == 0 || calling > 100*pictures {
		t.Errorf("%d blocks of code ran in the page to load a model, and %d to classify %d pictures", loading, calling, pictures)
	}
	if used := eval[[]string](p, "used"); len(used) != 0 {
		t.Errorf("the page itself called %q", used)
	}
	eval[any](p, "clip.dispose()")
	if c := p.complaints(); strings.Contains(strings.Join(c, " "), "Error") {
		t.Errorf("the page complained: %q", c)
	}
}
