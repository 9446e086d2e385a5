import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decode } from '../clipside/pictures.js';

test('a picture of more pixels than the engine takes is refused by its size', async () => {
  const empty = { colorSpace: /** @type {const} */ ('srgb'), data: new Uint8ClampedArray() };
  const largest = await decode({ bytes: { width: 2 ** 14, height: 2 ** 14, ...empty } }, 0, 224);
  assert.equal(largest.pixels, 2 ** 28);
  await assert.rejects(decode({ bytes: { width: 2 ** 14, height: 2 ** 14 + 1, ...empty } }, 0, 224), {
    name: 'ImageDecodeError',
    message: 'The picture has 269 million pixels, and at most 268 are read: make it smaller.',
  });
});
