import assert from 'node:assert/strict';
import { test } from 'node:test';

import { anySignal, unlessAborted } from '../clipside/signals.js';

for (const native of [true, false]) {
  test(`the first of several signals counts, with its reason (${native ? 'AbortSignal.any' : 'without it'})`, (t) => {
    const { any } = AbortSignal;
    if (!native) delete AbortSignal.any;
    t.after(() => (AbortSignal.any = any));
    const [a, b] = [new AbortController(), new AbortController()];
    const either = anySignal([a.signal, undefined, b.signal]);
    assert.equal(either.aborted, false);
    b.abort('b');
    a.abort('a');
    assert.equal(either.reason, 'b');
    assert.equal(anySignal([new AbortController().signal, a.signal]).reason, 'a');
  });
}

test('a wait ends with its signal, before, during and not after', async () => {
  const controller = new AbortController();
  assert.equal(await unlessAborted(controller.signal, Promise.resolve(1)), 1);
  const never = unlessAborted(controller.signal, new Promise(() => {}));
  controller.abort('enough');
  await assert.rejects(never, (reason) => reason === 'enough');
  await assert.rejects(unlessAborted(controller.signal, new Promise(() => {})), (reason) => reason === 'enough');
});
