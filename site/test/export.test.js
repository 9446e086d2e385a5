import assert from 'node:assert/strict';
import test from 'node:test';

import { toCSV, toJSON, toText } from '../page/export.js';

/** @param {string} picture @param {...[string, number]} scores */
const results = (picture, ...scores) => ({
  model: 'starter',
  template: '{}',
  pictures: [{ picture, scores: scores.map(([label, score]) => ({ label, score })) }],
});

test('CSV quotes what would break its lines and disarms what a spreadsheet would compute', () => {
  for (const [text, cell] of [
    ['cat.jpg', 'cat.jpg'],
    ['a, b', '"a, b"'],
    ['say "cheese"', '"say ""cheese"""'],
    ['two\nlines', '"two\nlines"'],
    ['=HYPERLINK("http://example.org")', '"\'=HYPERLINK(""http://example.org"")"'],
    ['@SUM(1)', "'@SUM(1)"],
    ['+1', "'+1"],
    ['-1+1', "'-1+1"],
    ['Café ☕', 'Café ☕'],
  ]) {
    assert.equal(toCSV(results(text, ['cat', 0.5])), `picture,label,score\r\n${cell},cat,0.5\r\n`);
    assert.equal(toCSV(results('a', [text, 1e-7])), `picture,label,score\r\na,${cell},1e-7\r\n`);
  }
});

test('JSON is everything, text the five best', () => {
  /** @type {[string, number][]} */
  const scores = Array.from({ length: 7 }, (_, i) => [`label ${i}`, 0.3 - i / 25]);
  const given = results('a.png', ...scores);
  assert.deepEqual(JSON.parse(toJSON(given)), given);
  assert.equal(toText(given), 'a.png: label 0 30.0%, label 1 26.0%, label 2 22.0%, label 3 18.0%, label 4 14.0%');
});
