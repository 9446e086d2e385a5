import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Counting } from '../clipside/counting.js';

/** @param {boolean} texts @param {number} pictures */
function counting(texts, pictures) {
  const told = [];
  return { counting: new Counting(texts, pictures, ({ loaded, total }) => told.push(`${loaded}/${total}`)), told };
}

test('texts count once the engine knows how many, pictures within their batches', () => {
  const { counting: c, told } = counting(true, 3);
  c.engine('texts', 0, 5);
  c.engine('texts', 4, 5);
  c.engine('texts', 5, 5);
  c.engine('pictures', 0, 2);
  c.engine('pictures', 1, 2);
  c.engine('pictures', 2, 2);
  c.batch(2);
  c.engine('texts', 0, 0);
  c.engine('pictures', 0, 1);
  c.engine('pictures', 1, 1);
  c.batch(1);
  c.end();
  assert.deepEqual(told, ['0/8', '4/8', '5/8', '6/8', '7/8', '8/8']);
});

test('pictures alone count from the start; a call with nothing to do tells nothing', () => {
  const pictures = counting(false, 2);
  pictures.counting.batch(2);
  pictures.counting.end();
  assert.deepEqual(pictures.told, ['0/2', '2/2']);
  const nothing = counting(true, 0);
  nothing.counting.engine('texts', 0, 0);
  nothing.counting.end();
  assert.deepEqual(nothing.told, []);
});

test('work that is done again, by a device with another memory, neither falls back nor changes the total', () => {
  const { counting: c, told } = counting(true, 2);
  c.engine('texts', 0, 3);
  c.engine('texts', 2, 3);
  c.engine('pictures', 1, 2);
  for (let done = 0; done <= 9; done++) c.engine('texts', done, 9);
  c.engine('pictures', 0, 2);
  c.engine('pictures', 2, 2);
  c.batch(2);
  c.end();
  assert.deepEqual(told, ['0/5', '2/5', '3/5', '4/5', '5/5']);
});
