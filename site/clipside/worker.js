// The Worker: one engine, the models of all the page's Clips, and the functions that the page calls.

import { inBatches } from './batches.js';
import { serve } from './bridge.js';
import { Counting } from './counting.js';
import { startEngine } from './engine.js';
import { waysToManifest } from './manifest.js';
import { maxSideOf, Model } from './model.js';
import { decode } from './pictures.js';
import { openStore } from './sources.js';

/** @typedef {import('./bridge.js').CallContext} CallContext */
/** @typedef {import('./engine.js').Opened} Opened */
/** @typedef {import('./engine.js').Picture} Picture */
/** @typedef {import('./inputs.js').Source} Source */
/** @typedef {import('../clipside.js').ClipInfo} ClipInfo */
/** @typedef {import('../clipside.js').Device} Device */
/** @typedef {import('../clipside.js').Tower} Tower */

/**
 * What the page asks a model to be loaded with.
 * @typedef {object} OpenRequest
 * @property {number} id that the page gives the model
 * @property {string} model absolute URL of the bundle's directory, ending in a slash
 * @property {Device} device
 * @property {Tower[]} towers
 * @property {boolean} cache
 * @property {boolean} profile
 * @property {string} integrity SHA-256 of the manifest in hex, or empty
 * @property {number} startedAt when createClip was called, in milliseconds since the epoch; page and Worker count from different origins
 */

/** @typedef {typeof methods} EngineMethods */

/** @type {Map<number, Model>} */
const models = new Map();

let calls = 0;

const methods = {
  /**
   * Opens a model and begins to load it. Calls wait for what they need of it.
   * @param {OpenRequest} request
   * @param {CallContext} context of the opening alone; dispose ends the loading
   * @returns {Promise<{ info: ClipInfo }>}
   */
  async open(request, { signal }) {
    const store = await openStore(request.model, request.cache);
    const ways = waysToManifest(signal, request, store);
    for (let way = 0; ; way++) {
      const manifest = await ways[way]();
      if (!manifest) continue;
      try {
        const model = await Model.open(signal, await engine, request, manifest, store);
        const info = await model.info();
        if (signal.aborted) await model.dispose();
        signal.throwIfAborted();
        models.set(request.id, model);
        return { info };
      } catch (error) {
        signal.throwIfAborted();
        const pinned = /** @type {Error} */ (error).name === 'IntegrityError';
        if (!pinned || way === ways.length - 1) throw error;
      }
    }
  },

  /**
   * Resolves once the model may answer.
   * @param {{ id: number }} request
   * @param {CallContext} context whose signal ends the waiting, not the loading
   * @returns {Promise<{ info: ClipInfo }>}
   */
  async ready({ id }, { signal, progress }) {
    const model = modelOf(id);
    const stop = progress && model.watch(progress);
    try {
      await model.ready(signal);
    } finally {
      stop?.();
    }
    return { info: await model.info() };
  },

  /**
   * @param {{ id: number, sources: Source[], labels: string[], templates: string[], topK: number }} request
   * @param {CallContext} context
   */
  async classify({ id, sources, labels, templates, topK }, { signal, progress, transfer }) {
    const model = modelOf(id);
    const counting = progress && new Counting(true, sources.length, progress);
    /** @type {import('../clipside.js').Label[][]} */
    const results = [];
    /** @type {Set<number>} */
    const truncated = new Set();
    const spent = await withPictures(
      signal,
      transfer,
      model,
      sources,
      counting,
      async (session, pictures) => {
        const { classify } = await engine;
        return abortable(signal, (call) => classify(session, call, pictures, labels, templates, topK, counting?.engine));
      },
      (answer) => {
        results.push(...answer.results);
        for (const index of answer.truncated) truncated.add(index);
      },
    );
    return { results, truncated: [...truncated], spent, info: await model.info() };
  },

  /**
   * @param {{ id: number, sources: Source[] }} request
   * @param {CallContext} context
   */
  async embedImages({ id, sources }, { signal, progress, transfer }) {
    const model = modelOf(id);
    const counting = progress && new Counting(false, sources.length, progress);
    /** @type {Float32Array<ArrayBuffer>[]} */
    const embeddings = [];
    const spent = await withPictures(
      signal,
      transfer,
      model,
      sources,
      counting,
      async (session, pictures, dim) => {
        const { embedImages } = await engine;
        return split(await abortable(signal, (call) => embedImages(session, call, pictures, counting?.engine)), dim);
      },
      (some) => void embeddings.push(...some),
    );
    for (const { buffer } of embeddings) transfer.push(buffer); // which may be more than a call takes arguments
    return { embeddings, spent, info: await model.info() };
  },

  /**
   * @param {{ id: number, texts: string[] }} request
   * @param {CallContext} context
   */
  async embedTexts({ id, texts }, { signal, progress, transfer }) {
    const model = modelOf(id);
    const counting = progress && new Counting(true, 0, progress);
    const { embedTexts } = await engine;
    const { embeddings, truncated } = await model.run(signal, async (opened) => {
      const answer = await abortable(signal, (call) => embedTexts(opened.id, call, texts, counting?.engine));
      return { embeddings: split(answer.embeddings, opened.dim), truncated: answer.truncated };
    });
    counting?.end();
    for (const { buffer } of embeddings) transfer.push(buffer);
    return { embeddings, truncated, info: await model.info() };
  },

  /**
   * @param {{ id: number, sources: Source[], texts: string[] }} request
   * @param {CallContext} context
   */
  async similarity({ id, sources, texts }, { signal, progress, transfer }) {
    const model = modelOf(id);
    const counting = progress && new Counting(true, sources.length, progress);
    const logits = new Float32Array(sources.length * texts.length);
    /** @type {Set<number>} */
    const truncated = new Set();
    const spent = await withPictures(
      signal,
      transfer,
      model,
      sources,
      counting,
      async (session, pictures) => {
        const { similarity } = await engine;
        return abortable(signal, (call) => similarity(session, call, pictures, texts, counting?.engine));
      },
      (answer, from) => {
        logits.set(answer.logits, from * texts.length);
        for (const index of answer.truncated) truncated.add(index);
      },
    );
    transfer.push(logits.buffer);
    return { logits, rows: sources.length, cols: texts.length, truncated: [...truncated], spent, info: await model.info() };
  },

  /** @param {{ id: number }} request */
  async dispose({ id }) {
    const model = models.get(id);
    models.delete(id);
    await model?.dispose();
  },
};

const declareDead = serve(self, methods);
const engine = startEngine(declareDead);
engine.catch(declareDead);

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
 * Decodes a call's pictures and runs the engine over them in batches. All of them are closed when it is settled.
 * @template R
 * @param {AbortSignal} signal
 * @param {Transferable[]} transfer of the answer
 * @param {Model} model
 * @param {Source[]} sources
 * @param {Counting | undefined} counting
 * @param {(session: number, pictures: Picture[], dim: number) => Promise<R>} run once more for a batch, if another device takes over
 * @param {(result: R, from: number) => void} take a batch's result
 * @returns {Promise<ArrayBuffer[]>} memory of pixels that the answer gives back to the page
 */
async function withPictures(signal, transfer, model, sources, counting, run, take) {
  try {
    await inBatches(
      signal,
      model.gate,
      sources.length,
      (index) => decode(sources[index], model.maxSide, model.size),
      async (pictures, from) => {
        const result = await model.run(signal, (opened) =>
          run(
            opened.id,
            pictures.map((picture) => picture(maxSideOf(opened))),
            opened.dim,
          ),
        );
        take(result, from);
        counting?.batch(pictures.length);
      },
    );
    counting?.end();
    const spent = sources.flatMap((source) => ('bytes' in source ? [source.bytes.data.buffer] : []));
    for (const buffer of spent) transfer.push(buffer);
    return spent;
  } finally {
    for (const source of sources) if ('image' in source) source.image.close(); // those that were never reached too
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
