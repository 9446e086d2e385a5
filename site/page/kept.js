import { listModels } from '../clipside/store.js';

/** @typedef {import('../clipside.js').StoredModel} StoredModel */

/**
 * A model that this site offers, as models/index.json lists it.
 *
 * @typedef {{name: string, path: string, bytes: number, license?: string}} OfferedModel
 */

/** The address of a model's directory, by which its files are kept. @param {string} path below models/ */
export const modelAddress = (path) => new URL(`models/${path.replace(/\/$/, '')}/`, document.baseURI).href;

/**
 * What this browser has of a model.
 *
 * @param {string} address
 * @returns {Promise<StoredModel|undefined>}
 */
export async function findKept(address) {
  return (await keptModels()).find(({ url }) => url === address);
}

/** @returns {Promise<StoredModel[]>} none where the browser keeps nothing, or withholds it */
export function keptModels() {
  return listModels().catch(() => []);
}

/** Whether a model needs no network any more. @param {StoredModel|undefined} kept */
export const isWhole = (kept) => kept !== undefined && kept.integrity !== '' && kept.missing.length === 0;

/** @param {StoredModel} kept */
export const missingBytes = (kept) => kept.missing.reduce((sum, { bytes }) => sum + bytes, 0);

/** @type {Promise<OfferedModel[]>|null} */
let offered = null;

/** @returns {Promise<OfferedModel[]>} none where the list cannot be had */
export function offeredModels() {
  offered ??= fetch('models/index.json')
    .then((response) => (response.ok ? response.json() : []))
    .catch(() => {
      offered = null;
      return [];
    });
  return offered;
}

/**
 * Whether the site has another version of a model than the one that is kept.
 *
 * @param {StoredModel} kept
 */
export async function isOutdated(kept) {
  try {
    const response = await fetch(new URL('manifest.json', kept.url), { cache: 'no-cache' });
    if (!response.ok) return false;
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', await response.arrayBuffer()));
    return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('') !== kept.integrity;
  } catch {
    return false;
  }
}
