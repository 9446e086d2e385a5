import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { Bridge, serve } from '../clipside/bridge.js';
import { ImageDecodeError } from '../clipside/errors.js';

/** @type {MessagePort[]} */
let open = [];
afterEach(() => {
  for (const port of open) port.close();
  open = [];
});

function connected(methods) {
  const { port1, port2 } = new MessageChannel();
  open.push(port1, port2);
  const fatal = [];
  const die = serve(port2, methods);
  const bridge = new Bridge(port1, (error) => fatal.push(error));
  port1.start();
  port2.start();
  return { bridge, die, fatal };
}

const until = (/** @type {AbortSignal} */ signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test('answers find their calls, whatever order they come in', async () => {
  const finish = [];
  const { bridge } = connected({
    wait: (n) => new Promise((resolve) => (finish[n] = () => resolve(n * 10))),
    go: () => [2, 0, 1].forEach((n) => finish[n]()),
  });
  const calls = [0, 1, 2].map((n) => bridge.call(undefined, 'wait', n));
  await bridge.call(undefined, 'go', null);
  assert.deepEqual(await Promise.all(calls), [0, 10, 20]);
});

test('what a function throws arrives as what it is', async () => {
  const { bridge } = connected({
    decode() {
      throw new ImageDecodeError('broken', { index: 3 });
    },
  });
  await assert.rejects(bridge.call(undefined, 'decode', null), (error) => error instanceof ImageDecodeError && error.index === 3);
});

test('a method that is not served, or inherited, is a TypeError', async () => {
  const { bridge } = connected({});
  await assert.rejects(bridge.call(undefined, 'absent', null), TypeError);
  await assert.rejects(bridge.call(undefined, 'toString', null), TypeError);
});

test('progress comes before the answer; a listener that throws does not lose it', async (t) => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  t.after(() => delete globalThis.reportError);
  const { bridge } = connected({
    work(_, { progress }) {
      progress(1);
      progress(2);
      return 'done';
    },
  });
  const seen = [];
  const onProgress = (event) => {
    seen.push(event);
    if (event === 1) throw new Error('listener');
  };
  assert.equal(await bridge.call(undefined, 'work', null, { onProgress }), 'done');
  assert.deepEqual(seen, [1, 2]);
  assert.deepEqual(reported, ['listener']);
});

test('an abort before the call posts nothing', async () => {
  let called = 0;
  const { bridge } = connected({ work: () => called++, other: () => {} });
  const reason = new Error('enough');
  await assert.rejects(bridge.call(AbortSignal.abort(reason), 'work', null), reason);
  await bridge.call(undefined, 'other', null);
  assert.equal(called, 0);
});

test('an abort during the call rejects at once with the reason and reaches the function', async () => {
  let reached;
  const aborted = new Promise((resolve) => (reached = resolve));
  const { bridge } = connected({ work: (_, { signal }) => until(signal).catch((error) => (reached(error.name), Promise.reject(error))) });
  const controller = new AbortController();
  const reason = new Error('enough');
  const call = bridge.call(controller.signal, 'work', null);
  controller.abort(reason);
  await assert.rejects(call, reason);
  assert.equal(await aborted, 'AbortError');
});

test('an abort after the call does nothing', async () => {
  const { bridge } = connected({ work: () => 1 });
  const controller = new AbortController();
  assert.equal(await bridge.call(controller.signal, 'work', null), 1);
  controller.abort();
  assert.equal(await bridge.call(undefined, 'work', null), 1);
});

test('what is in transfer changes hands, both ways', async () => {
  const { bridge } = connected({
    double(numbers, { transfer }) {
      const out = numbers.map((n) => 2 * n);
      transfer.push(out.buffer);
      return out;
    },
  });
  const numbers = Float32Array.of(1, 2);
  assert.deepEqual(await bridge.call(undefined, 'double', numbers, { transfer: [numbers.buffer] }), Float32Array.of(2, 4));
  assert.equal(numbers.length, 0);
});

test('what cannot be posted rejects, in arguments and in answers', async () => {
  const { bridge } = connected({ echo: () => () => {} });
  await assert.rejects(
    bridge.call(undefined, 'echo', () => {}),
    { name: 'DataCloneError' },
  );
  await assert.rejects(bridge.call(undefined, 'echo', null), { name: 'DataCloneError' });
});

test('when the other end dies everything pending rejects, and so does every later call', async () => {
  const { bridge, die, fatal } = connected({ work: (_, { signal }) => until(signal) });
  const calls = [bridge.call(undefined, 'work', null), bridge.call(undefined, 'work', null)];
  die(Object.assign(new Error('panic: out of luck'), { name: 'EngineError' }));
  for (const call of calls) await assert.rejects(call, { name: 'EngineError', message: 'panic: out of luck' });
  await assert.rejects(bridge.call(undefined, 'work', null), { name: 'EngineError' });
  assert.equal(fatal.length, 1);
});
