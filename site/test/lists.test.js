import assert from 'node:assert/strict';
import test from 'node:test';

import { formatList, parseList } from '../widget/lists.js';
import { fill, registerStrings, stringsFor } from '../widget/strings.js';

test('a list is separated by commas or lines, or a JSON array', () => {
  for (const [text, list] of /** @type {[string | null, string[]][]} */ ([
    [null, []],
    ['', []],
    [' , ,', []],
    ['cat', ['cat']],
    ['a cat, a dog,\n something else ', ['a cat', 'a dog', 'something else']],
    ['["a cat, asleep", "a dog"]', ['a cat, asleep', 'a dog']],
    ['[1, "", " ", "two"]', ['1', 'two']],
    ['[sic], cat', ['[sic]', 'cat']],
    ['{"a": 1}', ['{"a": 1}']],
  ])) {
    assert.deepEqual(parseList(text), list, String(text));
  }
});

test('a list that was written is read as it was', () => {
  for (const list of [[], ['cat'], ['a cat', 'a dog'], ['cup, of coffee', 'tea'], ['[sic]'], ['["a"]'], ['two\nlines']]) {
    assert.deepEqual(parseList(formatList(list)), list, JSON.stringify(list));
  }
  assert.equal(formatList(['a cat', 'a dog']), 'a cat, a dog', 'readable where that is possible');
});

test('strings come from the element, the language, its mother tongue, English, in this order', () => {
  registerStrings('xx', { drop: 'xx drop', clear: 'xx clear' });
  registerStrings('xx-YY', { clear: 'yy clear' });
  registerStrings('XX', { retry: 'xx retry' });
  const { drop, clear, retry, search } = stringsFor('xx-yy', { search: 'own' });
  assert.deepEqual([drop, clear, retry, search], ['xx drop', 'yy clear', 'xx retry', 'own']);
  assert.equal(stringsFor('tlh', {}).clear, 'Clear');
});

test('both languages fill in the same values', () => {
  const german = stringsFor('de', {});
  for (const [key, text] of Object.entries(stringsFor('en', {}))) {
    const values = (/** @type {string} */ of) => (of.match(/\{\w+\}/g) ?? []).sort();
    assert.deepEqual(values(german[/** @type {keyof typeof german} */ (key)]), values(text), key);
  }
  assert.equal(fill('{name}: {label} {unknown}', { name: 'a', label: '$&' }), 'a: $& {unknown}');
});

test('a language has the strings of every shorter tag, the longest first', () => {
  registerStrings('zh', { drop: 'zh', choose: 'zh', clear: 'zh' });
  registerStrings('zh-Hant', { drop: 'zh-Hant', choose: 'zh-Hant' });
  registerStrings('zh-Hant-HK', { drop: 'zh-Hant-HK' });
  for (const [lang, own, want] of [
    ['zh-Hant-HK', {}, ['zh-Hant-HK', 'zh-Hant', 'zh']],
    ['zh-Hant-TW', {}, ['zh-Hant', 'zh-Hant', 'zh']],
    ['zh-Hans-CN', { choose: 'own' }, ['zh', 'own', 'zh']],
    ['fr', {}, ['Drop a picture here', 'Choose a picture', 'Clear']],
  ]) {
    const { drop, choose, clear } = stringsFor(lang, own);
    assert.deepEqual([drop, choose, clear], want, lang);
  }
});
