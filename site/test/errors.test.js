import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as errors from '../clipside/errors.js';

const { fromWire, toWire } = errors;
const across = (/** @type {unknown} */ error) => fromWire(structuredClone(toWire(error)));

test('every public class arrives as itself, with message, cause and stack', () => {
  const classes = Object.values(errors).filter((value) => value.prototype instanceof Error);
  assert.equal(classes.length, 7);
  for (const Class of [...classes, TypeError, RangeError]) {
    const sent = new Class('what happened', { cause: new RangeError('why') });
    const got = across(sent);
    assert.equal(got.constructor, Class);
    assert.equal(got.name, Class.name);
    assert.equal(got.message, 'what happened');
    assert.equal(got.stack, sent.stack);
    assert.ok(got.cause instanceof RangeError);
    assert.equal(got.cause.message, 'why');
  }
});

test('an error without a cause arrives without one', () => {
  assert.equal(Object.hasOwn(across(new errors.ModelError('m')), 'cause'), false);
});

test('fields of a class arrive', () => {
  const model = across(new errors.ModelError('m', { url: 'https://x/', status: 404 }));
  assert.deepEqual([model.url, model.status], ['https://x/', 404]);
  const image = across(new errors.ImageDecodeError('m', { index: 0, status: 500 }));
  assert.deepEqual([image.index, image.status], [0, 500]);
});

test('an error of the right name from elsewhere becomes the class', () => {
  assert.ok(across(Object.assign(new Error('m'), { name: 'DeviceLostError' })) instanceof errors.DeviceLostError);
});

test('DOMExceptions stay such', () => {
  const got = across(new DOMException('stop', 'AbortError'));
  assert.ok(got instanceof DOMException);
  assert.deepEqual([got.name, got.message], ['AbortError', 'stop']);
});

test('unknown names, things that are no errors, and endless causes are survived', () => {
  assert.equal(across(Object.assign(new Error('m'), { name: 'OddError' })).name, 'OddError');
  for (const name of ['constructor', '__proto__', 'toString']) assert.equal(across(Object.assign(new Error('m'), { name })).message, 'm');
  assert.equal(across('text').message, 'text');
  assert.equal(across(null).message, 'null');
  const own = new Error('m');
  own.cause = own;
  assert.equal(across(own).cause.message, 'm');
});
