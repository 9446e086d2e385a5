package e2e

import "testing"

// tallyingWorker runs the Worker with a tally of its bitmaps, which it tells on a BroadcastChannel.
const tallyingWorker = `
import './clipside/worker.js';

const open = new Set();
const tally = { made: 0, open: 0, most: 0 };
const channel = new BroadcastChannel('bitmaps');
channel.onmessage = ({ data }) => data === 'tell' && channel.postMessage(tally);
const make = self.createImageBitmap;
self.createImageBitmap = async (...args) => {
	const bitmap = await make(...args);
	open.add(bitmap);
	tally.made++;
	tally.open = open.size;
	tally.most = Math.max(tally.most, open.size);
	return bitmap;
};
const { close } = ImageBitmap.prototype;
ImageBitmap.prototype.close = function () {
	open.delete(this);
	tally.open = open.size;
	close.call(this);
};
`

// TestLargeJobs asks for a thousand labels in seven templates, and shows five hundred photos.
func TestLargeJobs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.script("tallying.js", tallyingWorker)
	p := launch(t, nil).open(t, s.page(t, "jobs.html", ""))
	eval[any](p, helpers)
	eval[bool](p, `(async () => {
		Object.assign(window, await import('./clipside.js'));
		window.coffee = await (await fetch('photos/coffee.png')).blob();
		window.clip = await createClip({ device: 'cpu', worker: 'tallying.js' });
		window.tally = () => new Promise((resolve) => {
			const channel = new BroadcastChannel('bitmaps');
			channel.onmessage = ({ data }) => data !== 'tell' && (channel.close(), resolve(data));
			channel.postMessage('tell');
		});
		window.answers = async () => assert((await clip.classify(coffee, ['cat', 'cup of coffee']))[0].label === 'cup of coffee', 'it answers');
		// Collects progress; at is called with how much is done.
		window.collect = (at = () => {}) => {
			const events = [];
			return { events, onProgress: (event) => (events.push(event), at(event.loaded)) };
		};
		window.rises = (events, total) => {
			assert(events.length > 10, events.length + ' events');
			events.forEach((event, i) => assert(event.total === total && (i === 0 ? event.loaded === 0 : event.loaded > events[i - 1].loaded), 'event ' + i + ': ' + JSON.stringify(event)));
			same(events.at(-1).loaded, total, 'the last event');
		};
		// Aborts a call once so much of it is done, and returns what it told.
		window.abortAt = async (enough, start) => {
			const controller = new AbortController();
			const { events, onProgress } = collect((loaded) => loaded >= enough && controller.abort());
			const error = await failure(start({ signal: controller.signal, onProgress }));
			assert(error instanceof DOMException && error.name === 'AbortError', 'aborted: ' + error);
			assert(events.at(-1).loaded >= enough && events.slice(0, -1).every(({ loaded }) => loaded < enough), 'nothing is told afterwards');
			return events;
		};
		return true;
	})()`)
	for _, test := range []struct{ name, body string }{
		{"labels", `
			const labels = Array.from({ length: 1000 }, (_, i) => (i === 500 ? 'cup of coffee' : 'thing number ' + i));
			const template = ['a photo of a {}.', 'a drawing of a {}.', 'a blurry photo of a {}.', 'the {}.', 'a {} in the dark.', 'a small {}.', 'many of {}, seen from far away.'];
			let short;
			const order = [];
			const long = collect((loaded) => loaded > 1000 && (short ??= answers().then(() => order.push('short'))));
			const result = await clip.classify(coffee, labels, { template, onProgress: long.onProgress });
			order.push('long');
			await short;
			same(order, ['short', 'long'], 'a short call waits for no long one');
			rises(long.events, 7001);
			same([result.length, result[0].label], [1000, 'cup of coffee'], 'the result');

			const again = collect();
			same(await clip.classify([coffee, coffee], labels, { template, topK: 1, onProgress: again.onProgress }), [result.slice(0, 1), result.slice(0, 1)], 'once more');
			same(again.events[0], { loaded: 0, total: 2 }, 'what is remembered does not count');
			same(again.events.at(-1), { loaded: 2, total: 2 }, 'the pictures do');

			const events = await abortAt(1500, (options) => clip.embedTexts(Array.from({ length: 7000 }, (_, i) => 'text number ' + i), options));
			same(events[0], { loaded: 0, total: 7000 }, 'the first event');
			await answers();`},

		{"photos", `
			const photos = await Promise.all(Array.from({ length: 500 }, async (_, i) => {
				const canvas = new OffscreenCanvas(24 + i % 41, 24 + i % 29);
				const context = canvas.getContext('2d');
				context.fillStyle = 'hsl(' + i + ' 80% 50%)';
				context.fillRect(0, i % 24, 24, 12);
				return canvas.convertToBlob();
			}));
			const before = await tally();
			await abortAt(100, (options) => clip.embedImages(photos, options));
			await answers();
			const aborted = await tally();
			assert(aborted.made - before.made < 450, aborted.made - before.made + ' photos were decoded for 100');
			same(aborted.open, 0, 'bitmaps that are left open');

			const { events, onProgress } = collect();
			const embeddings = await clip.embedImages(photos, { onProgress });
			rises(events, 500);
			same(embeddings.length, 500, 'embeddings');
			const alone = await clip.embedImages(photos[321]);
			assert(alone.reduce((sum, value, i) => sum + value * embeddings[321][i], 0) > 0.9999, 'each in its place');
			const after = await tally();
			same([after.made - aborted.made, after.open], [501, 0], 'all are decoded and closed');
			assert(after.most >= 16 && after.most <= 32, 'two batches of 16 are open at most, not ' + after.most);`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := try[any](p, "(async () => {"+test.body+"})()"); err != nil {
				t.Error(err)
			}
		})
	}
	p.noComplaints()
}
