// Any number of pictures, one result after the other: pictures are pulled no faster than results are taken, and while
// the engine works on some, the next are on their way.

import { ImageDecodeError } from './errors.js';
import { checkImage } from './inputs.js';
import { unlessAborted } from './signals.js';

/** @typedef {import('../clipside.js').ImageInput} ImageInput */

/**
 * What became of one picture: a result, or the error of a picture that could not be read.
 * @template R
 * @typedef {{ index: number, image: ImageInput, result: R, error?: undefined } | { index: number, image: ImageInput, result?: undefined, error: ImageDecodeError }} Each
 */

/** How many pictures of a list go to the engine in one call. */
const batchSize = 8;
/** How many calls are under way at most. */
const ahead = 2;

/**
 * @template R
 * @param {Iterable<ImageInput> | AsyncIterable<ImageInput>} images those of an async iterable are worked on one by one, as they come
 * @param {(images: ImageInput[], signal: AbortSignal) => Promise<R[]>} run
 * @param {() => AbortSignal | undefined} [begin] called first; its signal ends the work at once, also while the source is waited for
 * @returns {AsyncGenerator<Each<R>, void, undefined>} in order. Ends with what run rejects with, unless that is an ImageDecodeError, and with what images throw, after the results of those before
 */
export async function* eachOf(images, run, begin) {
  if (typeof images !== 'object' || images === null || !(Symbol.iterator in images || Symbol.asyncIterator in images)) {
    throw new TypeError('The pictures are not an array or another iterable: for a single picture use classify or embedImages.');
  }
  const signal = begin?.();
  const stop = new AbortController();
  const batches = inBatches(images);
  /** @type {Promise<Each<R>[]>[]} */
  const running = [];
  /** @type {Promise<'batch'> | undefined} never rejects */
  let pulling;
  let done = false;
  /** @type {{ error: unknown } | undefined} of the source, told when its turn comes */
  let failure;
  let count = 0;
  const pull = async () => {
    try {
      const next = await batches.next();
      if (next.done) {
        done = true;
      } else {
        const results = runBatch(next.value, count, (some) => run(some, stop.signal));
        results.catch(() => {}); // looked at when its turn comes
        running.push(results);
        count += next.value.length;
      }
    } catch (error) {
      done = true;
      failure = { error };
    }
    pulling = undefined;
    return /** @type {const} */ ('batch');
  };
  try {
    for (;;) {
      if (!done && !pulling && running.length < ahead) {
        pulling = pull();
      }
      if (running.length === 0) {
        if (failure) throw failure.error;
        if (done) return;
        await unlessAborted(signal, /** @type {Promise<'batch'>} */ (pulling));
        continue;
      }
      // A source that takes its time must not hold back a result that is there.
      const first = await unlessAborted(signal, pulling ? Promise.race([pulling, running[0]]) : running[0]);
      if (first === 'batch') continue;
      running.shift();
      yield* first;
    }
  } finally {
    stop.abort();
    batches.return(undefined).catch(() => {}); // not awaited: the source may never answer again
  }
}

/**
 * @param {Iterable<ImageInput> | AsyncIterable<ImageInput>} images
 * @returns {AsyncGenerator<ImageInput[], void, undefined>} ends with a TypeError at what is no picture
 */
async function* inBatches(images) {
  let count = 0;
  const check = (/** @type {ImageInput} */ image) => checkImage(image, `images[${count++}]`);
  if (Symbol.asyncIterator in images) {
    for await (const image of images) {
      check(image);
      yield [image];
    }
    return;
  }
  /** @type {ImageInput[]} */
  let batch = [];
  try {
    for (const image of images) {
      check(image);
      // What a generator paints and yields is another picture when it is asked for the next.
      const fixed = Array.isArray(images) || typeof image === 'string' || image instanceof URL || image instanceof Blob;
      if (fixed && batch.push(image) < batchSize) continue;
      if (batch.length > 0) yield batch;
      batch = [];
      if (!fixed) yield [image];
    }
  } catch (error) {
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

/**
 * @template R
 * @param {ImageInput[]} batch
 * @param {number} from index of the first
 * @param {(images: ImageInput[]) => Promise<R[]>} run
 * @returns {Promise<Each<R>[]>}
 */
async function runBatch(batch, from, run) {
  try {
    const results = await run(batch);
    return batch.map((image, i) => ({ index: from + i, image, result: results[i] }));
  } catch (error) {
    if (!(error instanceof ImageDecodeError)) throw error;
    if (batch.length === 1) {
      error.index = from;
      return [{ index: from, image: batch[0], error }];
    }
    // One broken picture fails the whole call, so each gets one of its own.
    const each = await Promise.all(batch.map((image, i) => runBatch([image], from + i, run)));
    return each.flat();
  }
}
