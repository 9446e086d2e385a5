import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { serve } from '../clipside/bridge.js';
import { DeviceLostError } from '../clipside/errors.js';
import { hold } from '../clipside/shared.js';

/** Workers that are alive, each a MessageChannel with a small engine at its other end. */
let workers = [];
let opened = [];
let disposed = [];
/** Called when a model named late is open, before anyone knows. */
let onOpened = () => {};
/** @type {{ resolve: () => void, signal: AbortSignal }[]} */
let waiting = [];

/** Ends when the test says so, or the signal fires. */
const held = (signal) =>
  new Promise((resolve, reject) => {
    waiting.push({ resolve, signal });
    signal.addEventListener('abort', () => reject(signal.reason));
  });

class FakeWorker {
  constructor() {
    const { port1, port2 } = new MessageChannel();
    const models = new Map();
    serve(port2, {
      async open({ id, model }, { signal }) {
        opened.push(model);
        if (model.endsWith('slow/')) await held(signal);
        if (model.endsWith('bad/')) throw new Error('no such model');
        models.set(id, model);
        if (model.endsWith('late/')) onOpened();
        return { info: { model } };
      },
      async ready({ id }, { signal, progress }) {
        progress({ loaded: 1 });
        if (models.get(id).endsWith('heavy/')) await held(signal);
        if (models.get(id).endsWith('broken/')) throw new Error('weights missing');
        return { info: { model: models.get(id), loaded: true } };
      },
      dispose: ({ id }) => void disposed.push(id),
      lose() {
        throw new DeviceLostError('gone');
      },
    });
    port1.start();
    port2.start();
    this.terminate = () => {
      workers = workers.filter((worker) => worker !== port1);
      port1.close();
    };
    workers.push(port1);
    return Object.assign(port1, { terminate: this.terminate });
  }
}

globalThis.Worker = FakeWorker;
globalThis.origin = 'null'; // an opaque one, as this module's is

beforeEach(() => {
  opened = [];
  disposed = [];
  waiting = [];
});

const request = (model, more) => ({
  model: `https://site.example/${model}/`,
  integrity: '',
  device: 'auto',
  towers: ['image', 'text'],
  cache: true,
  ...more,
});
const take = (model, { signal, onProgress, ...more } = {}) => hold(request(model, more), '', 0, signal, onProgress);
const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};

test('Clips of one model load it once and free it with the last', async () => {
  const other = await take('b');
  const [one, two] = await Promise.all([take('a'), take('a')]);
  const three = await take('a');
  assert.deepEqual(opened, [request('b').model, request('a').model]);
  assert.deepEqual([one.id, two.id, three.id], [2, 2, 2]);
  await one.release();
  await two.release();
  assert.deepEqual(disposed, []);
  await three.release();
  assert.deepEqual(disposed, [2]);
  assert.equal(workers.length, 1);
  await other.release();
  assert.equal(workers.length, 0);
});

test('another device or other towers are another model', async () => {
  const holds = [await take('a'), await take('a', { device: 'cpu' }), await take('a', { towers: ['image'] })];
  assert.equal(new Set(holds.map(({ id }) => id)).size, 3);
  assert.equal(workers.length, 1);
  for (const { release } of holds) await release();
  assert.equal(workers.length, 0);
});

test('one who gives up does not stop the others; when all do, the loading stops', async () => {
  const first = new AbortController();
  const second = new AbortController();
  const one = take('slow', { signal: first.signal });
  const two = take('slow', { signal: second.signal });
  await until(() => waiting.length === 1);
  first.abort();
  await assert.rejects(one, { name: 'AbortError' });
  assert.equal(waiting[0].signal.aborted, false);
  assert.equal(workers.length, 1);
  second.abort(new Error('enough'));
  await assert.rejects(two, { message: 'enough' });
  assert.equal(workers.length, 0);
});

test('a model is there to be called before it is ready; whoever gives up waiting leaves it to the others', async () => {
  const gone = new AbortController();
  const one = await take('heavy');
  const two = await take('heavy', { signal: gone.signal });
  assert.deepEqual(two.info, { model: request('heavy').model });
  await until(() => waiting.length === 1);
  gone.abort();
  await assert.rejects(two.ready, { name: 'AbortError' });
  await two.release();
  assert.equal(waiting[0].signal.aborted, false);
  waiting[0].resolve();
  assert.deepEqual(await one.ready, { model: request('heavy').model, loaded: true });
  await one.release();
  assert.equal(workers.length, 0);
});

test('who joins late learns how far it is', async () => {
  const early = [];
  const late = [];
  const one = await take('heavy', { onProgress: (event) => early.push(event.loaded) });
  await until(() => early.length === 1);
  const two = await take('heavy', { onProgress: (event) => late.push(event.loaded) });
  assert.deepEqual(late, [1]);
  waiting[0].resolve();
  await Promise.all([one.ready, two.ready]);
  for (const { release } of [one, two]) await release();
});

test('nobody joins a model whose weights did not come', async () => {
  const broken = await take('broken');
  await assert.rejects(broken.ready, { message: 'weights missing' });
  const again = await take('broken');
  assert.equal(opened.length, 2);
  await assert.rejects(again.ready, { message: 'weights missing' });
  await Promise.all([broken.release(), again.release()]);
  assert.equal(workers.length, 0);
});

test('a model that could not be loaded is asked for anew', async () => {
  await assert.rejects(take('bad'), { message: 'no such model' });
  await assert.rejects(take('bad'), { message: 'no such model' });
  assert.equal(opened.length, 2);
  assert.equal(workers.length, 0);
});

test('nobody joins a model whose device is lost', async () => {
  const lost = await take('a');
  await assert.rejects(lost.call(undefined, 'lose', null), DeviceLostError);
  const fresh = await take('a');
  assert.equal(opened.length, 2);
  await lost.release();
  const joined = await take('a');
  assert.equal(opened.length, 2);
  await Promise.all([fresh.release(), joined.release()]);
  assert.equal(workers.length, 0);
});

test('a model that is given up as the word of its opening is on its way is freed', async () => {
  const other = await take('b');
  const gone = new AbortController();
  onOpened = () => gone.abort();
  await assert.rejects(take('late', { signal: gone.signal }), { name: 'AbortError' });
  await until(() => disposed.length > 0);
  assert.deepEqual(disposed, [other.id + 1]);
  await other.release();
  assert.equal(workers.length, 0);
});

test('who waits for a model that is released is told so, by the last of the page too', async () => {
  const one = await take('heavy');
  await one.release();
  await assert.rejects(one.ready, { name: 'InvalidStateError' });
  assert.equal(workers.length, 0);
});
