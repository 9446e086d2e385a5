import assert from 'node:assert/strict';
import test from 'node:test';

import { describeOffer } from '../page/offer.js';

const whole = { name: 'b32', url: 'http://example.org/models/b32/', bytes: 1, total: 1, integrity: 'x', missing: [] };
/** @param {...number} sizes */
const lacking = (...sizes) => ({ ...whole, missing: sizes.map((bytes, i) => ({ file: `${i}.zst`, bytes })) });
const situation = { model: 'b32', size: 250e6, kept: undefined, online: true, metered: false };

test('what is offered says what is missing, how large it is, and what can be done', () => {
  for (const [change, text, action] of /** @type {const} */ ([
    [{}, /fetched with your first picture/, 'Get the model (250 MB)'],
    [{ size: 0 }, /fetched with your first picture/, 'Get the model'],
    [{ kept: { ...whole, bytes: 220e6, total: 220e6, integrity: '' } }, /fetched with your first picture/, 'Get the missing 30.0 MB'],
    [{ metered: true }, /saves data/, 'Get the model (250 MB)'],
    [{ online: false }, /offline, and the b32 model \(250 MB\) is not here/, ''],
    [{ kept: lacking(2e6) }, /^1 file of the b32 model is missing here\.$/, 'Get the missing 2.0 MB'],
    [{ kept: lacking(2e6, 1e6), metered: true }, /^2 files of the b32 model are missing here\.$/, 'Get the missing 3.0 MB'],
    [{ kept: lacking(2e6, 1e6), online: false }, /offline, and 2 files .* are missing here: connect it once to fetch 3\.0 MB/, ''],
  ])) {
    const offer = describeOffer({ ...situation, ...change });
    assert.match(offer.text, text);
    assert.equal(offer.action, action);
  }
});
