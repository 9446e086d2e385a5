// clipside: CLIP in the browser. Says what is in a picture in the words of whoever asks, and never sends it anywhere.
//
//	import { createClip } from './clipside.js';
//	const clip = await createClip();
//	await clip.classify(photo, ['a cat', 'a dog']);   // [{ label: 'a cat', score: 0.98 }, { label: 'a dog', score: 0.02 }]

import { eachOf } from './clipside/each.js';
import { ImageDecodeError } from './clipside/errors.js';
import { takeAll } from './clipside/inputs.js';
import { readOptions, readSignal, readImages, readLabels, readTemplates, readTexts, readTopK } from './clipside/options.js';
import { hold } from './clipside/shared.js';
import { anySignal } from './clipside/signals.js';

export { DeviceLostError, EngineError, ImageDecodeError, IntegrityError, ModelError, QuotaError, WebGPUUnavailableError } from './clipside/errors.js';

/**
 * What a picture may be passed as. A string is a URL, relative to the page. Canvases, videos and ImageData are taken
 * as they are at the moment of the call; ImageBitmaps and VideoFrames stay the caller's and are not closed.
 * @typedef {Blob | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | ImageBitmap | ImageData | VideoFrame | HTMLVideoElement | URL | string} ImageInput
 */

/** @typedef {'auto' | 'webgpu' | 'cpu'} Device */

/** @typedef {'image' | 'text'} Tower */

/**
 * How far a Clip is on its way to being ready.
 * @typedef {object} ClipProgress
 * @property {'download' | 'warm-up' | 'ready'} phase warm-up is the self-test, in which the device also compiles its programs
 * @property {number} loaded bytes of the model that are there; never falls
 * @property {number} total bytes of the model; never changes
 * @property {number} cached how many of loaded were on this machine already
 * @property {number} rate bytes per second that come over the network; 0 where that is not known yet
 * @property {number} [secondsLeft] of the download, at this rate; missing where that is not known
 */

/**
 * @typedef {object} ClipOptions
 * @property {string | URL} [model] the directory that `clipside pack` made; relative to the page. Default: models/starter/ beside this module
 * @property {Device} [device] default 'auto': a real GPU, else the CPU. 'webgpu' takes a GPU of any kind or rejects with a WebGPUUnavailableError
 * @property {Tower[]} [towers] which encoders to load; default both. embedImages needs 'image', embedTexts 'text', the others both
 * @property {string | URL} [worker] a script of the page's own origin that runs as the Worker; only where this module comes from another origin. It has one line: import 'https://…/clipside/worker.js';
 * @property {boolean} [cache] whether the browser may keep the model for the next visit; default true
 * @property {AbortSignal} [signal] stops the loading; what comes after is stopped by dispose and by each call's own signal
 * @property {(progress: ClipProgress) => void} [onProgress]
 */

/**
 * @typedef {object} CallOptions
 * @property {AbortSignal} [signal] ends the call, which then rejects with the signal's reason
 */

/**
 * @typedef {object} TextOptions
 * @property {(texts: string[]) => void} [onTruncated] told, before the call resolves, which texts or labels were longer than the model's context and cut
 */

/**
 * @typedef {object} ClassifyTemplates
 * @property {string | string[]} [template] the sentence that a label is put into, at its {}; of several the mean is taken. Default 'a photo of a {}.'; '{}' takes labels as they are
 * @property {number} [topK] how many of the best to return; default all
 */

/** @typedef {CallOptions & TextOptions & ClassifyTemplates} ClassifyOptions */

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
 * @property {SelfTest} selfTest
 * @property {{ total: number, fetched: number, cached: number }} bytes of the model
 * @property {{ load: number, image: number, text: number }} timings milliseconds: from createClip to ready, of the first Clip that has this model; an image and a text in the last call that computed any, 0 before the first
 */

/**
 * What became of one picture of many: a result, or the error of a picture that could not be read.
 * @template R
 * @typedef {import('./clipside/each.js').Each<R>} Each
 */

/**
 * Clip’s constructor, which is for createClip alone.
 * @type {(hold: import('./clipside/shared.js').Hold) => Clip}
 */
let construct;

/**
 * A model that is ready to answer. Made by createClip.
 *
 * Calls may be made at any time, also while others are under way; they queue. A call rejects with a TypeError for a
 * wrong argument, with an ImageDecodeError for a picture that cannot be read, with a DeviceLostError when the GPU goes
 * away, with an EngineError when the engine stops, with the signal's reason when it is aborted, and with a
 * DOMException named InvalidStateError once the Clip is disposed.
 */
export class Clip {
  #hold;
  #id;
  #info;
  #disposal = new AbortController();
  /** @type {Promise<void> | undefined} */
  #disposed;

  /**
   * @private
   * @param {import('./clipside/shared.js').Hold} hold
   */
  constructor(hold) {
    this.#hold = hold;
    this.#id = hold.id;
    this.#info = hold.info;
  }

  static {
    construct = (hold) => new Clip(hold);
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
    const signal = this.#begin(options, ['image', 'text']);
    const { list, single } = readImages(images);
    const request = { id: this.#id, labels: readLabels(labels), templates: readTemplates(options.template), topK: readTopK(options.topK) };
    if (list.length === 0) return [];
    const { results, truncated } = await this.#withPictures(signal, list, single, 'classify', request);
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
   * @param {ClassifyOptions} [options]
   * @returns {AsyncGenerator<Each<Label[]>, void, undefined>} in order; for a picture that cannot be read an error instead of a result. Whatever else fails ends it
   */
  classifyEach(images, labels, options = {}) {
    return eachOf(images, (some, stop) => this.classify(some, labels, { ...options, signal: anySignal([readSignal(options), stop]) }));
  }

  /**
   * Embeds any number of pictures, as classifyEach classifies them.
   * @param {Iterable<ImageInput> | AsyncIterable<ImageInput>} images
   * @param {CallOptions} [options]
   * @returns {AsyncGenerator<Each<Float32Array>, void, undefined>}
   */
  embedEach(images, options = {}) {
    return eachOf(images, (some, stop) => this.embedImages(some, { ...options, signal: anySignal([readSignal(options), stop]) }));
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
    const signal = this.#begin(options, ['image']);
    const { list, single } = readImages(images);
    if (list.length === 0) return [];
    const { embeddings } = await this.#withPictures(signal, list, single, 'embedImages', { id: this.#id });
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
    const signal = this.#begin(options, ['text']);
    const { list, single } = readTexts(texts);
    if (list.length === 0) return [];
    const { embeddings, truncated, info } = await this.#hold.call(signal, 'embedTexts', { id: this.#id, texts: list });
    this.#info = info;
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
    const signal = this.#begin(options, ['image', 'text']);
    const { list, single } = readImages(images);
    const { list: columns } = readTexts(texts);
    if (list.length === 0 || columns.length === 0) return { logits: new Float32Array(0), rows: list.length, cols: columns.length };
    const { logits, rows, cols, truncated } = await this.#withPictures(signal, list, single, 'similarity', { id: this.#id, texts: columns });
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
    await this.#hold.release();
  }

  /**
   * Checks what every call checks first.
   * @param {CallOptions} options
   * @param {Tower[]} towers that the call needs
   * @returns {AbortSignal} fires when the caller gives up or the Clip is disposed
   */
  #begin(options, towers) {
    const signal = readSignal(options);
    const either = anySignal([this.#disposal.signal, signal]);
    either.throwIfAborted();
    for (const tower of towers) {
      if (!this.#info.towers.includes(tower)) throw new TypeError(`This Clip was made without the ${tower} tower: add '${tower}' to createClip's towers.`);
    }
    return either;
  }

  /**
   * @template {'classify' | 'embedImages' | 'similarity'} M
   * @param {AbortSignal} signal
   * @param {readonly ImageInput[]} images
   * @param {boolean} single
   * @param {M} method
   * @param {Omit<Parameters<import('./clipside/worker.js').EngineMethods[M]>[0], 'sources'>} request
   * @returns {Promise<Awaited<ReturnType<import('./clipside/worker.js').EngineMethods[M]>>>}
   */
  async #withPictures(signal, images, single, method, request) {
    try {
      const { sources, transfer } = await takeAll(signal, images);
      const answer = await this.#hold.call(signal, method, { ...request, sources }, { transfer });
      this.#info = answer.info;
      return answer;
    } catch (error) {
      if (single && error instanceof ImageDecodeError) error.index = undefined;
      throw error;
    }
  }
}

/** Bundlers take new URL('…', import.meta.url) for a file to copy, which a directory is not. */
const here = import.meta.url;

/**
 * Loads a model and makes it ready to answer. Clips of the same model, device, towers and cache share it.
 * @param {ClipOptions} [options]
 * @returns {Promise<Clip>} resolves once the weights are there and the device has reproduced known embeddings, twice. Rejects with a TypeError for a wrong option, with a ModelError or an IntegrityError if the model cannot be had, with a WebGPUUnavailableError if 'webgpu' was asked for and is not there, with an EngineError if the engine cannot run, and with the signal's reason
 */
export async function createClip(options = {}) {
  const startedAt = performance.timeOrigin + performance.now();
  const { request, worker, signal, onProgress } = readOptions(options, new URL('models/starter/', here));
  return construct(await hold(request, worker, startedAt, signal, onProgress));
}

/**
 * @param {TextOptions} options
 * @param {readonly string[]} texts
 * @param {readonly number[]} truncated indices into texts
 */
function tellTruncated({ onTruncated }, texts, truncated) {
  if (truncated.length > 0) onTruncated?.(truncated.map((index) => texts[index]));
}
