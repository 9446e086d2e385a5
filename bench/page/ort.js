// onnxruntime-web as a contender, in the fastest configuration that works.

import { address, cosine } from './inputs.js';

/** @typedef {import('./inputs.js').ModelFacts} ModelFacts */

/**
 * How a session runs on WebGPU. 'graph': commands are captured once and replayed, input and output are buffers on the
 * GPU. 'buffers': the same, not captured. 'plain': tensors in the page's memory.
 * @typedef {'graph' | 'buffers' | 'plain'} WebGPUMode
 */

/**
 * @typedef {object} Trial of a mode
 * @property {string} problem why it does not work; empty if it does
 * @property {number} ms of a warm call, the median; 0 where it does not work
 */

// The language's own types lack these constants.
const { GPUBufferUsage, GPUMapMode } = /** @type {any} */ (globalThis);

/**
 * @typedef {object} PeerOptions
 * @property {'webgpu' | 'wasm'} provider
 * @property {boolean} half whether the model is the fp16 one
 * @property {number} threads
 * @property {boolean} worker whether the runtime computes in a Worker of its own, on the CPU; else in the page's thread
 * @property {{ image: WebGPUMode, text: WebGPUMode }} modes how the encoders run on WebGPU
 */

/** What tryMode says of a mode that it has no time for. */
const tooSlow = 'too slow to find out';

/** How many calls tryMode makes, and for how long, beyond those that tell whether a mode works. */
const timedTrials = 20;
const timedMilliseconds = 1000;

export class Ort {
  /**
   * @param {any} ort
   * @param {ModelFacts} facts
   * @param {PeerOptions} options
   */
  constructor(ort, facts, options) {
    this.ort = ort;
    this.facts = facts;
    this.options = options;
  }

  /**
   * @param {ModelFacts} facts
   * @param {PeerOptions} options
   */
  static async open(facts, options) {
    const base = address('../ort/');
    const ort = await import(base + bundleFor(options.provider));
    ort.env.wasm.wasmPaths = base;
    ort.env.wasm.numThreads = options.threads;
    ort.env.wasm.proxy = options.worker;
    ort.env.logLevel = 'error';
    return new Ort(ort, facts, options);
  }

  /**
   * A function that runs an encoder on n inputs at a time and resolves with their embeddings, one after the other.
   * @param {'image' | 'text'} kind
   * @param {number} n
   * @returns {Promise<{ run: (values: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>) => Promise<Float32Array>, mode: string, release: () => Promise<void> }>}
   */
  async encoder(kind, n) {
    const url = this.#url(kind);
    if (this.options.provider === 'wasm') {
      const session = await this.#session(url, n, 'plain');
      return {
        mode: this.options.worker ? 'wasm, in its Worker' : 'wasm',
        run: (values) => this.#runPlain(session, kind, n, values),
        release: () => session.release(),
      };
    }
    const mode = this.options.modes[kind];
    const session = await this.#session(url, n, mode);
    const { run, free } = await this.#running(session, kind, n, mode);
    return {
      mode: `webgpu, ${mode}`,
      run,
      release: async () => {
        free();
        await session.release();
      },
    };
  }

  /**
   * @param {string} url
   * @param {number} n
   * @param {WebGPUMode} mode
   */
  #session(url, n, mode) {
    const { provider } = this.options;
    return this.ort.InferenceSession.create(url, {
      // An object, without which the runtime passes on no option of the provider's, that of capturing included. Its
      // documentation has production not validate.
      executionProviders: [provider === 'webgpu' ? { name: provider, validationMode: 'disabled' } : provider],
      // With every shape known, what computes shapes is folded away, and buffers can be reused.
      freeDimensionOverrides: {
        batch_size: n,
        sequence_length: this.facts.length,
      },
      ...(mode === 'graph' && { enableGraphCapture: true }),
      ...(mode !== 'plain' && { preferredOutputLocation: 'gpu-buffer' }),
    });
  }

  /**
   * Whether a mode works, and how fast: it must answer every question, not repeat its answer to the first. After a failure
   * the runtime may open no other session: use another page.
   * @param {'image' | 'text'} kind
   * @param {WebGPUMode} mode
   * @param {number} slowest milliseconds, from the first answer on, after which no further question is put: a mode that
   *   answers so slowly has nothing to gain from replaying, and one that replays nothing is taken at its word
   * @returns {Promise<Trial>}
   */
  async tryMode(kind, mode, slowest) {
    const questions = [1, 2].map((step) =>
      kind === 'image'
        ? Float32Array.from({ length: 3 * this.facts.size ** 2 }, (_, i) => Math.sin((i * step) / 100))
        : BigInt64Array.from({ length: this.facts.length }, (_, i) => BigInt(300 + i * step)),
    );
    const fails = (/** @type {string} */ problem) => ({ problem, ms: 0 });
    try {
      const { run } = await this.#running(await this.#session(this.#url(kind), 1, mode), kind, 1, mode);
      /** @type {Float32Array[]} */
      const answers = [];
      /** @type {number[]} */
      const warm = [];
      let spent = 0;
      for (let at = 0; at < 4 || (at < timedTrials && spent < timedMilliseconds); at++) {
        const start = performance.now();
        answers.push(await run(questions[at % 2].slice()));
        if (at === 0) continue; // it compiled
        warm.push(performance.now() - start);
        spent += performance.now() - start;
        if (at < 3 && spent > slowest) {
          if (mode === 'graph') return fails(tooSlow);
          break;
        }
      }
      if (answers.length > 3) {
        const same = (/** @type {number} */ a, /** @type {number} */ b) => cosine(answers[a], answers[b]) > 0.99999;
        if (same(2, 3)) return fails('repeats an earlier answer');
        if (!same(0, 2) || !same(1, 3)) return fails('does not answer the same question twice alike');
      }
      warm.sort((a, b) => a - b);
      return { problem: '', ms: warm[warm.length >> 1] };
    } catch (error) {
      return fails(String(/** @type {any} */ (error)?.message ?? error).slice(0, 300));
    }
  }

  /** @param {'image' | 'text'} kind */
  #url(kind) {
    return address(`../onnx/${this.facts.name}/${kind}${this.options.half ? '-fp16' : ''}.onnx`);
  }

  /**
   * @param {'image' | 'text'} kind
   * @param {number} n
   */
  #shape(kind, n) {
    const { size, length } = this.facts;
    return kind === 'image'
      ? {
          input: 'pixel_values',
          output: 'image_embeds',
          dataType: /** @type {const} */ ('float32'),
          dims: [n, 3, size, size],
        }
      : {
          input: 'input_ids',
          output: 'text_embeds',
          dataType: /** @type {const} */ ('int64'),
          dims: [n, length],
        };
  }

  /**
   * How a session on WebGPU is run in a mode.
   * @param {any} session
   * @param {'image' | 'text'} kind
   * @param {number} n
   * @param {WebGPUMode} mode
   * @returns {Promise<{ run: (values: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>) => Promise<Float32Array>, free: () => void }>}
   */
  async #running(session, kind, n, mode) {
    if (mode !== 'plain') return this.#onBuffers(session, kind, n);
    return { run: (values) => this.#runPlain(session, kind, n, values), free: () => {} };
  }

  /**
   * @param {any} session
   * @param {'image' | 'text'} kind
   * @param {number} n
   * @param {Float32Array | BigInt64Array} values
   */
  async #runPlain(session, kind, n, values) {
    const { input, output, dataType, dims } = this.#shape(kind, n);
    const result = await session.run({
      [input]: new this.ort.Tensor(dataType, values, dims),
    });
    return /** @type {Float32Array} */ (await result[output].getData());
  }

  /**
   * @param {any} session
   * @param {'image' | 'text'} kind
   * @param {number} n
   */
  async #onBuffers(session, kind, n) {
    const { input, output, dataType, dims } = this.#shape(kind, n);
    /** @type {GPUDevice} */
    const device = await this.ort.env.webgpu.device;
    const bytes = dims.reduce((a, b) => a * b, dataType === 'int64' ? 8 : 4);
    const outBytes = n * this.facts.embed * 4;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const rounded = (/** @type {number} */ size) => Math.ceil(size / 16) * 16;
    const inBuffer = device.createBuffer({ size: rounded(bytes), usage });
    const outBuffer = device.createBuffer({ size: rounded(outBytes), usage });
    const readBack = device.createBuffer({
      size: rounded(outBytes),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const feeds = {
      [input]: this.ort.Tensor.fromGpuBuffer(inBuffer, { dataType, dims }),
    };
    const fetches = {
      [output]: this.ort.Tensor.fromGpuBuffer(outBuffer, {
        dataType: 'float32',
        dims: [n, this.facts.embed],
      }),
    };
    return {
      /** @param {Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>} values */
      run: async (values) => {
        device.queue.writeBuffer(inBuffer, 0, values);
        await session.run(feeds, fetches);
        const commands = device.createCommandEncoder();
        commands.copyBufferToBuffer(outBuffer, 0, readBack, 0, rounded(outBytes));
        device.queue.submit([commands.finish()]);
        await readBack.mapAsync(GPUMapMode.READ);
        const result = new Float32Array(readBack.getMappedRange().slice(0, outBytes));
        readBack.unmap();
        return result;
      },
      free: () => {
        for (const buffer of [inBuffer, outBuffer, readBack]) buffer.destroy();
      },
    };
  }
}

/**
 * The package's smallest entry for a provider. Where the browser can suspend WebAssembly, the WebGPU one needs no
 * instrumented code.
 * @param {'webgpu' | 'wasm'} provider
 */
export function bundleFor(provider) {
  if (provider === 'wasm') return 'ort.wasm.min.mjs';
  return 'Suspending' in WebAssembly ? 'ort.jspi.min.mjs' : 'ort.webgpu.min.mjs';
}
