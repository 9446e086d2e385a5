// Where a model's files come from: this browser's store, else the network. Each is checked against its hash.

import { download } from './download.js';
import { IntegrityError } from './errors.js';
import { Gate } from './gate.js';
import { hex, ModelStore, storageEstimate } from './store.js';

/** @typedef {import('./engine.js').BundleFile} BundleFile */
/** @typedef {import('./memory.js').Buffers} Buffers */

/**
 * Whether files are hashed before they are handed on. Where they cannot be, which is on pages without HTTPS, the engine
 * does it, more slowly.
 */
export const verified = globalThis.crypto?.subtle !== undefined;

/**
 * How many files come over the network at a time. Enough to hide a round trip of 80 ms at 1 Gbit/s, and fewer than the
 * six connections that HTTP/1.1 has to a host, so that the page's own requests are not held up.
 */
const connectionsAtOnce = 4;

/**
 * A model's files.
 * @typedef {object} ModelFiles
 * @property {(signal: AbortSignal, file: BundleFile, options: { fresh: boolean }) => Promise<{ bytes: Uint8Array<ArrayBuffer>, cached: boolean }>} source of checked files, where they can be checked. With fresh it passes by every cache. Cached says that the file was on this machine already
 * @property {() => { kept: boolean, reason: string }} storage whether what comes is kept for the next visit, and why not
 */

/**
 * @param {string} model URL of its directory
 * @param {ModelStore | string} store or why there is none
 * @param {number} total bytes of the files that may be asked for
 * @param {(file: BundleFile, bytes: number) => void} received told how many bytes of a file have come over the network
 * @param {Buffers} buffers for the files' bytes
 * @returns {Promise<ModelFiles>}
 */
export async function modelFiles(model, store, total, received, buffers) {
  if (typeof store === 'string') {
    // Files never change under their names, so that what the HTTP cache has need not be asked after.
    const network = fromNetwork(model, store === notWanted ? 'no-store' : 'force-cache', received, buffers);
    return {
      source: async (...args) => ({ bytes: await network(...args), cached: false }),
      storage: () => ({ kept: false, reason: store }),
    };
  }
  let full = await noRoom(store, total);
  // What the store keeps, the HTTP cache need not keep once more.
  const network = fromNetwork(model, 'no-store', received, buffers);
  /** @type {ModelFiles['source']} */
  const source = async (signal, file, { fresh }) => {
    const stored = async () => {
      const bytes = await store.read(file.file, buffers);
      return bytes && (await isIntact(file, bytes)) ? { bytes, cached: true } : undefined;
    };
    const kept = fresh ? undefined : await stored();
    if (kept) return kept;
    return store.alone(signal, file.file, async () => {
      // Another tab may have fetched it in the meantime.
      const arrived = fresh ? undefined : await stored();
      if (arrived) return arrived;
      const bytes = await network(signal, file, { fresh });
      if (!full) {
        try {
          await store.write(file.file, bytes);
        } catch (error) {
          const { name, message } = /** @type {Error} */ (error);
          full = name === 'QuotaExceededError' ? noRoomLeft : `The browser could not keep the model: ${message}`;
        }
      }
      return { bytes, cached: false };
    });
  };
  return { source, storage: () => ({ kept: !full, reason: full }) };
}

/**
 * @param {string} url of the model's directory
 * @param {boolean} wanted
 * @returns {Promise<ModelStore | string>} or why there is none
 */
export async function openStore(url, wanted) {
  if (!wanted) return notWanted;
  if (!verified) return 'The browser keeps no models for pages without HTTPS.';
  try {
    return await ModelStore.open(url);
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    return name === 'QuotaExceededError' ? noRoomLeft : `The browser keeps no models: ${message}`;
  }
}

const notWanted = 'The page asked not to keep the model.';
const noRoomLeft = 'The browser has no room left for the model; it stays in memory.';

/**
 * @param {ModelStore} store
 * @param {number} total bytes that it is to hold
 * @returns {Promise<string>} empty if there is room, or if the browser does not say
 */
async function noRoom(store, total) {
  try {
    const { usage, quota } = await storageEstimate();
    return quota > 0 && quota - usage < total - (await store.bytes()) ? noRoomLeft : '';
  } catch {
    return '';
  }
}

/**
 * @param {string} model URL of its directory
 * @param {RequestCache} cache
 * @param {(file: BundleFile, bytes: number) => void} received
 * @param {Buffers} buffers
 * @returns {(signal: AbortSignal, file: BundleFile, options: { fresh: boolean }) => Promise<Uint8Array<ArrayBuffer>>}
 */
function fromNetwork(model, cache, received, buffers) {
  const connections = new Gate(connectionsAtOnce);
  return async (signal, file, { fresh }) => {
    const url = new URL(file.file, model).href;
    const bytes = await connections.run(signal, () =>
      download(signal, url, {
        limit: file.stored,
        size: file.stored,
        memory: () => buffers.take(file.stored).buffer,
        cache: fresh && cache !== 'no-store' ? 'reload' : cache,
        onBytes: (count) => received(file, count),
      }),
    );
    if (verified && !(await isIntact(file, bytes)))
      throw new IntegrityError(`${url} is damaged: its bytes are not those that the manifest names (SHA-256).`);
    return bytes;
  };
}

/**
 * @param {BundleFile} file which is named by its hash; the engine has made sure of that
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function isIntact({ file, stored }, bytes) {
  return bytes.length === stored && hex(await crypto.subtle.digest('SHA-256', bytes)) === file.slice(0, 64);
}
