import assert from 'node:assert/strict';
import { test } from 'node:test';

import { download, retryAfter } from '../clipside/download.js';
import { IntegrityError, ModelError } from '../clipside/errors.js';

const url = 'https://models.example/b/0.zst';
const never = new AbortController().signal;

/**
 * A network that answers with one of the steps after the other, and notes what it was asked and how long was waited.
 * @param {(((init: RequestInit) => Response | Promise<Response>))[]} steps
 */
function scripted(steps) {
  const log = { waits: [], caches: [], asked: 0 };
  return {
    log,
    fetch: async (_url, init) => {
      log.caches.push(init.cache);
      const step = steps[log.asked++];
      assert.ok(step, 'asked more often than expected');
      return step(init);
    },
    sleep: async (ms, signal) => {
      log.waits.push(ms);
      signal.throwIfAborted();
    },
    random: () => 0.5,
    stallMs: 30_000,
  };
}

/** A body of pieces, as a stream of a type. */
const body = (type, pieces) => () =>
  new Response(
    new ReadableStream({
      type,
      start(controller) {
        for (const piece of pieces) controller.enqueue(Uint8Array.from(piece));
        controller.close();
        controller.byobRequest?.respond(0);
      },
    }),
  );
const ok = (...pieces) => body(undefined, pieces);
const status =
  (code, headers = {}) =>
  () =>
    new Response('no', { status: code, headers });
/** A body of which one piece comes. */
const cut = (type, piece) => () => {
  let sent = false;
  return new Response(
    new ReadableStream({
      type,
      pull(controller) {
        if (sent) return controller.error(new TypeError('network error'));
        sent = true;
        controller.enqueue(Uint8Array.from(piece));
      },
    }),
  );
};
const unreachable = () => {
  throw new TypeError('Failed to fetch');
};

// As bodies are in browsers that write them where they are told, and in those that do not.
for (const type of /** @type {const} */ (['bytes', undefined])) {
  const kind = type ? 'a stream of bytes' : 'a stream of arrays';

  test(`the pieces of a body are put together and counted: ${kind}`, async () => {
    const counts = [];
    const memory = new ArrayBuffer(10);
    const via = scripted([body(type, [[1, 2], [3], [4, 5, 6]])]);
    const bytes = await download(never, url, { limit: 6, size: 6, memory: () => memory, onBytes: (n) => counts.push(n) }, via);
    assert.deepEqual([...bytes], [1, 2, 3, 4, 5, 6]);
    assert.deepEqual([...new Set(counts)], type ? [0, 6] : [0, 2, 3, 6]);
    assert.equal(bytes.buffer.byteLength, 10, 'in the memory that was lent');
  });

  test(`a body of unknown size grows up to the limit: ${kind}`, async () => {
    const large = Array.from({ length: 100_000 }, (_, i) => i % 251);
    const bytes = await download(never, url, { limit: 200_000 }, scripted([body(type, [large, large])]));
    assert.deepEqual([...bytes], [...large, ...large]);
  });

  test(`a body that is too long is an IntegrityError, and is not read to its end: ${kind}`, async () => {
    for (const capacity of [1, 4000, 8000]) {
      let pulled = 0;
      let cancelled = false;
      const endless = () =>
        new Response(
          new ReadableStream({
            type,
            pull(controller) {
              pulled++;
              controller.enqueue(new Uint8Array(1000));
            },
            cancel: () => void (cancelled = true),
          }),
        );
      const memory = () => new ArrayBuffer(capacity);
      await assert.rejects(download(never, url, { limit: 4000, size: 4000, memory }, scripted([endless])), IntegrityError);
      assert.ok(pulled < 20 && cancelled, `${pulled} pieces`);
    }
  });

  test(`a try that failed in the middle leaves nothing to the next: ${kind}`, async () => {
    const via = scripted([cut(type, [7, 7, 7]), body(type, [[1, 2, 3, 4]])]);
    const bytes = await download(never, url, { limit: 4, size: 4, memory: () => new ArrayBuffer(4) }, via);
    assert.deepEqual([...bytes], [1, 2, 3, 4]);
  });
}

const passing = [
  ['500', status(500)],
  ['503', status(503)],
  ['429', status(429)],
  ['a network error', unreachable],
  ['a connection cut in the middle', cut(undefined, [1])],
  ['a body that ends early', ok([1])],
];
for (const [name, step] of passing) {
  test(`${name} is tried again, with growing waits, and may succeed at the fifth try`, async () => {
    const via = scripted([step, step, step, step, ok([1, 2])]);
    assert.deepEqual([...(await download(never, url, { limit: 2, size: 2, cache: 'force-cache' }, via))], [1, 2]);
    assert.deepEqual(via.log.waits, [250, 500, 1000, 2000]);
    assert.deepEqual(via.log.caches, ['force-cache', 'reload', 'reload', 'reload', 'reload']);
  });

  test(`${name} five times is a ModelError with the URL`, async () => {
    const via = scripted([step, step, step, step, step]);
    await assert.rejects(
      download(never, url, { limit: 2, size: 2 }, via),
      (error) => error instanceof ModelError && error.url === url && error.message.includes(url),
    );
    assert.equal(via.log.asked, 5);
  });
}

for (const code of [400, 401, 403, 404, 410]) {
  test(`HTTP ${code} is final, and told with its status`, async () => {
    const via = scripted([status(code)]);
    await assert.rejects(download(never, url, { limit: 2 }, via), { name: 'ModelError', status: code, url });
    assert.deepEqual(via.log.waits, []);
  });
}

test('Retry-After is obeyed', async () => {
  const via = scripted([status(429, { 'Retry-After': '7' }), ok([1])]);
  await download(never, url, { limit: 1 }, via);
  assert.deepEqual(via.log.waits, [7000]);
});

test('retryAfter reads seconds and dates, within bounds', () => {
  const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');
  for (const [header, want] of [
    [null, undefined],
    ['', undefined],
    ['soon', undefined],
    ['0', 0],
    [' 3 ', 3000],
    ['86400', 30_000],
    ['Wed, 21 Oct 2026 07:28:05 GMT', 5000],
    ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
  ]) {
    assert.equal(retryAfter(header, now), want, String(header));
  }
});

test('without the caches it stays so at every try', async () => {
  const via = scripted([status(500), ok([1])]);
  await download(never, url, { limit: 1, cache: 'no-store' }, via);
  assert.deepEqual(via.log.caches, ['no-store', 'no-store']);
});

test('an abort ends it with the reason: before, during a body, and during a wait', async () => {
  const reason = new Error('enough');

  const before = AbortSignal.abort(reason);
  const untouched = scripted([]);
  await assert.rejects(download(before, url, { limit: 1 }, untouched), reason);
  assert.equal(untouched.log.asked, 0);

  const during = new AbortController();
  const hanging = ({ signal }) =>
    new Response(
      new ReadableStream({
        start: (controller) => signal.addEventListener('abort', () => controller.error(signal.reason)),
      }),
    );
  const body = download(during.signal, url, { limit: 1 }, scripted([hanging]));
  setImmediate(() => during.abort(reason));
  await assert.rejects(body, reason);

  const waiting = new AbortController();
  const via = scripted([status(503)]);
  via.sleep = async (_ms, signal) => {
    waiting.abort(reason);
    signal.throwIfAborted();
  };
  await assert.rejects(download(waiting.signal, url, { limit: 1 }, via), reason);
  assert.equal(via.log.asked, 1);
});

test('a response that stalls is given up and tried again', async () => {
  const stalling = ({ signal }) =>
    new Response(
      new ReadableStream({
        start: (controller) => signal.addEventListener('abort', () => controller.error(signal.reason)),
      }),
    );
  const via = { ...scripted([stalling, stalling, ok([9])]), stallMs: 5 };
  assert.deepEqual([...(await download(never, url, { limit: 1, size: 1 }, via))], [9]);
  assert.equal(via.log.asked, 3);
});
