import assert from 'node:assert/strict';
import { test } from 'node:test';

import { batchGate, inBatches } from '../clipside/batches.js';
import { ImageDecodeError } from '../clipside/errors.js';

const never = new AbortController().signal;
/** Of most tests, which leave it as it was. */
const gate = batchGate();
const tick = () => new Promise((resolve) => setImmediate(resolve));

/** A decoder of pictures of so many pixels, that knows how many are open. */
function decoder(pixels = 1) {
  const state = {
    open: 0,
    most: 0,
    decode: async (index) => {
      await tick();
      state.most = Math.max(state.most, ++state.open);
      return { picture: { index }, pixels, close: () => state.open-- };
    },
  };
  return state;
}

test('every picture is run once, in order, and closed', async () => {
  for (const count of [0, 1, 31, 32, 33, 100]) {
    const pictures = decoder();
    const seen = [];
    await inBatches(never, gate, count, pictures.decode, async (batch, from) => {
      assert.equal(from, seen.length);
      assert.ok(batch.length >= 1 && batch.length <= 32);
      await tick();
      seen.push(...batch.map(({ index }) => index));
    });
    assert.deepEqual(
      seen,
      Array.from({ length: count }, (_, i) => i),
    );
    assert.equal(pictures.open, 0);
  }
});

test('large pictures are run one by one, the next being decoded meanwhile', async () => {
  const pictures = decoder(20 << 20);
  const sizes = [];
  await inBatches(never, gate, 5, pictures.decode, async (batch) => {
    sizes.push(batch.length);
    for (let i = 0; i < 5; i++) await tick();
  });
  assert.deepEqual(sizes, [1, 1, 1, 1, 1]);
  assert.equal(pictures.most, 2);
});

test('two batches are alive at most, over all calls, and a short call passes a long one', async () => {
  const pictures = decoder(20 << 20);
  const order = [];
  const call = (name, count) =>
    inBatches(never, gate, count, pictures.decode, async () => {
      await tick();
      order.push(name);
    });
  await Promise.all([call('long', 10), call('short', 1)]);
  assert.ok(pictures.most <= 2);
  assert.ok(order.indexOf('short') <= 3, order.join(' '));
});

test('a picture that cannot be decoded ends the call with its number, once what runs has ended', async () => {
  const pictures = decoder(20 << 20);
  let running = 0;
  const decode = async (index) => {
    if (index === 2) throw new ImageDecodeError('broken');
    return pictures.decode(index);
  };
  const done = inBatches(never, gate, 5, decode, async () => {
    running++;
    for (let i = 0; i < 10; i++) await tick();
    running--;
  });
  await assert.rejects(done, (error) => error instanceof ImageDecodeError && error.index === 2);
  assert.equal(running, 0);
  assert.equal(pictures.open, 0);
});

test('a run that fails ends the call and closes everything', async () => {
  const pictures = decoder(20 << 20);
  await assert.rejects(
    inBatches(never, gate, 5, pictures.decode, async (_, from) => {
      await tick();
      if (from === 1) throw new Error('device');
    }),
    { message: 'device' },
  );
  assert.equal(pictures.open, 0);
  await inBatches(never, gate, 2, pictures.decode, async () => {}); // the gate is open again
});

test('an abort ends the call with the reason, while running and while waiting for the gate', async () => {
  const pictures = decoder(20 << 20);
  const reason = new Error('enough');
  const running = new AbortController();
  const run = (_batch, _from) => new Promise((_, reject) => running.signal.addEventListener('abort', () => reject(running.signal.reason)));
  const first = inBatches(running.signal, gate, 5, pictures.decode, run);
  const waiting = new AbortController();
  const second = inBatches(waiting.signal, gate, 1, pictures.decode, async () => {});
  const third = inBatches(waiting.signal, gate, 1, pictures.decode, async () => {});
  first.catch(() => {});
  waiting.abort(reason);
  await assert.rejects(third, reason);
  await assert.rejects(second, reason);
  await tick();
  running.abort(reason);
  await assert.rejects(first, reason);
  assert.equal(pictures.open, 0);
  await inBatches(never, gate, 3, pictures.decode, async () => {});
});

test('a model that waits holds up no other', async () => {
  let arrive;
  const weights = new Promise((resolve) => (arrive = resolve));
  const pictures = decoder();
  const slow = batchGate();
  const waiting = [1, 2, 3].map(() => inBatches(never, slow, 1, pictures.decode, () => weights));
  await inBatches(never, gate, 1, pictures.decode, async () => {});
  arrive();
  await Promise.all(waiting);
  assert.equal(pictures.open, 0);
});
