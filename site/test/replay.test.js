import assert from 'node:assert/strict';
import { test } from 'node:test';

import { done, read, room, unload } from '../clipside/replay.js';

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

/** A buffer that is mapped a while after it was asked to be. */
class MappedBuffer {
  /** @type {'unmapped' | 'pending' | 'mapped' | 'destroyed'} */
  mapState = 'unmapped';

  constructor(/** @type {{ size: number }} */ { size }) {
    this.size = size;
    this.bytes = new ArrayBuffer(size);
  }

  async mapAsync() {
    this.mapState = 'pending';
    await pause(1);
    if (this.mapState === 'pending') this.mapState = 'mapped';
  }

  getMappedRange(/** @type {number} */ at, /** @type {number} */ size) {
    assert.equal(this.mapState, 'mapped');
    assert.ok(at + size <= this.size);
    return this.bytes.slice(at, at + size);
  }

  unmap() {
    assert.equal(this.mapState, 'mapped');
    this.mapState = 'unmapped';
  }

  destroy() {
    this.mapState = 'destroyed';
  }
}

test('many bytes are put into memory that is mapped between calls, once it is, and that grows', async () => {
  /** @type {MappedBuffer[]} */
  const made = [];
  /** @type {unknown[]} */
  const copied = [];
  /** @type {object | null} */
  let refused = null;
  const d = /** @type {any} */ ({
    pushErrorScope() {},
    popErrorScope: async () => refused,
    createBuffer(/** @type {any} */ descriptor) {
      made.push(new MappedBuffer(descriptor));
      return made[made.length - 1];
    },
    createCommandEncoder: () => ({
      copyBufferToBuffer: (/** @type {unknown[]} */ ...copy) => copied.push(copy),
      finish: () => 'commands',
    }),
    queue: { submit: (/** @type {unknown[]} */ commands) => assert.deepEqual(commands, ['commands']) },
  });
  const target = /** @type {any} */ ('target');

  assert.equal(room(d, 100), null);
  assert.equal(room(d, 100), null, 'it is not mapped yet');
  await pause(5);
  assert.equal(room(d, 80)?.length, 80);
  unload(d, target, 20, 80);
  assert.deepEqual(copied, [[made[0], 0, target, 20, 80]]);
  assert.equal(room(d, 100), null, 'the GPU may still read it');
  await pause(5);
  assert.equal(room(d, 100)?.length, 100);

  assert.equal(room(d, 200), null);
  const states = () => made.map(({ mapState }) => mapState);
  await Promise.resolve();
  assert.deepEqual(states(), ['destroyed', 'pending']);
  await pause(5);
  assert.equal(room(d, 200)?.length, 200);

  refused = { message: 'out of memory' };
  assert.equal(room(d, 300), null);
  await pause(5);
  assert.deepEqual(states(), ['destroyed', 'destroyed', 'unmapped'], 'what there is no memory for is not mapped');
  assert.equal(room(d, 300), null);
});
