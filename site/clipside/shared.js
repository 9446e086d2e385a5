// Clips of one model share it: its weights are loaded once, and freed with the last of them.

import { DeviceLostError, EngineError } from './errors.js';
import { lease } from './host.js';
import { tell } from './listeners.js';
import { unlessAborted } from './signals.js';

/** @typedef {import('./worker.js').EngineMethods} EngineMethods */
/** @typedef {import('./worker.js').OpenRequest} OpenRequest */
/** @typedef {import('../clipside.js').ClipInfo} ClipInfo */
/** @typedef {import('../clipside.js').ClipProgress} ClipProgress */

/**
 * One Clip's hold on a model.
 * @typedef {object} Hold
 * @property {number} id the Worker's, of the model
 * @property {ClipInfo} info as it was when the model was opened
 * @property {Promise<ClipInfo>} ready as it is once the model may answer; rejects if it could not be loaded, or the hold's signal fires first
 * @property {import('./bridge.js').Bridge<EngineMethods>['call']} call
 * @property {() => Promise<void>} release to be called once; resolves when this hold is gone, and with the last one the model. Never rejects
 */

/** Models are numbered by the page, so that one can be disposed of whose opening it did not wait for. */
let lastModel = 0;

/** Models that a new Clip may join. @type {Map<string, SharedModel>} */
const joinable = new Map();

/**
 * Takes hold of a model as soon as it is open; it is loaded unless another Clip has it already or is just loading it.
 * @param {Omit<OpenRequest, 'id' | 'startedAt'>} request
 * @param {string} worker see spawn
 * @param {number} startedAt see OpenRequest
 * @param {AbortSignal | undefined} signal ends this hold's waiting; the loading ends when nobody waits for it any more
 * @param {((event: ClipProgress) => void) | undefined} onProgress of the loading, also of one that another Clip started
 * @returns {Promise<Hold>}
 */
export async function hold(request, worker, startedAt, signal, onProgress) {
  signal?.throwIfAborted();
  const { model, integrity, device, towers, cache, profile } = request;
  const key = JSON.stringify([model, integrity, device, towers, cache, profile, worker]);
  const known = joinable.get(key);
  if (known) return known.join(signal, onProgress);
  const loading = new SharedModel(lease(worker), { ...request, id: ++lastModel, startedAt }, () => {
    if (joinable.get(key) === loading) joinable.delete(key);
  });
  joinable.set(key, loading);
  return loading.join(signal, onProgress);
}

class SharedModel {
  #lease;
  #retire;
  #holds = 0;
  #stop = new AbortController();
  #id;
  /** @type {Promise<{ info: ClipInfo }>} */
  #opened;
  /** @type {Promise<ClipInfo>} */
  #ready;
  /** @type {ClipProgress | undefined} */
  #latest;
  /** @type {Set<{ onProgress: (event: ClipProgress) => void }>} */
  #listeners = new Set();

  /**
   * @param {import('./host.js').Lease} lease
   * @param {OpenRequest} request
   * @param {() => void} retire keeps new Clips from joining
   */
  constructor(lease, request, retire) {
    this.#lease = lease;
    this.#retire = retire;
    this.#id = request.id;
    this.#opened = lease.bridge.call(this.#stop.signal, 'open', request);
    this.#ready = this.#load();
    this.#ready.catch(retire);
  }

  /**
   * @param {AbortSignal | undefined} signal
   * @param {((event: ClipProgress) => void) | undefined} onProgress
   * @returns {Promise<Hold>}
   */
  async join(signal, onProgress) {
    this.#holds++;
    const listener = onProgress && { onProgress };
    const forget = () => void (listener && this.#listeners.delete(listener));
    try {
      if (listener) {
        this.#listeners.add(listener);
        if (this.#latest) tell(listener.onProgress, this.#latest);
      }
      const { info } = await unlessAborted(signal, this.#opened);
      const ready = unlessAborted(signal, this.#ready).finally(forget);
      ready.catch(() => {}); // told to whoever waits for it, and to every call
      return { id: this.#id, info, ready, call: (...args) => this.#call(...args), release: () => (forget(), this.#leave()) };
    } catch (error) {
      forget();
      this.#leave();
      throw error;
    }
  }

  async #load() {
    await this.#opened;
    const { info } = await this.#lease.bridge.call(
      this.#stop.signal,
      'ready',
      { id: this.#id },
      { onProgress: (event) => this.#tell(event) },
    );
    return info;
  }

  /** @type {Hold['call']} */
  async #call(...args) {
    try {
      return await this.#lease.bridge.call(...args);
    } catch (error) {
      // The model is lost. Whoever makes a new Clip must get a new one.
      if (error instanceof DeviceLostError || error instanceof EngineError) this.#retire();
      throw error;
    }
  }

  async #leave() {
    if (--this.#holds > 0) return;
    this.#retire();
    this.#stop.abort(new DOMException('The Clip has been disposed.', 'InvalidStateError'));
    try {
      // The Worker's end frees everything; while others use it, the model's memory alone is freed: of a model that is not
      // open yet the abort sees to it, of one whose answer is on its way this does.
      if (!this.#lease.isLast()) await this.#lease.bridge.call(undefined, 'dispose', { id: this.#id });
    } catch {
      // The engine has stopped, and the memory is free all the same.
    } finally {
      this.#lease.release();
    }
  }

  /** @param {ClipProgress} event */
  #tell(event) {
    this.#latest = event;
    for (const listener of this.#listeners) tell(listener.onProgress, event);
  }
}
