// Long lists of pictures in bounded memory: a photo of 12 megapixels is 48 MB once decoded, so a hundred of them are
// never decoded at once. While the engine works on one batch, the next is decoded.

import { Gate } from './gate.js';
import { ImageDecodeError } from './errors.js';

/** @typedef {import('./pictures.js').Decoded} Decoded */

/** A batch is closed at so many pictures, a pass of the engine's on a GPU, or once it holds so many pixels. */
const maxPictures = 32;
const maxPixels = 16 << 20;

/**
 * Of each model two batches may be alive, whoever they belong to: one in the engine, one being decoded. The gate is fair,
 * so a call with one picture waits for two batches of a call with thousands, not for all of them; and it is the model's
 * own, so that one whose weights are still on their way holds up no other.
 */
export const batchGate = () => new Gate(2);

/**
 * Decodes count pictures, one after the other, and gives them to run in batches, in order.
 * @param {AbortSignal} signal
 * @param {Gate} gate the model's
 * @param {number} count
 * @param {(index: number) => Promise<Decoded>} decode
 * @param {(pictures: Decoded['picture'][], from: number) => Promise<void>} run must not use the pictures any more once it is settled
 * @returns {Promise<void>} settled only when no run is under way and every picture is closed
 */
export async function inBatches(signal, gate, count, decode, run) {
  /** @type {Promise<void>} */
  let previous = Promise.resolve();
  try {
    for (let next = 0; next < count;) {
      const release = await gate.acquire(signal);
      /** @type {Decoded[]} */
      const batch = [];
      const finish = () => {
        for (const { close } of batch) close();
        release();
      };
      const from = next;
      try {
        for (let pixels = 0; next < count && batch.length < maxPictures && pixels < maxPixels; next++) {
          signal.throwIfAborted();
          batch.push(await decodeNumbered(decode, next));
          pixels += batch[batch.length - 1].pixels;
        }
        await previous; // before the next run starts, so that the engine gets them in order
      } catch (error) {
        finish();
        throw error;
      }
      previous = run(
        batch.map(({ picture }) => picture),
        from,
      ).finally(finish);
      previous.catch(() => {}); // it is awaited below, but perhaps not before it rejects
    }
    await previous;
  } catch (error) {
    await previous.catch(() => {});
    throw error;
  }
}

/**
 * @param {(index: number) => Promise<Decoded>} decode
 * @param {number} index
 */
async function decodeNumbered(decode, index) {
  try {
    return await decode(index);
  } catch (error) {
    if (error instanceof ImageDecodeError) error.index = index;
    throw error;
  }
}
