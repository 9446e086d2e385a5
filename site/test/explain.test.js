import assert from 'node:assert/strict';
import test from 'node:test';

import { ModelError } from '../clipside/errors.js';
import { explainModelError } from '../page/errors.js';

test('a model is said not to be there only if its manifest is not', () => {
  for (const [file, status, what] of /** @type {const} */ ([
    ['manifest.json', 404, 'There is no model “b32” on this site.'],
    ['manifest.json', 200, 'There is no model “b32” on this site.'],
    ['manifest.json', 503, 'The model “b32” could not be loaded.'],
    ['0.zst', 404, 'The model “b32” could not be loaded.'],
  ])) {
    const error = new ModelError('It did not come.', { url: `http://example.org/models/b32/${file}`, status });
    assert.equal(explainModelError(error, 'b32').what, what);
  }
  assert.equal(explainModelError(new ModelError('It did not come.'), 'b32').what, 'The model “b32” could not be loaded.');
});
