// A model's manifest: asked after on every visit, since it alone keeps its name when the model changes.

import { download } from './download.js';
import { ModelError } from './errors.js';

/** No manifest is longer; the engine takes none that is. */
const longestManifest = 2 << 20;

/**
 * Ways to a model's manifest, the best first. Each is tried if the one before gave what the page did not pin.
 * @param {AbortSignal} signal
 * @param {{ model: string, cache: boolean, integrity: string }} request
 * @param {import('./store.js').ModelStore | string} store or why there is none
 * @returns {(() => Promise<Uint8Array<ArrayBuffer> | undefined>)[]} undefined where that way leads nowhere
 */
export function waysToManifest(signal, { model, cache, integrity }, store) {
  const kept = async () => (typeof store === 'string' ? undefined : store.manifest());
  const network = async () => {
    try {
      return await fetchManifest(signal, model, cache ? 'no-cache' : 'no-store');
    } catch (error) {
      signal.throwIfAborted();
      // Without a network, what was there on the last visit is still whole: every file is named by its hash.
      const known = error instanceof ModelError && error.status === undefined && (await kept());
      if (known) return known;
      throw error;
    }
  };
  // What is pinned need not be asked after.
  return integrity ? [kept, network, () => fetchManifest(signal, model, 'reload')] : [network];
}

/**
 * @param {AbortSignal} signal
 * @param {string} model
 * @param {RequestCache} cache
 */
async function fetchManifest(signal, model, cache) {
  const url = new URL('manifest.json', model).href;
  /** @type {Uint8Array<ArrayBuffer>} */
  let bytes;
  try {
    bytes = await download(signal, url, { limit: longestManifest, cache });
  } catch (cause) {
    if (!(cause instanceof ModelError) || (cause.status !== 404 && cause.status !== 410)) throw cause;
    throw new ModelError(`There is no model at ${model}: its manifest.json answered HTTP ${cause.status}.`, {
      url,
      status: cause.status,
      cause,
    });
  }
  // Hosts of single-page apps answer any address with the app.
  if (/^\s*</.test(new TextDecoder().decode(bytes.subarray(0, 64)))) {
    throw new ModelError(`There is no model at ${model}: instead of manifest.json the server sent a web page.`, { url, status: 200 });
  }
  return bytes;
}
