// A model's manifest: asked after on every visit, since it alone keeps its name when the model changes.

import { download } from './download.js';
import { ModelError } from './errors.js';

/** No manifest is longer; the engine takes none that is. */
const longestManifest = 2 << 20;
/** How long an answer is waited for where all of the model is kept, which can do without. */
const hurryMs = 5_000;

/**
 * Ways to a model's manifest, the best first. Each is tried if the one before gave what the page did not pin.
 * @param {AbortSignal} signal
 * @param {Pick<import('./worker.js').OpenRequest, 'model' | 'cache' | 'integrity' | 'towers'>} request
 * @param {import('./store.js').ModelStore | string} store or why there is none
 * @returns {(() => Promise<Uint8Array<ArrayBuffer> | undefined>)[]} undefined where that way leads nowhere
 */
export function waysToManifest(signal, { model, cache, integrity, towers }, store) {
  const kept = async () => (typeof store === 'string' ? undefined : store.manifest());
  const network = async () => {
    const known = await kept();
    for (let hurry = known ? hurryMs : undefined; ; hurry = undefined) {
      try {
        return await fetchManifest(signal, model, cache ? 'no-cache' : 'no-store', hurry);
      } catch (error) {
        signal.throwIfAborted();
        if (!known || typeof store === 'string' || !(error instanceof ModelError) || (error.status ?? 500) < 500) throw error;
        // Without a network, or with a service worker or a proxy that answers in place of one, what was there on the last visit is still whole: every file is named by its hash. Only where a
        // file is missing, which needs the network too, is it worth more patience.
        if (hurry === undefined || (await store.hasAll(known, towers))) return known;
      }
    }
  };
  // What is pinned need not be asked after.
  return integrity ? [kept, network, () => fetchManifest(signal, model, 'reload')] : [network];
}

/**
 * @param {AbortSignal} signal
 * @param {string} model
 * @param {RequestCache} cache
 * @param {number} [hurryMs]
 */
async function fetchManifest(signal, model, cache, hurryMs) {
  const url = new URL('manifest.json', model).href;
  /** @type {Uint8Array<ArrayBuffer>} */
  let bytes;
  try {
    bytes = await download(signal, url, { limit: longestManifest, cache, hurryMs });
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
