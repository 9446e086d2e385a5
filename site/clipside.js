// clipside: CLIP in the browser. Says what is in a picture in the words of whoever asks, and never sends it anywhere.
//
//	import { createClip } from './clipside.js';
//	const clip = await createClip();
//	await clip.classify(photo, ['a cat', 'a dog']);   // [{ label: 'a cat', score: 0.98 }, { label: 'a dog', score: 0.02 }]

import { eachOf } from './clipside/each.js';
import { EngineError, ImageDecodeError } from './clipside/errors.js';
import { recycle, release, takeAll } from './clipside/inputs.js';
import { tell } from './clipside/listeners.js';
import {
  checkNames,
  readImages,
  readLabels,
  readOptions,
  readProgress,
  readSignal,
  readTemplates,
  readTexts,
  readTopK,
} from './clipside/options.js';
import { hold } from './clipside/shared.js';
import { anySignal } from './clipside/signals.js';

export { deleteModel, listModels, persistModels, storageEstimate } from './clipside/store.js';
export {
  DeviceLostError,
  EngineError,
  ImageDecodeError,
  IntegrityError,
  ModelError,
  QuotaError,
  WebGPUUnavailableError,
} from './clipside/errors.js';

/**
 * What a picture may be passed as. A string is a URL, relative to the page. Canvases, videos and ImageData are taken
 * as they are at the moment of the call; ImageBitmaps and VideoFrames stay the caller's and are not closed.
 * @typedef {Blob | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | ImageBitmap | ImageData | VideoFrame | HTMLVideoElement | URL | string} ImageInput
 */

/** @typedef {'auto' | 'webgpu' | 'cpu'} Device */

/** @typedef {'image' | 'text'} Tower */

/**
 * A model that the browser keeps.
 * @typedef {import('./clipside/store.js').StoredModel} StoredModel
 */

/**
 * How far a Clip is on its way to being ready.
 * @typedef {object} ClipProgress
 * @property {string} model URL of the model that is loading; of several each has a progress of its own
 * @property {'download' | 'compile' | 'warm-up' | 'ready'} phase only ever in this order. The device compiles its programs while the model downloads; 'compile' is what is left of that, 'warm-up' what is left of the self-test
 * @property {number} loaded bytes of the model that are there; never falls
 * @property {number} total bytes of the model; never changes
 * @property {number} cached how many of loaded were on this machine already
 * @property {number} rate bytes per second that come over the network; 0 where that is not known yet
 * @property {number} [secondsLeft] of the download, at this rate; missing where that is not known
 */

/**
 * @typedef {object} ClipOptions
 * @property {string | URL | readonly (string | URL)[]} [model] the directory that `clipside pack` made; relative to the page. Default: models/starter/ beside this module. Of several, the first answers as soon as it is there; the Clip goes on to each next one when that has come (event upgrade)
 * @property {string | readonly (string | undefined)[]} [integrity] the SHA-256 of the model's manifest.json, as 64 hex digits or as 'sha256-' and base64: no other model is taken. Of several models, one for each, or undefined
 * @property {boolean} [wait] false for a Clip as soon as the model's manifest has been read: calls then wait for the weights they need, and ready tells when all are there. Default true
 * @property {Device} [device] default 'auto': a real GPU, else the CPU. 'webgpu' takes a GPU of any kind or rejects with a WebGPUUnavailableError
 * @property {readonly Tower[]} [towers] which encoders to load; default both. embedImages needs 'image', embedTexts 'text', the others both
 * @property {string | URL} [worker] a script of the page's own origin that runs as the Worker; only where this module comes from another origin. It has one line: import 'https://…/clipside/worker.js';
 * @property {boolean} [cache] whether the browser may keep the model for the next visit; default true
 * @property {boolean} [profile] whether to time each operation, for info.profile; calls then take longer. Default false
 * @property {AbortSignal} [signal] stops the loading, and keeps what is complete; a Clip that was not waited for is disposed of then. What comes after is stopped by dispose and by each call's own signal
 * @property {(progress: ClipProgress) => void} [onProgress]
 */

/**
 * How far a call is, in items: its pictures, and its texts whose embeddings are not remembered from earlier calls. A label
 * has one text in each template; a text that is there twice counts once.
 * @typedef {object} CallProgress
 * @property {number} loaded items that are embedded; never falls, and is total before the call resolves
 * @property {number} total never changes
 */

/**
 * @typedef {object} EachOptions
 * @property {AbortSignal} [signal] ends the call, which then rejects with the signal's reason
 */

/**
 * @typedef {object} ProgressOptions
 * @property {(progress: CallProgress) => void} [onProgress] told after each batch, first that nothing is done; never, where nothing has to be
 */

/** @typedef {EachOptions & ProgressOptions} CallOptions */

/**
 * @typedef {object} TextOptions
 * @property {(texts: string[]) => void} [onTruncated] told, before the call resolves, which texts or labels were longer than the model's context and cut
 */

/**
 * @typedef {object} ClassifyTemplates
 * @property {string | readonly string[]} [template] the sentence that a label is put into, at its {}; of several the mean is taken. Default 'a photo of a {}.'; '{}' takes labels as they are
 * @property {number} [topK] how many of the best to return; default all
 */

/** @typedef {EachOptions & TextOptions & ClassifyTemplates} ClassifyEachOptions */
/** @typedef {ClassifyEachOptions & ProgressOptions} ClassifyOptions */

/**
 * @typedef {object} Label
 * @property {string} label as it was passed
 * @property {number} score its probability among the labels of the call
 */

/**
 * Logits: scaled cosines of every picture (a row) with every text (a column).
 * @typedef {object} Similarity
 * @property {Float32Array} logits row by row
 * @property {number} rows
 * @property {number} cols
 */

/**
 * @typedef {object} ModelInfo
 * @property {string} name
 * @property {string} [source] where the checkpoint came from
 * @property {string} [license]
 */

/**
 * The verdict on device and model: known embeddings, computed twice.
 * @typedef {object} SelfTest
 * @property {boolean} passed
 * @property {number} cosine the worst, to the known embeddings
 * @property {number} runs
 * @property {number} ms how long it took
 */

/**
 * Where time went: all runs of one operation in one shape.
 * @typedef {object} OpTime
 * @property {string} op with its shape
 * @property {number} runs
 * @property {number} ms of all runs; on a GPU without the feature timestamp-query each includes the way there and back, and with it each is rounded as the browser sees fit (Chromium: 0.1 ms)
 * @property {number} gflop 10⁹ arithmetic operations of one run
 * @property {number} gflops 10⁹ arithmetic operations a second
 * @property {number} gbps 10⁹ bytes a second, every value that a run reads or writes counted once, as float32
 * @property {number} share of the peak: of gflops or of gbps, whichever is closer to it; caches can take it above 1, and so can convolutions, which are made with fewer multiplications than are counted
 */

/**
 * @typedef {object} ClipInfo
 * @property {ModelInfo} model
 * @property {string} url the directory that the model was loaded from
 * @property {Tower[]} towers
 * @property {number} size pixels of a side of the square that the image encoder sees
 * @property {number} dim numbers in an embedding
 * @property {'webgpu' | 'cpu'} device
 * @property {string} adapter what the device calls itself
 * @property {boolean} software whether the device is a GPU in name only
 * @property {string[]} features of the device that are made use of
 * @property {number} maxTextureSide the longest side, in pixels, of a picture that is prepared on the GPU; 0 where none is
 * @property {string} fallback why a better device was passed over; empty if none was
 * @property {Record<string, string>} kernels which variant was measured to make which matrix product (m×n×k, a convolution as conv:m×n×k) fastest on this GPU; empty where there is nothing to choose
 * @property {SelfTest} selfTest of 0 runs while the Clip is not ready
 * @property {{ kept: boolean, reason: string }} storage whether the browser keeps the model for the next visit, and why not
 * @property {{ total: number, fetched: number, cached: number }} bytes of the model
 * @property {{ load: number, image: number, text: number }} timings milliseconds: from createClip to ready, of the first Clip that has this model; an image and a text in the last call that computed any, 0 before the first
 * @property {OpTime[]} [profile] of all calls of this model so far, the longest first; only with the option profile
 * @property {{ gflops: number, gbps: number }} [peak] what the device was measured to do at best, in 10⁹ operations and bytes a second; 0 while the Clip is not ready; only with the option profile
 */

/**
 * What became of one picture of many: a result, or the error of a picture that could not be read.
 * @template R
 * @typedef {import('./clipside/each.js').Each<R>} Each
 */

/**
 * What a Clip dispatches, by type.
 * @typedef {object} ClipEvents
 * @property {CustomEvent<ClipInfo>} upgrade
 * @property {ErrorEvent} upgradeerror
 */

/**
 * An EventTarget whose listeners know what they get.
 * @typedef {{
 *   addEventListener<K extends keyof ClipEvents>(type: K, listener: (this: Clip, event: ClipEvents[K]) => unknown, options?: boolean | AddEventListenerOptions): void,
 *   removeEventListener<K extends keyof ClipEvents>(type: K, listener: (this: Clip, event: ClipEvents[K]) => unknown, options?: boolean | EventListenerOptions): void,
 * } & EventTarget} ClipEventTarget
 */

/** @import { Hold } from './clipside/shared.js' */

/**
 * Clip’s constructor, which is for createClip alone.
 * @type {(hold: Hold, larger: ((disposal: AbortSignal) => Promise<Hold>)[]) => Clip}
 */
let construct;

/**
 * A model that answers. Made by createClip.
 *
 * Calls may be made at any time, also while others are under way; they queue. A call rejects with a TypeError for a
 * wrong argument or an option that it does not have, with an ImageDecodeError for a picture that cannot be read, with a QuotaError where there is no memory
 * for it, with a DeviceLostError when the GPU goes away, with an EngineError when the engine stops, with the signal's
 * reason when it is aborted, and with a DOMException named InvalidStateError once the Clip is disposed. A call on a Clip
 * that was not waited for also rejects with whatever keeps its model from being loaded.
 *
 * Where createClip was given several models, the Clip answers with the first until the next has come. Then it
 * dispatches an `upgrade` event, a CustomEvent whose detail is the new info; calls made before it are answered by the
 * model before, calls made after it by the new one: embeddings from before and after are not to be compared. If the
 * next model cannot be had, an ErrorEvent `upgradeerror` tells why, and the Clip stays with what it has.
 */
export class Clip extends /** @type {new () => ClipEventTarget} */ (EventTarget) {
  /** @type {Held} */
  #held;
  #info;
  #ready;
  #disposal = new AbortController();
  /** @type {Promise<void> | undefined} */
  #disposed;

  /**
   * @private
   * @param {Hold} hold
   * @param {((disposal: AbortSignal) => Promise<Hold>)[]} larger take hold of the models that are to follow
   */
  constructor(hold, larger) {
    super();
    this.#held = new Held(hold);
    this.#info = hold.info;
    this.#ready = hold.ready.then((info) => {
      if (this.#held.hold === hold) this.#info = info;
    });
    this.#ready.catch(() => {}); // told to whoever waits for it, and to every call
    if (larger.length > 0) this.#goOn(larger);
  }

  static {
    construct = (hold, larger) => new Clip(hold, larger);
  }

  /**
   * Resolves once all weights are there and the device has reproduced known embeddings, twice; of several models, those
   * of the first. Rejects with what createClip would have rejected with. A Clip that was waited for is ready.
   * @returns {Promise<void>}
   */
  get ready() {
    return this.#ready;
  }

  /**
   * What the Clip is and how it has been doing. The object never changes; after each call there is a new one.
   * @returns {ClipInfo}
   */
  get info() {
    return this.#info;
  }

  /**
   * Says which of the labels fits a picture best.
   * @overload
   * @param {ImageInput} image
   * @param {readonly string[]} labels
   * @param {ClassifyOptions} [options]
   * @returns {Promise<Label[]>} best first; the scores of all labels add up to 1
   */
  /**
   * Says which of the labels fits each picture best.
   * @overload
   * @param {readonly ImageInput[]} images
   * @param {readonly string[]} labels
   * @param {ClassifyOptions} [options]
   * @returns {Promise<Label[][]>} for each picture, best first
   */
  /**
   * @param {ImageInput | readonly ImageInput[]} images
   * @param {readonly string[]} labels
   * @param {ClassifyOptions} [options]
   * @returns {Promise<Label[] | Label[][]>}
   */
  async classify(images, labels, options = {}) {
    const { signal, onProgress } = this.#begin('classify', options, ['image', 'text']);
    const { list, single } = readImages(images);
    const request = { labels: readLabels(labels), templates: readTemplates(options.template), topK: readTopK(options.topK) };
    if (list.length === 0) return [];
    const { results, truncated } = await this.#withPictures(signal, onProgress, list, single, 'classify', request);
    tellTruncated(options, request.labels, truncated);
    return single ? results[0] : results;
  }

  /**
   * Classifies any number of pictures, in bounded memory: they are pulled no faster than results are taken. Leaving the
   * loop ends the work.
   *
   *	for await (const { image, result, error } of clip.classifyEach(files, labels)) …
   * @param {Iterable<ImageInput> | AsyncIterable<ImageInput>} images
   * @param {readonly string[]} labels
   * @param {ClassifyEachOptions} [options]
   * @returns {AsyncGenerator<Each<Label[]>, void, undefined>} in order; for a picture that cannot be read an error instead of a result. Whatever else fails ends it
   */
  classifyEach(images, labels, options = {}) {
    return eachOf(
      images,
      (some, stop) => this.classify(some, labels, { ...options, onProgress: undefined, signal: anySignal([readSignal(options), stop]) }),
      () => this.#begin('classifyEach', options, ['image', 'text']).signal,
    );
  }

  /**
   * Embeds any number of pictures, as classifyEach classifies them.
   * @param {Iterable<ImageInput> | AsyncIterable<ImageInput>} images
   * @param {EachOptions} [options]
   * @returns {AsyncGenerator<Each<Float32Array>, void, undefined>} ends with an InvalidStateError where the Clip goes over to a larger model meanwhile, whose embeddings are not to be compared with those before
   */
  embedEach(images, options = {}) {
    /** @type {Held | undefined} */
    let held;
    return eachOf(
      images,
      async (some, stop) => {
        if (this.#held !== held) throw new DOMException('The Clip has gone over to another model: begin anew.', 'InvalidStateError');
        return this.embedImages(some, { ...options, onProgress: undefined, signal: anySignal([readSignal(options), stop]) });
      },
      () => {
        held = this.#held;
        return this.#begin('embedEach', options, ['image']).signal;
      },
    );
  }

  /**
   * @overload
   * @param {ImageInput} image
   * @param {CallOptions} [options]
   * @returns {Promise<Float32Array>} L2-normalised, of info.dim numbers
   */
  /**
   * @overload
   * @param {readonly ImageInput[]} images
   * @param {CallOptions} [options]
   * @returns {Promise<Float32Array[]>} one a picture; each L2-normalised, of info.dim numbers
   */
  /**
   * @param {ImageInput | readonly ImageInput[]} images
   * @param {CallOptions} [options]
   * @returns {Promise<Float32Array | Float32Array[]>}
   */
  async embedImages(images, options = {}) {
    const { signal, onProgress } = this.#begin('embedImages', options, ['image']);
    const { list, single } = readImages(images);
    if (list.length === 0) return [];
    const { embeddings } = await this.#withPictures(signal, onProgress, list, single, 'embedImages', {});
    return single ? embeddings[0] : embeddings;
  }

  /**
   * @overload
   * @param {string} text
   * @param {CallOptions & TextOptions} [options]
   * @returns {Promise<Float32Array>} L2-normalised, of info.dim numbers
   */
  /**
   * @overload
   * @param {readonly string[]} texts taken as they are, without a template
   * @param {CallOptions & TextOptions} [options]
   * @returns {Promise<Float32Array[]>} one a text; each L2-normalised, of info.dim numbers
   */
  /**
   * @param {string | readonly string[]} texts
   * @param {CallOptions & TextOptions} [options]
   * @returns {Promise<Float32Array | Float32Array[]>}
   */
  async embedTexts(texts, options = {}) {
    const { signal, onProgress } = this.#begin('embedTexts', options, ['text']);
    const { list, single } = readTexts(texts);
    if (list.length === 0) return [];
    const { embeddings, truncated } = await this.#held.use(async ({ id, call }) => {
      const answer = await call(signal, 'embedTexts', { id, texts: list }, { onProgress });
      this.#learn(id, answer.info);
      return answer;
    });
    tellTruncated(options, list, truncated);
    return single ? embeddings[0] : embeddings;
  }

  /**
   * Compares every picture with every text. A softmax over a row gives classify's scores for labels without a template.
   * @param {ImageInput | readonly ImageInput[]} images
   * @param {string | readonly string[]} texts
   * @param {CallOptions & TextOptions} [options]
   * @returns {Promise<Similarity>} always a matrix, of one row for a single picture and one column for a single text
   */
  async similarity(images, texts, options = {}) {
    const { signal, onProgress } = this.#begin('similarity', options, ['image', 'text']);
    const { list, single } = readImages(images);
    const { list: columns } = readTexts(texts);
    if (list.length === 0 || columns.length === 0) return { logits: new Float32Array(0), rows: list.length, cols: columns.length };
    const { logits, rows, cols, truncated } = await this.#withPictures(signal, onProgress, list, single, 'similarity', {
      texts: columns,
    });
    tellTruncated(options, columns, truncated);
    return { logits, rows, cols };
  }

  /**
   * Ends this Clip: calls under way and later ones reject with a DOMException named InvalidStateError. The last Clip of
   * a model takes the model's memory with it, on the GPU too; the last Clip of a page takes the Worker. May be called
   * again, to no effect.
   * @returns {Promise<void>} resolves when that is done; never rejects
   */
  dispose() {
    return (this.#disposed ??= this.#dispose());
  }

  async #dispose() {
    this.#disposal.abort(new DOMException('The Clip has been disposed.', 'InvalidStateError'));
    await this.#held.release();
  }

  /** @param {((disposal: AbortSignal) => Promise<Hold>)[]} larger */
  async #goOn(larger) {
    try {
      await this.#ready;
    } catch {
      return; // told by ready
    }
    for (const take of larger) {
      /** @type {Hold | undefined} */
      let hold;
      try {
        if (this.#disposed) return;
        hold = await take(this.#disposal.signal);
        const info = await hold.ready;
        this.#disposal.signal.throwIfAborted();
        const before = this.#held;
        this.#held = new Held(hold);
        this.#info = info;
        before.retire();
        this.dispatchEvent(new CustomEvent('upgrade', { detail: info }));
      } catch (error) {
        hold?.release();
        if (this.#disposed) return;
        const message = error instanceof Error ? error.message : String(error);
        this.dispatchEvent(new ErrorEvent('upgradeerror', { error, message }));
      }
    }
  }

  /**
   * @param {number} id the model that answered
   * @param {ClipInfo} info
   */
  #learn(id, info) {
    if (this.#held.hold.id === id) this.#info = info; // else it is the model before
  }

  /**
   * Checks what every call checks first.
   * @param {import('./clipside/options.js').Called} called
   * @param {CallOptions} options
   * @param {Tower[]} towers that the call needs
   * @returns {{ signal: AbortSignal, onProgress: CallOptions['onProgress'] }} a signal that fires when the caller gives up or the Clip is disposed
   */
  #begin(called, options, towers) {
    checkNames(called, options);
    const signal = anySignal([this.#disposal.signal, readSignal(options)]);
    const onProgress = readProgress(options);
    signal.throwIfAborted();
    for (const tower of towers) {
      if (!this.#info.towers.includes(tower))
        throw new TypeError(`This Clip was made without the ${tower} tower: add '${tower}' to createClip's towers.`);
    }
    return { signal, onProgress };
  }

  /**
   * @template {'classify' | 'embedImages' | 'similarity'} M
   * @param {AbortSignal} signal
   * @param {CallOptions['onProgress']} onProgress
   * @param {readonly ImageInput[]} images
   * @param {boolean} single
   * @param {M} method
   * @param {Omit<Parameters<import('./clipside/worker.js').EngineMethods[M]>[0], 'id' | 'sources'>} request
   * @returns {Promise<Awaited<ReturnType<import('./clipside/worker.js').EngineMethods[M]>>>}
   */
  async #withPictures(signal, onProgress, images, single, method, request) {
    try {
      return await this.#held.use(async ({ id, call }) => {
        const { sources, transfer } = await takeAll(signal, images, this.#info.maxTextureSide);
        try {
          const answer = await call(signal, method, { ...request, id, sources }, { transfer, onProgress });
          this.#learn(id, answer.info);
          recycle(answer.spent);
          return answer;
        } finally {
          release(transfer); // those that could not be posted; the others are the Worker's
        }
      });
    } catch (error) {
      if (single && error instanceof ImageDecodeError) error.index = undefined;
      throw error;
    }
  }
}

/** A hold that a Clip's calls use, and that is let go when the last of them is over. */
class Held {
  hold;
  #users = 0;
  #retired = false;
  /** @type {Promise<void> | undefined} */
  #released;

  /** @param {Hold} hold */
  constructor(hold) {
    this.hold = hold;
  }

  /**
   * @template T
   * @param {(hold: Hold) => Promise<T>} task
   * @returns {Promise<T>}
   */
  async use(task) {
    this.#users++;
    try {
      return await task(this.hold);
    } finally {
      this.#users--;
      if (this.#retired && this.#users === 0) this.release();
    }
  }

  /** Lets go as soon as nothing uses it any more. */
  retire() {
    this.#retired = true;
    if (this.#users === 0) this.release();
  }

  /** @returns {Promise<void>} */
  release() {
    return (this.#released ??= this.hold.release());
  }
}

/** Bundlers take new URL('…', import.meta.url) for a file to copy, which a directory is not. */
const here = import.meta.url;

/**
 * Loads a model and makes it ready to answer. Clips of the same model, integrity, device, towers, cache, profile and worker share it.
 * @param {ClipOptions} [options]
 * @returns {Promise<Clip>} resolves once the weights are there and the device has reproduced known embeddings, twice; with wait: false earlier. Rejects with a TypeError for a wrong option, with a ModelError or an IntegrityError if the model cannot be had, with a WebGPUUnavailableError if 'webgpu' was asked for and is not there, with a QuotaError if there is no memory for it, with a DeviceLostError if the GPU goes away meanwhile, with an EngineError if the engine cannot run, and with the signal's reason
 */
export async function createClip(options = {}) {
  if (!globalThis.location)
    throw new EngineError('The engine runs in browsers: call createClip on the page, not where a server renders it.');
  const startedAt = performance.timeOrigin + performance.now();
  const { requests, wait, worker, signal, onProgress } = readOptions(options, new URL('models/starter/', here));
  const [first, ...larger] = requests;
  const held = await hold(first, worker, startedAt, signal, onProgress);
  if (wait) {
    try {
      await held.ready;
    } catch (error) {
      void held.release(); // the caller is told at once; the Worker tidies up meanwhile
      throw error;
    }
  }
  const clip = construct(
    held,
    larger.map((request) => (disposal) => {
      const since = performance.timeOrigin + performance.now();
      return hold(request, worker, since, anySignal([signal, disposal]), onProgress);
    }),
  );
  if (wait)
    await clip.ready; // its info is of now
  else clip.ready.catch(() => void (signal?.aborted && clip.dispose()));
  return clip;
}

/**
 * @param {TextOptions} options
 * @param {readonly string[]} texts
 * @param {readonly number[]} truncated indices into texts
 */
function tellTruncated({ onTruncated }, texts, truncated) {
  if (truncated.length === 0) return;
  const whole = truncated.map((index) => texts[index]);
  tell(onTruncated, whole);
}
