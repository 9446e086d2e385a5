import assert from 'node:assert/strict';
import { test } from 'node:test';

import { done, read } from '../clipside/replay.js';

/** A device whose browser looks whether the GPU is done only when something is submitted, as Firefox does for 100 ms. */
function device(/** @type {number} */ looksNeeded) {
  let looks = 0;
  /** @type {() => void} */
  let resolve;
  const finished = new Promise((r) => (resolve = () => r(undefined)));
  const bytes = Uint8Array.of(1, 2, 3, 4);
  return {
    get looks() {
      return looks;
    },
    queue: {
      /** @param {unknown[]} commands */
      submit(commands) {
        assert.deepEqual(commands, []);
        if (++looks === looksNeeded) resolve();
      },
      onSubmittedWorkDone: () => finished,
    },
    buffer: { mapAsync: () => finished, getMappedRange: () => bytes.buffer, unmap() {} },
  };
}

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('a read-back has the browser look until the GPU is done, and no longer', async () => {
  const d = device(3);
  assert.deepEqual([...(await read(/** @type {any} */ (d), /** @type {any} */ (d.buffer), 4))], [1, 2, 3, 4]);
  await pause(20);
  assert.equal(d.looks, 3);
});

test('so does waiting for what was written', async () => {
  const d = device(2);
  await done(/** @type {any} */ (d));
  await pause(20);
  assert.equal(d.looks, 2);
});

test('nor does it look on for a buffer that cannot be mapped', async () => {
  const d = device(Infinity);
  const failed = { ...d.buffer, mapAsync: () => Promise.reject(new Error('the device is lost')) };
  await assert.rejects(read(/** @type {any} */ (d), /** @type {any} */ (failed), 4), /lost/);
  await pause(20);
  assert.equal(d.looks, 0);
});
