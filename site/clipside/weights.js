// The loader: a model's files to the engine, in the order in which it named them, several on the way at once.

import { ModelError } from './errors.js';
import { anySignal } from './signals.js';

/** @typedef {import('./engine.js').BundleFile} BundleFile */

/**
 * How many files are on the way or waiting for their turn, beside the one that is being delivered. With chunks of at
 * most 4 MiB it bounds the memory too. One more than comes over the network at a time: those share a link evenly, so
 * that they are there at about the same moment, and the link would be idle until the first of them is delivered.
 */
const ahead = 5;

/** No file of a bundle is longer; the engine has checked the manifest by its own bounds before. */
const longestFile = 64 << 20;

/**
 * What came of a file, and what is to be called when it is needed no more.
 * @typedef {{ bytes: Uint8Array<ArrayBuffer>, done: () => void }} Arrived
 */

/**
 * Where a file comes from: the network, or whatever is put before it. It must give all of the file that the manifest
 * says, or reject. With fresh it must pass by every cache, since what it gave before was wrong.
 * @callback Source
 * @param {AbortSignal} signal
 * @param {BundleFile} file
 * @param {{ fresh: boolean }} options
 * @returns {Promise<Arrived>}
 */

/**
 * Loads all files.
 * @param {AbortSignal} signal
 * @param {readonly BundleFile[]} files
 * @param {Source} source
 * @param {(file: BundleFile, arrived: Arrived) => Promise<void>} deliver checks and takes a file; called for one at a time, in order. The bytes are its own only until it settles. Rejects with an IntegrityError where the bytes are not the file's
 * @returns {Promise<void>} settled only when nothing is on the way any more
 * @throws an IntegrityError if a file is wrong even when fetched past every cache
 * @throws what source or deliver rejected with first, or the signal's reason
 */
export async function loadWeights(signal, files, source, deliver) {
  for (const file of files) {
    if (!(file.stored >= 0 && file.stored <= longestFile))
      throw new ModelError(`${file.file} would have ${file.stored} bytes; no file of a bundle may have more than ${longestFile}.`);
  }
  const stop = new AbortController();
  const either = anySignal([signal, stop.signal]);
  /** @type {Promise<Arrived>[]} what is on the way, in order; the first is the next to be delivered */
  const queue = [];
  let requested = 0;
  const request = () => {
    if (requested === files.length) return;
    const arriving = source(either, files[requested++], { fresh: false });
    arriving.catch(() => {}); // looked at when its turn comes
    queue.push(arriving);
  };
  try {
    for (let i = 0; i < ahead; i++) request();
    for (const file of files) {
      const arriving = /** @type {Promise<Arrived>} */ (queue.shift());
      // Its place is another's while it is delivered, or the network would be idle for as long.
      arriving.then(request, () => {});
      // A failure further back ends the load no later than its turn; until then what is before it is not lost.
      await deliverChecked(either, file, arriving, source, deliver);
    }
  } finally {
    stop.abort();
    await Promise.allSettled(queue);
  }
}

/**
 * @param {AbortSignal} signal
 * @param {BundleFile} file
 * @param {Promise<Arrived>} arriving
 * @param {Source} source
 * @param {(file: BundleFile, arrived: Arrived) => Promise<void>} deliver
 */
async function deliverChecked(signal, file, arriving, source, deliver) {
  for (let fresh = false; ; fresh = true) {
    try {
      const arrived = await (fresh ? source(signal, file, { fresh }) : arriving);
      try {
        signal.throwIfAborted();
        return await deliver(file, arrived);
      } finally {
        arrived.done();
      }
    } catch (error) {
      signal.throwIfAborted();
      // By name: the engine's errors are not of the class.
      if (fresh || !(error instanceof Error && error.name === 'IntegrityError')) throw error;
    }
  }
}
