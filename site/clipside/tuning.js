// What the engine has measured of an adapter, kept between visits: which kernel variant makes which matrix product
// fastest. A small file an adapter in the origin private file system; without one it is measured anew.

import { ask, hex } from './store.js';

/**
 * @param {string} adapter
 * @returns {Promise<FileSystemFileHandle>} rejects where the browser keeps no files for pages
 */
async function fileOf(adapter) {
  const name = hex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(adapter)));
  const directory = await ask(await navigator.storage.getDirectory(), (root) =>
    root.getDirectoryHandle('clipside-tuning', { create: true }),
  );
  return ask(directory, (directory) => directory.getFileHandle(name, { create: true }));
}

/**
 * @param {string} adapter
 * @returns {Promise<string>} empty if nothing is known
 */
export async function readTuning(adapter) {
  try {
    return await (await ask(await fileOf(adapter), (file) => file.getFile())).text();
  } catch {
    return '';
  }
}

/**
 * @param {string} adapter
 * @param {string} tuning
 * @returns {Promise<void>}
 */
export async function writeTuning(adapter, tuning) {
  try {
    const access = await ask(await fileOf(adapter), (/** @type {any} */ file) => file.createSyncAccessHandle()); // TypeScript knows it in Workers only
    try {
      access.truncate(0);
      access.write(new TextEncoder().encode(tuning), { at: 0 });
    } finally {
      access.close();
    }
  } catch {
    // It costs the next visit a moment, and nothing else.
  }
}
