import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (/** @type {string} */ file) => readFileSync(new URL(`../npm/docs/${file}`, import.meta.url), 'utf8');

/**
 * The anchors that a renderer gives a file's headings.
 * @param {string} file
 */
function anchorsOf(file) {
  /** @type {Map<string, number>} */
  const taken = new Map();
  const text = read(file).replaceAll(/^```.*?^```/gms, '');
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    const count = taken.get(slug) ?? 0;
    taken.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}

test('every link of the reference leads to a heading', () => {
  for (const file of ['README.md', 'clipside.md', 'pipeline.md', 'widget.md', 'elements.md']) {
    for (const [, link] of read(file).matchAll(/\]\(([^)]+)\)/g)) {
      const [to, anchor] = link.split('#');
      if (to.startsWith('http') || !anchor) continue;
      assert.ok(anchorsOf(to || file).includes(anchor), `${file} links to ${link}`);
    }
  }
});
