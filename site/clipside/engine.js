// The Go engine in this Worker: how it is started, what it can do, and how its end is noticed.

import './wasm_exec.js'; // Go's own loader; defines globalThis.Go
import { EngineError } from './errors.js';
import * as replay from './replay.js';
import { readStrips } from './strips.js';
import { startThreads } from './threads.js';

/**
 * A picture as the engine takes it.
 * @typedef {{ bitmap: ImageBitmap } | Pixels} Picture
 */

/**
 * A picture whose pixels the engine reads, as much at a time as suits it, from top to bottom. A pixel is 4 bytes, alpha
 * last.
 * @typedef {object} Pixels
 * @property {number} width
 * @property {number} height
 * @property {boolean} bgr whether blue comes first, not red
 * @property {'none' | 'straight' | 'premultiplied'} alpha whether the fourth byte means nothing, or what it is to the colours: they are laid over white
 * @property {(into: Uint8Array, x: number, y: number, width: number, height: number) => Promise<unknown> | void} read writes a rectangle of them, without padding, into what may be shared memory, and begins at a multiple of 4 bytes
 * @property {Uint8ClampedArray} [all] of them, where they are in memory one after the other
 */

/**
 * A stored file of a bundle.
 * @typedef {object} BundleFile
 * @property {'tokenizer' | 'text' | 'image'} kind
 * @property {number} index within its kind
 * @property {string} file its name, relative to the manifest
 * @property {number} stored bytes as stored
 */

/**
 * What is known of a model once its manifest is read and its device chosen.
 * @typedef {object} Opened
 * @property {number} id
 * @property {import('../clipside.js').ModelInfo} model
 * @property {'webgpu' | 'cpu'} device
 * @property {string} adapter
 * @property {boolean} software
 * @property {string[]} features
 * @property {string} fallback why a rung of the ladder was passed over; empty if none was
 * @property {number} size pixels of a side that the image encoder sees
 * @property {number} dim numbers in an embedding
 * @property {number} maxTextureSide 0 where bitmaps are not for the device, or it does not see them as they are, and pixels are read
 * @property {BundleFile[]} files in the order of first use
 * @property {{ image: number, text: number }} timings milliseconds an item in the last call that computed any, 0 before the first; the engine writes them
 */

/**
 * Told how much of a call is done, for each kind first that nothing is: of the texts that have to be embedded, then of
 * the pictures.
 * @typedef {(kind: 'texts' | 'pictures', done: number, total: number) => void} Tell
 */

/**
 * The functions that the engine hands over. Embeddings are L2-normalised, one after the other. A rejection is an Error
 * whose name is that of a class in errors.js. Call numbers are the caller's, for abort. A promise that settles, with
 * AbortError too, says that the engine is done with the pictures.
 * @typedef {object} Engine
 * @property {(request: { manifest: Uint8Array, integrity: string, device: 'auto' | 'webgpu' | 'cpu', towers: string[], profile: boolean }) => Promise<Opened>} open integrity is the manifest's SHA-256 in hex, or empty; a manifest that has another is an IntegrityError
 * @property {(id: number, kind: string, index: number, bytes: Uint8Array, verified: boolean) => Promise<void>} data in order within a kind; verified says that the bytes have been hashed; after an IntegrityError the same index is expected again
 * @property {(id: number, name: string, message: string) => Promise<void>} fail what waits for weights rejects with this
 * @property {(id: number, tuning: string) => Promise<string>} compile makes the device's programs; needs no weights. Tuning is what it resolved with on an earlier visit, or empty: which kernels suit the adapter, a line "product kernel" each
 * @property {(id: number) => Promise<import('../clipside.js').SelfTest>} selfTest may be called before the weights are there, and takes no turn among other calls
 * @property {(id: number, call: number, texts: string[], tell?: Tell) => Promise<{ embeddings: Float32Array, truncated: number[] }>} embedTexts
 * @property {(id: number, call: number, pictures: Picture[], tell?: Tell) => Promise<Float32Array>} embedImages
 * @property {(id: number, call: number, pictures: Picture[], labels: string[], templates: string[], topK: number, tell?: Tell) => Promise<{ results: import('../clipside.js').Label[][], truncated: number[] }>} classify topK 0 for all; truncated are indices of labels
 * @property {(id: number, call: number, pictures: Picture[], texts: string[], tell?: Tell) => Promise<{ logits: Float32Array, rows: number, cols: number, truncated: number[] }>} similarity truncated are indices of texts
 * @property {(call: number) => void} abort
 * @property {(id: number) => Promise<{ ops: import('../clipside.js').OpTime[], peak: { gflops: number, gbps: number } }>} profile what operations have taken since the self-test, and what the device can do at best; of a model that was opened with a profile
 * @property {(id: number) => Promise<void>} dispose
 */

/**
 * Go's loader, as wasm_exec.js defines it.
 * @typedef {object} Go
 * @property {WebAssembly.Imports} importObject
 * @property {(code: number) => void} exit
 * @property {(instance: WebAssembly.Instance) => Promise<void>} run
 */

/** How many of the last lines that Go wrote are kept for the case that it dies. */
const keptLines = 100;

/**
 * Starts the engine.
 * @param {(error: EngineError) => void} onStop called once if it ends after it was ready
 * @returns {Promise<Engine>}
 * @throws {EngineError}
 */
export async function startEngine(onStop) {
  const scope = /** @type {any} */ (globalThis);
  /** @type {string[]} */
  const lines = [];
  scope.fs = files(lines);
  /** @type {Go} */
  const go = new scope.Go();
  let exitCode = 0;
  go.exit = (code) => {
    exitCode = code;
  };

  const code = await compile(new URL('./engine.wasm', import.meta.url));
  const instance = await WebAssembly.instantiate(code, go.importObject).catch((cause) => {
    throw new EngineError(`The engine could not be started: ${cause.message}.`, { cause });
  });
  scope.wasm = { instance }; // the WebGPU binding reads its memory there
  return new Promise((resolve, reject) => {
    let stopped = false;
    const stop = (/** @type {unknown} */ cause) => {
      if (stopped) return;
      stopped = true;
      const error = new EngineError(
        `The engine stopped: ${lastWords(lines) || cause || `exit code ${exitCode}`}. Make a new Clip to start it again.`,
        {
          cause: new Error(lines.join('\n'), { cause }),
        },
      );
      reject(error);
      onStop(error);
    };
    scope.clipsideThreads = startThreads; // the engine asks for them where it computes on the CPU
    scope.clipsideReplay = replay;
    scope.clipsideReadStrips = readStrips;
    scope.clipsidePromising = promising;
    scope.clipsideEngineReady = resolve;
    go.run(instance).then(() => stop(undefined), stop);
    // After the first await Go runs in callbacks of timers and promises, where a trap reaches nobody.
    const onTrap = (/** @type {unknown} */ error) => {
      if (error instanceof WebAssembly.RuntimeError) stop(error);
    };
    addEventListener('error', (event) => onTrap(event.error));
    addEventListener('unhandledrejection', (event) => onTrap(event.reason));
  });
}

/**
 * Makes a function that returns a Promise. Of the engine's own making it would cost a second way into Go and back.
 * @param {(resolve: (value: any) => void, reject: (error: any) => void, ...args: any[]) => void} start
 * @returns {(...args: any[]) => Promise<any>}
 */
function promising(start) {
  return (...args) => new Promise((resolve, reject) => start(resolve, reject, ...args));
}

/**
 * @param {URL} url
 * @returns {Promise<WebAssembly.Module>}
 */
async function compile(url) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new EngineError(`The engine could not be fetched from ${url}.`, { cause });
  }
  if (!response.ok) throw new EngineError(`The engine could not be fetched: ${url} answered HTTP ${response.status}.`);
  try {
    // Streaming compiles while it downloads, but insists on the type, which not every static host knows.
    const typed = /^application\/wasm\s*$/i.test(response.headers.get('Content-Type') ?? '');
    return await (typed ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer()));
  } catch (cause) {
    throw new EngineError(
      `The engine from ${url} could not be compiled: ${/** @type {Error} */ (cause).message}. A Content-Security-Policy must allow it (script-src 'wasm-unsafe-eval').`,
      { cause },
    );
  }
}

/**
 * What Go takes for files: it has none to open, and writes to stderr alone.
 * @param {string[]} lines that it wrote, the last ones
 */
function files(lines) {
  const decoder = new TextDecoder();
  let rest = '';
  const writeSync = (/** @type {number} */ _fd, /** @type {Uint8Array} */ bytes) => {
    const complete = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = /** @type {string} */ (complete.pop());
    for (const line of complete) console.warn(line);
    lines.push(...complete);
    lines.splice(0, lines.length - keptLines);
    return bytes.length;
  };
  return {
    writeSync,
    /** @type {(fd: number, bytes: Uint8Array, offset: number, length: number, position: null, done: (error: null, written: number) => void) => void} */
    write: (fd, bytes, _offset, _length, _position, done) => done(null, writeSync(fd, bytes)),
    constants: { O_WRONLY: -1, O_RDWR: -1, O_CREAT: -1, O_TRUNC: -1, O_APPEND: -1, O_EXCL: -1 }, // are read as it starts
  };
}

/**
 * @param {string[]} lines
 * @returns {string} the line in which Go says why it died, else the last ones
 */
function lastWords(lines) {
  const said = lines.find((line) => /^(panic|fatal error|runtime): /.test(line));
  return said ?? lines.filter(Boolean).slice(-3).join(' / ');
}
