// The engine's way to a model's files: by a Worker that fetches them, or by itself where there can be none.

import { Bridge } from './bridge.js';
import { EngineError } from './errors.js';
import { Buffers, release } from './memory.js';
import { modelFiles } from './sources.js';

/** @typedef {import('./bridge.js').Bridge<import('./fetcher.js').FetcherMethods>} FetcherBridge */
/** @typedef {import('./engine.js').BundleFile} BundleFile */
/** @typedef {import('./progress.js').Progress} Progress */
/** @typedef {import('./store.js').ModelStore} ModelStore */
/** @typedef {import('./weights.js').Source} Source */

/**
 * @typedef {object} Fetching
 * @property {Source} source of checked files
 * @property {() => Promise<{ kept: boolean, reason: string }>} storage whether what comes is kept for the next visit, and why not
 * @property {() => void} end
 */

/**
 * @param {{ model: string, cache: boolean }} request
 * @param {ModelStore | string} store or why there is none
 * @param {number} total bytes of the files that may be asked for
 * @param {Progress} progress
 * @returns {Promise<Fetching>}
 */
export async function fetching({ model, cache }, store, total, progress) {
  const told = (/** @type {BundleFile} */ { kind, index }, /** @type {number} */ bytes, /** @type {boolean} */ cached) =>
    progress.received(`${kind}/${index}`, bytes, cached);
  try {
    return await byWorker(model, cache, total, told);
  } catch (error) {
    // A Worker's script must be of the page's origin, and some bundlers and hosts leave it behind.
    console.warn(`clipside: the engine fetches the model itself, which takes longer: ${/** @type {Error} */ (error).message}`);
    const { source, storage } = await modelFiles(model, store, total, (file, bytes) => told(file, bytes, false), new Buffers(0));
    return {
      source: async (signal, file, options) => {
        const { bytes, cached } = await source(signal, file, options);
        told(file, file.stored, cached);
        return { bytes, done: () => release(bytes) };
      },
      storage: async () => storage(),
      end: () => {},
    };
  }
}

/** A Worker that fetches, and what it is called through. */
class Fetcher {
  #worker = new Worker(new URL('./fetcher.js', import.meta.url), { type: 'module', name: 'clipside fetcher' });
  /** @type {FetcherBridge} */
  bridge = new Bridge(this.#worker, () => {});

  constructor() {
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault(); // the rejections tell it
      this.bridge.close(new EngineError(`The Worker that fetches the model stopped: ${event.message || 'it could not be loaded'}.`));
    });
  }

  end() {
    this.#worker.terminate();
  }
}

/** For the first model: it starts while the engine does. @type {Fetcher | undefined} */
let spare;
try {
  spare = new Fetcher();
} catch {
  // found out again when it is needed
}

/**
 * @param {string} model
 * @param {boolean} cache
 * @param {number} total
 * @param {(file: BundleFile, bytes: number, cached: boolean) => void} told
 * @returns {Promise<Fetching>}
 */
async function byWorker(model, cache, total, told) {
  const fetcher = spare ?? new Fetcher();
  spare = undefined;
  const { bridge } = fetcher;
  try {
    await bridge.call(undefined, 'open', { model, cache, total });
  } catch (error) {
    fetcher.end();
    throw error;
  }
  /** @type {ArrayBuffer[]} */
  let used = [];
  return {
    source: async (signal, file, { fresh }) => {
      const transfer = used;
      used = [];
      const onProgress = (/** @type {number} */ bytes) => told(file, bytes, false);
      const { bytes, cached } = await bridge.call(signal, 'file', { file, fresh, spare: transfer }, { transfer, onProgress });
      told(file, file.stored, cached);
      return { bytes, done: () => void used.push(bytes.buffer) };
    },
    storage: () => bridge.call(undefined, 'storage', undefined),
    end: () => fetcher.end(),
  };
}
