import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readFolders } from '../page/folder.js';

const unreadable = new DOMException('it has gone', 'NotFoundError');

/** @param {string} name */
const file = (name, type = 'image/png') => ({ name, isDirectory: false, file: (resolve) => resolve(new File(['x'], name, { type })) });
const gone = (name) => ({ name, isDirectory: false, file: (_, reject) => reject(unreadable) });
const folder = (name, ...parts) => ({
  name,
  isDirectory: true,
  // Browsers give a folder's entries in parts.
  createReader: () => ({ readEntries: (resolve) => resolve(parts.splice(0, 2)) }),
});
const locked = (name) => ({ name, isDirectory: true, createReader: () => ({ readEntries: (_, reject) => reject(unreadable) }) });

test("pictures of folders come in the order of their paths, and what is the system's is left alone", async () => {
  const { pictures, leftOut } = await readFolders([
    folder(
      'b',
      file('10.png'),
      file('9.png'),
      file('notes.txt', 'text/plain'),
      folder('.thumbnails', file('9.png')),
      file('Thumbs.db', ''),
    ),
    file('a.heic', ''),
  ]);
  assert.deepEqual([pictures.map(({ name }) => name), leftOut], [['9.png', '10.png', 'a.heic'], 1]);
});

test('what cannot be read is left out, and the rest is taken', async () => {
  const { pictures, leftOut } = await readFolders([folder('a', locked('b'), gone('c.png'), file('d.png'))]);
  assert.deepEqual([pictures.map(({ name }) => name), leftOut], [['d.png'], 2]);
  await assert.rejects(readFolders([folder('a', locked('b'))]), unreadable);
});

test('pictures beyond the most that are taken at once are counted apart from other files', async () => {
  const all = Array.from({ length: 502 }, (_, n) => file(`${n}.png`));
  const { pictures, beyond, leftOut } = await readFolders([folder('a', ...all, file('notes.txt', 'text/plain'))]);
  assert.deepEqual([pictures.length, beyond, leftOut], [500, 2, 1]);
});
