import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eachOf } from '../clipside/each.js';
import { ImageDecodeError } from '../clipside/errors.js';

const collect = async (stream) => {
  const all = [];
  for await (const one of stream) all.push(one);
  return all;
};

const names = (count) => Array.from({ length: count }, (_, i) => `${i}.png`);

test('every picture of a list has its result, in order, in calls of several', async () => {
  const sizes = [];
  const got = await collect(
    eachOf(names(20), async (batch) => {
      sizes.push(batch.length);
      await new Promise((resolve) => setTimeout(resolve, sizes.length === 1 ? 20 : 0)); // the first is the slowest
      return batch.map((name) => name.length);
    }),
  );
  assert.deepEqual(
    got.map(({ index }) => index),
    [...names(20).keys()],
  );
  assert.deepEqual(
    got.map(({ image }) => image),
    names(20),
  );
  assert.deepEqual(got[12].result, 6);
  assert.deepEqual(sizes, [8, 8, 4]);
});

test('a broken picture does not take its neighbours along', async () => {
  const got = await collect(
    eachOf(names(3), async (batch) => {
      if (batch.includes('1.png')) throw new ImageDecodeError('broken', { index: batch.indexOf('1.png') });
      return batch.map(() => 'fine');
    }),
  );
  assert.deepEqual(
    got.map(({ result, error }) => result ?? `${error.name} ${error.index}`),
    ['fine', 'ImageDecodeError 1', 'fine'],
  );
});

test('any other failure ends the stream', async () => {
  await assert.rejects(
    collect(
      eachOf(names(3), async () => {
        throw new TypeError('labels');
      }),
    ),
    TypeError,
  );
});

test('a slow source does not hold back results', async () => {
  let release;
  async function* source() {
    yield 'first.png';
    await new Promise((resolve) => (release = resolve));
    yield 'second.png';
  }
  const stream = eachOf(source(), async (batch) => batch);
  assert.equal((await stream.next()).value.result, 'first.png');
  release();
  assert.equal((await stream.next()).value.result, 'second.png');
  assert.equal((await stream.next()).done, true);
});

test('pictures are pulled no faster than results are taken', async () => {
  let pulled = 0;
  async function* source() {
    for (;;) yield `${pulled++}.png`;
  }
  const stream = eachOf(source(), async (batch) => batch);
  await stream.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(pulled <= 4, `${pulled} were pulled for one result`);
  await stream.return();
});

test('leaving the loop aborts what is under way and closes the source', async () => {
  let closed = false;
  function* source() {
    try {
      yield* names(100);
    } finally {
      closed = true;
    }
  }
  const signals = [];
  for await (const { index } of eachOf(source(), async (batch, signal) => (signals.push(signal), batch))) {
    if (index === 2) break;
  }
  await new Promise((resolve) => setTimeout(resolve));
  assert.ok(signals.length > 0 && signals.every(({ aborted }) => aborted));
  assert.ok(closed);
});

test('a single picture is refused, a string above all', async () => {
  for (const single of ['photo.png', null, 7, new Blob([])]) await assert.rejects(collect(eachOf(single, async () => [])), TypeError);
});

test('a source that fails does so after the results of what it gave before', async () => {
  const sources = {
    *list() {
      yield* names(3);
      throw new RangeError('source');
    },
    async *stream() {
      yield* names(3);
      throw new RangeError('source');
    },
  };
  for (const source of Object.values(sources)) {
    const got = [];
    await assert.rejects(async () => {
      for await (const { image } of eachOf(source(), async (batch) => batch)) got.push(image);
    }, RangeError);
    assert.deepEqual(got, names(3));
  }
});

test('what is no picture is named by its place in all of them, after the results of those before', async () => {
  const sources = [
    () => [...names(9), null, '10.png'],
    async function* () {
      yield* [...names(9), null, '10.png'];
    },
  ];
  for (const source of sources) {
    const got = [];
    await assert.rejects(
      async () => {
        for await (const { image } of eachOf(source(), async (batch) => batch)) got.push(image);
      },
      { name: 'TypeError', message: /^images\[9\] is null/ },
    );
    assert.deepEqual(got, names(9));
  }
});

test('what a generator paints and yields is taken before it paints again', async () => {
  const canvas = { painted: '', [Symbol.toStringTag]: 'OffscreenCanvas' };
  const paint = function* () {
    for (const colour of ['red', 'green', 'blue']) {
      canvas.painted = colour;
      yield canvas;
    }
  };
  const got = await collect(eachOf(paint(), async (batch) => batch.map(({ painted }) => painted)));
  assert.deepEqual(
    got.map(({ result }) => result),
    ['red', 'green', 'blue'],
  );
});

test('the signal ends it while a source waits', async () => {
  const silent = async function* () {
    yield 'a.png';
    await new Promise(() => {});
  };
  const caller = new AbortController();
  const stream = eachOf(
    silent(),
    async (batch) => batch,
    () => caller.signal,
  );
  assert.equal((await stream.next()).value.image, 'a.png');
  const next = stream.next();
  caller.abort(new RangeError('enough'));
  await assert.rejects(next, RangeError);
  assert.equal((await stream.next()).done, true);
});
