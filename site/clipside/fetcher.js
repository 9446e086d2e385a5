// A Worker beside the engine's. It fetches one model's files, checks their hashes, keeps them, and decodes those of a
// large model, so that the engine's thread is left with filling the device.

import { serve } from './bridge.js';
import { startEngine } from './engine.js';
import { Buffers } from './memory.js';
import { form, modelFiles, openStore } from './sources.js';

/** @typedef {import('./bridge.js').CallContext} CallContext */
/** @typedef {import('./engine.js').BundleFile} BundleFile */
/** @typedef {import('./engine.js').Engine} Engine */
/** @typedef {import('./engine.js').Form} Form */

/** @typedef {typeof methods} FetcherMethods */

/** A file's progress is told so often at most; its end is told by the answer. */
const intervalMs = 50;

/**
 * A model of so many bytes is decoded here. To start an engine for it takes as long as 10 MB of it to decode, and 22 MB
 * of memory.
 */
const largeModel = 64e6;

/** As much as a chunk takes, stored or decoded. */
const buffers = new Buffers((4 << 20) + (32 << 10));

/** @type {import('./sources.js').ModelFiles} */
let files;

/** For a large model. @type {(() => Promise<Engine>) | undefined} */
let startDecoder;

/** Started with the first request, which does not wait for it. @type {Promise<Engine> | undefined} */
let decoder;

/** Who is told how far a file is. @type {Map<string, (bytes: number) => void>} */
const listeners = new Map();

const methods = {
  /**
   * To be called once, before the others.
   * @param {{ model: string, cache: boolean, total: number, code: WebAssembly.Module | undefined }} request code is the engine's
   */
  async open({ model, cache, total, code }) {
    if (total >= largeModel) startDecoder = () => startEngine(declareDead, code);
    const received = (/** @type {BundleFile} */ { file }, /** @type {number} */ bytes) => listeners.get(file)?.(bytes);
    files = await modelFiles(model, await openStore(model, cache), total, received, buffers);
  },

  /**
   * @param {{ file: BundleFile, fresh: boolean, spare: ArrayBuffer[] }} request with memory of earlier answers that is not needed any more
   * @param {CallContext} context whose progress is the number of bytes that have come over the network
   * @returns {Promise<{ bytes: Uint8Array<ArrayBuffer>, form: Form, cached: boolean }>}
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
      const arriving = files.source(signal, file, { fresh });
      decoder ??= startDecoder?.();
      decoder?.catch(() => {}); // told by every chunk
      const { bytes, cached } = await arriving;
      if (!decoder || file.kind === 'tokenizer') {
        transfer.push(bytes.buffer);
        return { bytes, form, cached };
      }
      const { decode } = await decoder;
      signal.throwIfAborted();
      const values = buffers.take(file.raw);
      await decode(file, bytes, form, values);
      buffers.give(bytes.buffer);
      transfer.push(values.buffer);
      return { bytes: values, form: 'decoded', cached };
    } finally {
      listeners.delete(file.file);
    }
  },

  /** @returns {{ kept: boolean, reason: string }} */
  storage() {
    return files.storage();
  },
};

const declareDead = serve(self, methods);
