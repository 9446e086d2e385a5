// One file over the network, with patience: what may pass (a dropped connection, a busy server) is tried again.

import { IntegrityError, ModelError } from './errors.js';
import { release } from './memory.js';
import { anySignal } from './signals.js';

/** How often a file is asked for before giving up. */
const tries = 5;
/** The wait before the second try; it doubles with each further one. Varied by half, so that clients spread out. */
const firstWaitMs = 250;
/** The longest that a server's Retry-After is obeyed. */
const longestWaitMs = 30_000;
/**
 * What a test replaces.
 * @typedef {object} Network
 * @property {typeof globalThis.fetch} fetch
 * @property {(ms: number, signal: AbortSignal) => Promise<void>} sleep rejects with the signal's reason
 * @property {() => number} random from 0 up to 1
 * @property {number} stallMs a response that brings no byte for so long is given up as a dropped connection
 */

/** @type {Network} */
export const network = {
  fetch: (...args) => fetch(...args),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      }, ms);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    }),
  random: Math.random,
  stallMs: 20_000,
};

/** A failure that may be gone a moment later. */
class Passing {
  /**
   * @param {ModelError} error what to say if it is not
   * @param {number} [waitMs] how long the server asked to wait
   */
  constructor(error, waitMs) {
    this.error = error;
    this.waitMs = waitMs;
  }
}

/**
 * @param {AbortSignal} signal
 * @param {string} url
 * @param {object} options
 * @param {number} options.limit no more bytes than this are ever held; a longer file is an IntegrityError
 * @param {number} [options.size] how long the file must be; a shorter one counts as a dropped connection
 * @param {() => ArrayBuffer} [options.memory] gives memory for as many bytes as are expected, for each try anew; all of it may be used
 * @param {RequestCache} [options.cache]
 * @param {number} [options.hurryMs] what cannot be reached, or brings no byte for so long, is given up at the first try
 * @param {(bytes: number) => void} [options.onBytes] told how many bytes of the file are there; begins anew with each try
 * @param {Network} [via]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {ModelError} with the URL, and the status where there is one
 * @throws {IntegrityError} if it is too long
 * @throws the signal's reason
 */
export async function download(signal, url, options, via = network) {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      // What came short once may have come so from a cache.
      const cache = attempt > 1 && options.cache !== 'no-store' ? 'reload' : options.cache;
      return await once(signal, url, { ...options, cache }, via);
    } catch (failure) {
      signal.throwIfAborted();
      if (!(failure instanceof Passing)) throw failure;
      if (attempt === tries || (options.hurryMs !== undefined && failure.error.status === undefined)) throw failure.error;
      const wait = failure.waitMs ?? firstWaitMs * 2 ** (attempt - 1) * (0.5 + via.random());
      await via.sleep(wait, signal);
    }
  }
}

/**
 * @param {AbortSignal} signal
 * @param {string} url
 * @param {{ limit: number, size?: number, memory?: () => ArrayBuffer, cache?: RequestCache, hurryMs?: number, onBytes?: (bytes: number) => void }} options
 * @param {Network} via
 */
async function once(signal, url, { limit, size, memory = () => new ArrayBuffer(64 << 10), cache = 'default', hurryMs, onBytes }, via) {
  const stallMs = Math.min(hurryMs ?? Infinity, via.stallMs);
  const stalled = new AbortController();
  const either = anySignal([signal, stalled.signal]);
  let timer = setTimeout(() => stalled.abort(), stallMs);
  try {
    const response = await via.fetch(url, { signal: either, cache, credentials: 'same-origin' });
    if (!response.ok) throw refused(url, response);
    if (!response.body) throw new ModelError(`${url} answered without a body.`, { url, status: response.status });

    const bytes = new Gathered(memory(), limit);
    onBytes?.(0);
    for (const reader = readerOf(response.body); ;) {
      const { done, value } = await reader.read(bytes.room());
      if (value) bytes.add(value);
      if (done) break;
      clearTimeout(timer);
      timer = setTimeout(() => stalled.abort(), stallMs);
      if (bytes.length > limit) {
        reader.cancel().catch(() => {});
        throw new IntegrityError(
          `${url} is longer than ${limit} bytes: it is another file, or the server stored it compressed and the browser undid that.`,
        );
      }
      onBytes?.(bytes.length);
    }
    if (size !== undefined && bytes.length < size) {
      throw new Passing(new ModelError(`${url} ended after ${bytes.length} of ${size} bytes.`, { url, status: response.status }));
    }
    return bytes.take();
  } catch (cause) {
    if (cause instanceof ModelError || cause instanceof IntegrityError || cause instanceof Passing) throw cause;
    signal.throwIfAborted();
    throw new Passing(
      stalled.signal.aborted ? new ModelError(`${url} brought nothing for ${stallMs / 1000} s.`, { url }) : unreachable(url, cause),
    );
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {string} url
 * @param {Response} response not ok
 * @returns {ModelError | Passing}
 */
function refused(url, response) {
  const { status } = response;
  response.body?.cancel().catch(() => {});
  const error = new ModelError(`${url} answered HTTP ${status}${response.statusText && ` ${response.statusText}`}.`, { url, status });
  return status === 429 || status >= 500 ? new Passing(error, retryAfter(response.headers.get('Retry-After'))) : error;
}

/**
 * @param {string} url
 * @param {unknown} cause what fetch threw; it never says why
 */
function unreachable(url, cause) {
  const elsewhere = new URL(url).origin !== globalThis.location?.origin;
  const hint = elsewhere
    ? ', or its server does not allow other sites to read it (CORS), or the page’s Content-Security-Policy (connect-src) does not'
    : '';
  return new ModelError(`${url} could not be reached: no network, or the connection was cut${hint}.`, { url, cause });
}

/**
 * @param {string | null} header seconds, or a date (RFC 9110, 10.2.3)
 * @param {number} [now] milliseconds
 * @returns {number | undefined} milliseconds to wait
 */
export function retryAfter(header, now = Date.now()) {
  if (!header) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestWaitMs);
}

/**
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 * @returns {ReadableStreamBYOBReader} one that writes where it is told; where the browser has none for bodies, one that makes an
 *   array of each piece, whatever it is told
 */
function readerOf(body) {
  try {
    return body.getReader({ mode: 'byob' });
  } catch {
    return /** @type {any} */ (body.getReader());
  }
}

/**
 * Bytes that come in pieces, in one buffer. The browser writes into it where it can: arrays that it makes of pieces stay
 * for a while when they are of no use any more, and while 256 MB of weights came, they were 250 MB.
 */
class Gathered {
  #memory;
  #limit;
  length = 0;

  /**
   * @param {ArrayBuffer} memory that is replaced when it is full
   * @param {number} limit of the length; what comes beyond counts, and is not kept
   */
  constructor(memory, limit) {
    this.#memory = memory;
    this.#limit = limit;
  }

  /** @returns {Uint8Array<ArrayBuffer>} where the next bytes may be written; it takes the memory away, until it is added */
  room() {
    if (this.length === this.#limit) return new Uint8Array(1); // the end is what is to come
    if (this.length === this.#memory.byteLength) this.#grow(2 * this.length);
    return new Uint8Array(this.#memory, this.length, Math.min(this.#memory.byteLength, this.#limit) - this.length);
  }

  /** @param {Uint8Array<ArrayBuffer>} piece what of the room was written to, or an array of its own */
  add(piece) {
    const length = this.length + piece.length;
    if (this.#memory.byteLength === 0) {
      this.#memory = piece.buffer;
    } else if (length <= this.#limit) {
      if (length > this.#memory.byteLength) this.#grow(Math.max(length, 2 * this.length));
      new Uint8Array(this.#memory).set(piece, this.length);
      release(piece);
    }
    this.length = length;
  }

  /** @param {number} capacity */
  #grow(capacity) {
    const larger = new ArrayBuffer(capacity);
    new Uint8Array(larger).set(new Uint8Array(this.#memory, 0, this.length));
    this.#memory = larger;
  }

  take() {
    return new Uint8Array(this.#memory, 0, this.length);
  }
}
