import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Buffers } from '../clipside/memory.js';

test('buffers are of the usual size, or as large as they must be', () => {
  const buffers = new Buffers(8);
  for (const [length, size] of [
    [0, 8],
    [8, 8],
    [9, 9],
  ]) {
    const bytes = buffers.take(length);
    assert.deepEqual([bytes.length, bytes.byteOffset, bytes.buffer.byteLength], [length, 0, size]);
  }
});

test('a buffer that was given back is used again where it suffices, and by one at a time', () => {
  const buffers = new Buffers(4);
  const [small, large] = [buffers.take(4), buffers.take(10)];
  buffers.give(small.buffer, large.buffer);
  assert.equal(buffers.take(5).buffer, large.buffer);
  assert.equal(buffers.take(3).buffer, small.buffer);
  assert.notEqual(buffers.take(3).buffer, small.buffer);
});
