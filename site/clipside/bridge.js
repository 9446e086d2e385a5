// Calls across postMessage. The page holds a Bridge, the Worker serves an object of functions to it.
//
//	page → Worker   { id, method, args, listens }  a call; ids count up from 1 and are never used twice
//	                { abort: id }                  its signal fired; the answer, whatever it is, will be dropped
//	Worker → page   { id, progress }               any number of times before the answer, to a call that listens
//	                { id, value }                  the answer
//	                { id, error }                  or the rejection, as errors.js writes it
//	                { fatal }                      the Worker is of no further use; every call is lost
//
// An aborted call rejects at once on the page, with its signal's reason; the Worker learns of it and stops in its time.

import { fromWire, toWire } from './errors.js';
import { tell } from './listeners.js';

/**
 * What a served function gets besides its arguments.
 * @typedef {object} CallContext
 * @property {AbortSignal} signal fires when the caller gives up
 * @property {((event: any) => void) | undefined} progress sends an event to the call's onProgress, if it has one
 * @property {Transferable[]} transfer to be filled with what the answer gives away
 */

/** @typedef {Record<string, (args: any, context: CallContext) => any>} Methods */

/**
 * The part of a Worker, a MessagePort or a Worker's own scope that this file needs.
 * @typedef {object} Port
 * @property {(message: any, options: StructuredSerializeOptions) => void} postMessage
 * @property {(type: 'message', listener: (event: MessageEvent) => void) => void} addEventListener
 */

/**
 * @typedef {object} Pending
 * @property {(value: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {((event: any) => void) | undefined} onProgress
 */

/**
 * The caller's end.
 * @template {Methods} M the functions that are served at the other end
 */
export class Bridge {
  /** @type {Port} */
  #port;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  #nextId = 1;
  /** @type {Error | undefined} */
  #closed;
  /** @type {(error: Error) => void} */
  #onFatal;

  /**
   * @param {Port} port
   * @param {(error: Error) => void} onFatal called once, after everything pending has been rejected, when the other end gives up
   */
  constructor(port, onFatal) {
    this.#port = port;
    this.#onFatal = onFatal;
    port.addEventListener('message', (event) => this.#receive(event.data));
  }

  /**
   * @template {keyof M & string} N
   * @param {AbortSignal | undefined} signal
   * @param {N} method
   * @param {Parameters<M[N]>[0]} args
   * @param {{ transfer?: Transferable[], onProgress?: (event: any) => void }} [options]
   * @returns {Promise<Awaited<ReturnType<M[N]>>>} rejects with what the function threw, with the signal's reason, or with what the bridge was closed with
   */
  call(signal, method, args, { transfer = [], onProgress } = {}) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#closed) throw this.#closed;
      const id = this.#nextId++;
      const onAbort = () => {
        this.#pending.delete(id);
        this.#port.postMessage({ abort: id }, {});
        reject(signal?.reason);
      };
      const settled = () => signal?.removeEventListener('abort', onAbort);
      this.#port.postMessage({ id, method, args, listens: onProgress !== undefined }, { transfer }); // throws what cannot be cloned
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#pending.set(id, {
        resolve: (value) => (settled(), resolve(value)),
        reject: (error) => (settled(), reject(error)),
        onProgress,
      });
    });
  }

  /**
   * Rejects every pending call, and every later one, with the error. Only the first close counts.
   * @param {Error} error
   */
  close(error) {
    if (this.#closed) return;
    this.#closed = error;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
  }

  /** @param {any} message */
  #receive(message) {
    if (this.#closed) return;
    if ('fatal' in message) {
      const error = fromWire(message.fatal);
      this.close(error);
      this.#onFatal(error);
      return;
    }
    const call = this.#pending.get(message.id);
    if (!call) return; // aborted in the meantime
    if ('progress' in message) {
      tell(call.onProgress, message.progress);
      return;
    }
    this.#pending.delete(message.id);
    if ('error' in message) call.reject(fromWire(message.error));
    else call.resolve(message.value);
  }
}

/**
 * The serving end. Calls run concurrently; what must not is for the functions to order.
 * @param {Port} port
 * @param {Methods} methods
 * @returns {(error: unknown) => void} declares this end dead
 */
export function serve(port, methods) {
  /** @type {Map<number, AbortController>} */
  const running = new Map();

  port.addEventListener('message', async ({ data: message }) => {
    if ('abort' in message) {
      running.get(message.abort)?.abort();
      return;
    }
    const { id, method, args, listens } = message;
    const controller = new AbortController();
    running.set(id, controller);
    /** @type {Transferable[]} */
    const transfer = [];
    try {
      if (!Object.hasOwn(methods, method)) throw new TypeError(`no such method: ${method}`);
      const progress = (/** @type {any} */ event) => {
        if (running.has(id) && !controller.signal.aborted) port.postMessage({ id, progress: event }, {});
      };
      const value = await methods[method](args, { signal: controller.signal, progress: listens ? progress : undefined, transfer });
      port.postMessage({ id, value }, { transfer });
    } catch (error) {
      port.postMessage({ id, error: toWire(error) }, {});
    } finally {
      running.delete(id);
    }
  });

  return (error) => port.postMessage({ fatal: toWire(error) }, {});
}
