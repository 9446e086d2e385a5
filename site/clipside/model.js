// A model in the Worker: how it is loaded onto a device, and how calls are answered while that is still going on.

import { batchGate } from './batches.js';
import { ModelError, WebGPUUnavailableError } from './errors.js';
import { fetching } from './fetching.js';
import { seesBitmaps } from './pictures.js';
import { Progress } from './progress.js';
import { anySignal, unlessAborted } from './signals.js';
import { verified } from './sources.js';
import { readTuning, writeTuning } from './tuning.js';
import { loadWeights } from './weights.js';

/** @typedef {import('./engine.js').Engine} Engine */
/** @typedef {import('./engine.js').Opened} Opened */
/** @typedef {import('./store.js').ModelStore} ModelStore */
/** @typedef {import('./worker.js').OpenRequest} OpenRequest */
/** @typedef {import('../clipside.js').ClipInfo} ClipInfo */
/** @typedef {import('../clipside.js').ClipProgress} ClipProgress */
/** @typedef {import('../clipside.js').Device} Device */
/** @typedef {import('../clipside.js').SelfTest} SelfTest */

/** Errors of the model or the way to it, which another device would meet too. All others are of the device: it may lack memory, or its driver refuse a kernel. */
const notOfDevice = ['ModelError', 'IntegrityError', 'EngineError'];

/** What is known of a self-test that is not over. @type {SelfTest} */
const untested = { passed: false, cosine: 0, runs: 0, ms: 0 };

/**
 * A model on one device.
 * @typedef {object} Session
 * @property {Opened} opened
 * @property {Promise<boolean>} trusted whether its results may be shown; false if another session has taken its place, which does the work again. Rejects if the model could not be loaded
 */

export class Model {
  /** Of its batches of pictures. */
  gate = batchGate();
  #engine;
  #request;
  #manifest;
  #store;
  /** @type {Set<(event: ClipProgress) => void>} */
  #watchers = new Set();
  /** @type {ClipProgress | undefined} */
  #latest;
  #stop = new AbortController();
  /** @type {Session} */
  #session;
  /** @type {Progress | undefined} */
  #progress;
  #selfTest = untested;
  #fallback = '';
  #storage = { kept: false, reason: '' };
  /** Settled once what makes a kept model whole is written. @type {Promise<void>} */
  #kept = Promise.resolve();
  #loadMs = 0;
  #tuning = '';

  /**
   * Chooses a device and begins to load.
   * @param {AbortSignal} signal of the opening alone
   * @param {Engine} engine
   * @param {OpenRequest} request
   * @param {Uint8Array<ArrayBuffer>} manifest
   * @param {ModelStore | string} store or why there is none
   * @returns {Promise<Model>}
   */
  static async open(signal, engine, request, manifest, store) {
    const { device, towers, integrity, profile } = request;
    const opened = await engine.open({ manifest, integrity, device, towers, profile });
    if (signal.aborted) {
      await engine.dispose(opened.id);
      throw signal.reason;
    }
    return new Model(engine, request, manifest, store, opened);
  }

  /**
   * @private
   * @param {Engine} engine
   * @param {OpenRequest} request
   * @param {Uint8Array<ArrayBuffer>} manifest
   * @param {ModelStore | string} store
   * @param {Opened} opened
   */
  constructor(engine, request, manifest, store, opened) {
    this.#engine = engine;
    this.#request = request;
    this.#manifest = manifest;
    this.#store = store;
    this.#fallback = opened.fallback;
    this.#session = this.#begin(opened, request.device === 'auto' && opened.device === 'webgpu');
  }

  /** The longest side of a picture that the device takes as a bitmap; 0 where it takes rows only. */
  get maxSide() {
    return maxSideOf(this.#session.opened);
  }

  /** Pixels of a side that the image encoder sees. */
  get size() {
    return this.#session.opened.size;
  }

  /**
   * Resolves once the weights are there, and kept where they are to be, and the device has proved itself.
   * @param {AbortSignal} [signal] ends the waiting
   * @returns {Promise<void>}
   */
  async ready(signal) {
    while (!(await unlessAborted(signal, this.#session.trusted)));
    await unlessAborted(signal, this.#kept);
  }

  /**
   * @param {(event: ClipProgress) => void} watcher told at once how far it is, and from then on
   * @returns {() => void} ends it
   */
  watch(watcher) {
    this.#watchers.add(watcher);
    if (this.#latest) watcher(this.#latest);
    return () => this.#watchers.delete(watcher);
  }

  /** @param {ClipProgress} event */
  #tell(event) {
    this.#latest = event;
    for (const watcher of this.#watchers) watcher(event);
  }

  /**
   * Does a task on the model's device, as soon as the weights that it needs are there. Its result is given out only
   * when the device is known to compute what it should; if that turns out otherwise, and another device takes its
   * place, or the device takes no bitmaps after all, the task is done again.
   * @template T
   * @param {AbortSignal} signal
   * @param {(opened: Opened) => Promise<T>} task
   * @returns {Promise<T>}
   */
  async run(signal, task) {
    for (;;) {
      const { opened, trusted } = this.#session;
      const { maxTextureSide } = opened;
      /** @type {T} */
      let result;
      try {
        result = await task(opened);
      } catch (error) {
        signal.throwIfAborted();
        // The caller's own mistakes say nothing about the device. For others, what became of the model says more.
        const { name } = /** @type {Error} */ (error);
        if (name === 'TypeError' || name === 'ImageDecodeError' || (await unlessAborted(signal, trusted))) throw error;
        continue;
      }
      if ((await unlessAborted(signal, trusted)) && maxTextureSide === opened.maxTextureSide) return result;
    }
  }

  /** @returns {Promise<ClipInfo>} */
  async info() {
    const { opened } = this.#session;
    const profiled = this.#request.profile && (await this.#engine.profile(opened.id));
    return {
      model: opened.model,
      url: this.#request.model,
      towers: this.#request.towers,
      size: opened.size,
      dim: opened.dim,
      device: opened.device,
      adapter: opened.adapter,
      software: opened.software,
      features: opened.features,
      maxTextureSide: opened.maxTextureSide,
      fallback: this.#fallback,
      kernels: Object.fromEntries(this.#tuning.split('\n').flatMap((line) => (line ? [line.split(' ')] : []))),
      selfTest: this.#selfTest,
      storage: this.#storage,
      bytes: this.#progress?.bytes ?? { total: 0, fetched: 0, cached: 0 },
      timings: { load: this.#loadMs, ...opened.timings },
      ...(profiled && { profile: profiled.ops, peak: profiled.peak }),
    };
  }

  /** Stops what is under way and frees the device. */
  async dispose() {
    this.#stop.abort(new DOMException('The Clip has been disposed.', 'InvalidStateError'));
    await this.#session.trusted.catch(() => {});
    await this.#kept;
    await this.#engine.dispose(this.#session.opened.id);
  }

  /**
   * @param {Opened} opened
   * @param {boolean} mayFallBack
   * @returns {Session}
   */
  #begin(opened, mayFallBack) {
    const trusted = this.#load(opened).then(
      () => true,
      (error) => this.#recover(opened, error, mayFallBack),
    );
    trusted.catch(() => {}); // told to whoever asks
    return { opened, trusted };
  }

  /** @param {Opened} opened */
  async #compile({ id, device, adapter }) {
    const keep = device === 'webgpu' && this.#request.cache;
    const known = keep ? await readTuning(adapter) : '';
    this.#tuning = await this.#engine.compile(id, known);
    if (keep && this.#tuning !== known) await writeTuning(adapter, this.#tuning);
  }

  /** @param {Opened} opened */
  async #load(opened) {
    const { id, files } = opened;
    const { selfTest, data } = this.#engine;
    const failed = new AbortController();
    const signal = anySignal([this.#stop.signal, failed.signal]);
    signal.throwIfAborted();

    const total = files.reduce((sum, { stored }) => sum + stored, 0);
    const progress = (this.#progress ??= new Progress(this.#request.model, total, (event) => this.#tell(event)));
    // Both need no weights to begin with: programs are made while the first bytes come, and the test's first run goes
    // along with the rest of them.
    let compiled = false;
    const compiling = this.#compile(opened).then(() => void (compiled = true));
    const testing = compiling.then(async () => {
      if (opened.maxTextureSide && !(await seesBitmaps(this.#engine, opened).catch(() => false))) opened.maxTextureSide = 0;
      return selfTest(id);
    });
    testing.catch((error) => failed.abort(error));

    const { source, storage, end } = await fetching(this.#request, this.#store, total, progress);
    try {
      await loadWeights(signal, files, source, ({ kind, index }, { bytes }) => data(id, kind, index, bytes, verified));
      this.#storage = await storage();
    } finally {
      end();
    }
    if (!compiled) progress.enter('compile');
    await compiling;
    progress.enter('warm-up');
    const verdict = await testing;
    signal.throwIfAborted();
    if (!verdict.passed) throw new SelfTestFailure(opened, verdict.cosine);
    this.#selfTest = verdict;
    this.#loadMs = performance.timeOrigin + performance.now() - this.#request.startedAt;
    progress.enter('ready');
    // A model that is not kept for the next visit works all the same, and no result waits for it.
    if (typeof this.#store !== 'string') this.#kept = this.#store.commit(this.#manifest, this.#storage.kept).catch(() => {});
  }

  /**
   * @param {Opened} opened
   * @param {unknown} error why it could not be loaded
   * @param {boolean} mayFallBack whether the CPU may take over
   * @returns {Promise<false>}
   */
  async #recover(opened, error, mayFallBack) {
    const { fail, dispose, open } = this.#engine;
    const { name, message } = /** @type {Error} */ (error);
    // Whatever goes wrong with tidying up, what went wrong before is what counts.
    await fail(opened.id, name, message).catch(() => {});
    this.#stop.signal.throwIfAborted();
    const wrong = error instanceof SelfTestFailure;
    if (!mayFallBack || notOfDevice.includes(name)) {
      await dispose(opened.id).catch(() => {});
      throw wrong ? error.asPublic(this.#request.model) : error;
    }
    const { towers, integrity, profile } = this.#request;
    const second = await open({ manifest: this.#manifest, integrity, device: 'cpu', towers, profile });
    this.#fallback = message;
    this.#session = this.#begin(second, false);
    await dispose(opened.id).catch(() => {});
    return false;
  }
}

/** @param {Opened} opened */
export function maxSideOf({ device, maxTextureSide }) {
  return device === 'webgpu' ? maxTextureSide : 0;
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
