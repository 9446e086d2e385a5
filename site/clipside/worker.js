// The Worker: one engine, the models of all the page's Clips, and the functions that the page calls.

import { inBatches } from './batches.js';
import { serve } from './bridge.js';
import { download } from './download.js';
import { startEngine } from './engine.js';
import { DeviceLostError, ModelError, WebGPUUnavailableError } from './errors.js';
import { decode } from './pictures.js';
import { Progress } from './progress.js';
import { loadWeights } from './weights.js';

/** @typedef {import('./bridge.js').CallContext} CallContext */
/** @typedef {import('./engine.js').BundleFile} BundleFile */
/** @typedef {import('./engine.js').Opened} Opened */
/** @typedef {import('./engine.js').Picture} Picture */
/** @typedef {import('./inputs.js').Source} Source */
/** @typedef {import('../clipside.js').ClipInfo} ClipInfo */
/** @typedef {import('../clipside.js').Device} Device */
/** @typedef {import('../clipside.js').Tower} Tower */

/**
 * What the page asks a model to be loaded with.
 * @typedef {object} OpenRequest
 * @property {string} model absolute URL of the bundle's directory, ending in a slash
 * @property {Device} device
 * @property {Tower[]} towers
 * @property {boolean} cache
 * @property {number} startedAt when createClip was called, in milliseconds since the epoch; page and Worker count from different origins
 */

/**
 * A model that is ready.
 * @typedef {object} Model
 * @property {OpenRequest} request
 * @property {Opened} opened
 * @property {string} fallback
 * @property {import('../clipside.js').SelfTest} selfTest
 * @property {Progress} progress
 * @property {number} loadMs
 */

/** @typedef {typeof methods} EngineMethods */

/** No manifest is longer: it names every tensor, of which the largest models have a thousand. */
const longestManifest = 16 << 20;

/** @type {Map<number, Model>} by the engine's id */
const models = new Map();

let calls = 0;

const methods = {
  /**
   * Loads a model and tests it.
   * @param {OpenRequest} request
   * @param {CallContext} context
   * @returns {Promise<{ id: number, info: ClipInfo }>}
   */
  async open(request, { signal, progress }) {
    const [, manifest] = await Promise.all([engine, fetchManifest(signal, request)]);
    let model = await tryLoad(signal, request, manifest, request.device, progress);
    if (typeof model === 'string') {
      const reason = model;
      model = await tryLoad(signal, request, manifest, 'cpu', progress);
      if (typeof model === 'string') throw new ModelError(model, { url: request.model });
      model.fallback = reason;
    }
    model.loadMs = performance.timeOrigin + performance.now() - request.startedAt;
    models.set(model.opened.id, model);
    return { id: model.opened.id, info: await describe(model) };
  },

  /**
   * @param {{ id: number, sources: Source[], labels: string[], templates: string[], topK: number }} request
   * @param {CallContext} context
   */
  async classify({ id, sources, labels, templates, topK }, { signal }) {
    const model = modelOf(id);
    /** @type {import('../clipside.js').Label[][]} */
    const results = [];
    /** @type {Set<number>} */
    const truncated = new Set();
    await withPictures(signal, model, sources, async (pictures) => {
      const { classify } = await engine;
      const answer = await abortable(signal, (call) => classify(id, call, pictures, labels, templates, topK));
      results.push(...answer.results);
      for (const index of answer.truncated) truncated.add(index);
    });
    return { results, truncated: [...truncated], info: await describe(model) };
  },

  /**
   * @param {{ id: number, sources: Source[] }} request
   * @param {CallContext} context
   */
  async embedImages({ id, sources }, { signal, transfer }) {
    const model = modelOf(id);
    /** @type {Float32Array<ArrayBuffer>[]} */
    const embeddings = [];
    await withPictures(signal, model, sources, async (pictures) => {
      const { embedImages } = await engine;
      embeddings.push(...split(await abortable(signal, (call) => embedImages(id, call, pictures)), model.opened.dim));
    });
    transfer.push(...embeddings.map(({ buffer }) => buffer));
    return { embeddings, info: await describe(model) };
  },

  /**
   * @param {{ id: number, texts: string[] }} request
   * @param {CallContext} context
   */
  async embedTexts({ id, texts }, { signal, transfer }) {
    const model = modelOf(id);
    const { embedTexts } = await engine;
    const answer = await abortable(signal, (call) => embedTexts(id, call, texts));
    const embeddings = split(answer.embeddings, model.opened.dim);
    transfer.push(...embeddings.map(({ buffer }) => buffer));
    return { embeddings, truncated: answer.truncated, info: await describe(model) };
  },

  /**
   * @param {{ id: number, sources: Source[], texts: string[] }} request
   * @param {CallContext} context
   */
  async similarity({ id, sources, texts }, { signal, transfer }) {
    const model = modelOf(id);
    const logits = new Float32Array(sources.length * texts.length);
    /** @type {Set<number>} */
    const truncated = new Set();
    await withPictures(signal, model, sources, async (pictures, from) => {
      const { similarity } = await engine;
      const answer = await abortable(signal, (call) => similarity(id, call, pictures, texts));
      logits.set(answer.logits, from * texts.length);
      for (const index of answer.truncated) truncated.add(index);
    });
    transfer.push(logits.buffer);
    return { logits, rows: sources.length, cols: texts.length, truncated: [...truncated], info: await describe(model) };
  },

  /** @param {{ id: number }} request */
  async dispose({ id }) {
    models.delete(id);
    await (await engine).dispose(id);
  },
};

const declareDead = serve(self, methods);
const engine = startEngine(declareDead);
engine.catch(declareDead);

/**
 * Loads a model onto a device.
 * @param {AbortSignal} signal
 * @param {OpenRequest} request
 * @param {Uint8Array} manifest
 * @param {Device} device
 * @param {(event: import('../clipside.js').ClipProgress) => void} tell
 * @returns {Promise<Model | string>} why the device will not do, where the caller left the choice to 'auto' and it fell on the GPU
 */
async function tryLoad(signal, request, manifest, device, tell) {
  const { open, data, fail, selfTest, dispose } = await engine;
  signal.throwIfAborted();
  const opened = await open({ manifest, device, towers: request.towers });
  const { id, files } = opened;
  const mayFallBack = device === 'auto' && opened.device === 'webgpu';
  try {
    signal.throwIfAborted();
    const progress = new Progress(files.reduce((sum, { stored }) => sum + stored, 0), tell);
    const source = fromNetwork(request, progress);
    await loadWeights(signal, files, source, (file, bytes) => data(id, file.kind, file.index, bytes));
    progress.enter('warm-up');
    const verdict = await selfTest(id);
    signal.throwIfAborted();
    if (!verdict.passed) throw new SelfTestFailure(opened, verdict.cosine);
    progress.enter('ready');
    return { request, opened, fallback: opened.fallback, selfTest: verdict, progress, loadMs: 0 };
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    // Whatever goes wrong with tidying up, what went wrong before is what counts.
    await fail(id, name, message).then(() => dispose(id)).catch(() => {});
    signal.throwIfAborted();
    if (mayFallBack && (error instanceof SelfTestFailure || name === DeviceLostError.name)) return message;
    if (error instanceof SelfTestFailure) throw error.asPublic(request.model);
    throw error;
  }
}

/** A device that computes something else than the model's known embeddings. */
class SelfTestFailure extends Error {
  #onGPU;

  /**
   * @param {Opened} opened
   * @param {number} cosine
   */
  constructor({ device, adapter }, cosine) {
    super(`The self-test failed on ${adapter || device}: the cosine to the known embeddings is ${cosine.toFixed(6)}.`);
    this.#onGPU = device === 'webgpu';
  }

  /** @param {string} url */
  asPublic(url) {
    return this.#onGPU
      ? new WebGPUUnavailableError(`${this.message} This GPU or its driver computes wrong results; use device 'auto' or 'cpu'.`)
      : new ModelError(`${this.message} The model at ${url} is damaged, or was packed by another version.`, { url });
  }
}

/**
 * @param {AbortSignal} signal
 * @param {OpenRequest} request
 */
async function fetchManifest(signal, { model, cache }) {
  const url = new URL('manifest.json', model).href;
  /** @type {Uint8Array} */
  let bytes;
  try {
    // The manifest alone keeps its name when a model changes, so it is always asked after.
    bytes = await download(signal, url, { limit: longestManifest, cache: cache ? 'no-cache' : 'no-store' });
  } catch (cause) {
    if (!(cause instanceof ModelError) || (cause.status !== 404 && cause.status !== 410)) throw cause;
    throw new ModelError(`There is no model at ${model}: its manifest.json answered HTTP ${cause.status}.`, { url, status: cause.status, cause });
  }
  // Hosts of single-page apps answer any address with the app.
  if (/^\s*</.test(new TextDecoder().decode(bytes.subarray(0, 64)))) {
    throw new ModelError(`There is no model at ${model}: instead of manifest.json the server sent a web page.`, { url, status: 200 });
  }
  return bytes;
}

/**
 * The network as a source of files. They are named by their hash and never change, so a cached one need not be asked
 * after. A store of their own would stand before this: a Source that asks this one for what it lacks.
 * @param {OpenRequest} request
 * @param {Progress} progress
 * @returns {import('./weights.js').Source}
 */
function fromNetwork({ model, cache }, progress) {
  return (signal, file, { fresh }) =>
    download(signal, new URL(file.file, model).href, {
      limit: file.stored,
      size: file.stored,
      cache: !cache ? 'no-store' : fresh ? 'reload' : 'force-cache',
      onBytes: (bytes) => progress.received(`${file.kind}/${file.index}`, bytes, false),
    });
}

/**
 * @param {number} id
 * @returns {Model}
 */
function modelOf(id) {
  const model = models.get(id);
  if (!model) throw new DOMException('The Clip has been disposed.', 'InvalidStateError');
  return model;
}

/**
 * @param {Model} model
 * @returns {Promise<ClipInfo>}
 */
async function describe({ request, opened, fallback, selfTest, progress, loadMs }) {
  const { timings } = await (await engine).info(opened.id);
  return {
    model: opened.model,
    url: request.model,
    towers: request.towers,
    size: opened.size,
    dim: opened.dim,
    device: opened.device,
    adapter: opened.adapter,
    software: opened.software,
    features: opened.features,
    maxTextureSide: opened.maxTextureSide,
    fallback,
    selfTest,
    bytes: progress.bytes,
    timings: { load: loadMs, image: timings.image, text: timings.text },
  };
}

/**
 * Decodes a call's pictures and runs the engine over them in batches. All of them are closed when it is settled.
 * @param {AbortSignal} signal
 * @param {Model} model
 * @param {Source[]} sources
 * @param {(pictures: Picture[], from: number) => Promise<void>} run
 */
async function withPictures(signal, { opened }, sources, run) {
  const maxSide = opened.device === 'webgpu' ? opened.maxTextureSide : 0;
  try {
    await inBatches(signal, sources.length, (index) => decode(sources[index], maxSide), run);
  } finally {
    for (const source of sources) if ('bitmap' in source) source.bitmap.close(); // those that were never reached too
  }
}

/**
 * Runs an engine call that the signal can end.
 * @template T
 * @param {AbortSignal} signal
 * @param {(call: number) => Promise<T>} start
 * @returns {Promise<T>}
 */
async function abortable(signal, start) {
  const { abort } = await engine;
  signal.throwIfAborted();
  const call = ++calls;
  const onAbort = () => abort(call);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await start(call);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * @param {Float32Array} rows one after the other
 * @param {number} dim
 * @returns {Float32Array<ArrayBuffer>[]} each with a buffer of its own, which can be transferred
 */
function split(rows, dim) {
  return Array.from({ length: rows.length / dim }, (_, i) => rows.slice(i * dim, (i + 1) * dim));
}
