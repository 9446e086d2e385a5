// A Worker beside the engine's. It fetches one model's files, checks their hashes and keeps them, so that the engine's
// thread is left with decoding them and filling the device.

import { serve } from './bridge.js';
import { Buffers } from './memory.js';
import { modelFiles, openStore } from './sources.js';

/** @typedef {import('./bridge.js').CallContext} CallContext */
/** @typedef {import('./engine.js').BundleFile} BundleFile */

/** @typedef {typeof methods} FetcherMethods */

/** A file's progress is told so often at most; its end is told by the answer. */
const intervalMs = 50;

/** As much as any chunk takes. */
const buffers = new Buffers((4 << 20) + (32 << 10));

/** @type {import('./sources.js').ModelFiles} */
let files;

/** Who is told how far a file is. @type {Map<string, (bytes: number) => void>} */
const listeners = new Map();

const methods = {
  /**
   * To be called once, before the others.
   * @param {{ model: string, cache: boolean, total: number }} request
   */
  async open({ model, cache, total }) {
    const received = (/** @type {BundleFile} */ { file }, /** @type {number} */ bytes) => listeners.get(file)?.(bytes);
    files = await modelFiles(model, await openStore(model, cache), total, received, buffers);
  },

  /**
   * @param {{ file: BundleFile, fresh: boolean, spare: ArrayBuffer[] }} request with memory of earlier answers that is not needed any more
   * @param {CallContext} context whose progress is the number of bytes that have come over the network
   * @returns {Promise<{ bytes: Uint8Array<ArrayBuffer>, cached: boolean }>}
   */
  async file({ file, fresh, spare }, { signal, progress, transfer }) {
    buffers.give(...spare);
    let toldAt = performance.now();
    listeners.set(file.file, (bytes) => {
      if (performance.now() - toldAt < intervalMs) return;
      toldAt = performance.now();
      progress?.(bytes);
    });
    try {
      const { bytes, cached } = await files.source(signal, file, { fresh });
      transfer.push(bytes.buffer);
      return { bytes, cached };
    } finally {
      listeners.delete(file.file);
    }
  },

  /** @returns {{ kept: boolean, reason: string }} */
  storage() {
    return files.storage();
  },
};

serve(self, methods);
