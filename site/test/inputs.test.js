import assert from 'node:assert/strict';
import { test } from 'node:test';

import { takeAll } from '../clipside/inputs.js';

test("an ImageData that does not say what its colours are, as Firefox's do not, is of sRGB", async () => {
  const image = /** @type {ImageData} */ (
    /** @type {unknown} */ ({ width: 1, height: 1, data: new Uint8ClampedArray([1, 2, 3, 4]), [Symbol.toStringTag]: 'ImageData' })
  );
  const { sources } = await takeAll(undefined, [image], 0);
  assert.deepEqual(sources, [{ bytes: { width: 1, height: 1, colorSpace: 'srgb', data: image.data } }]);
});
