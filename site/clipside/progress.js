// How far a model has come. The total is the manifest's and never changes; loaded never falls, whatever is fetched
// twice.

/** @typedef {import('../clipside.js').ClipProgress} ClipProgress */

/** Events are at least so far apart, but for a new phase and the end, which are told at once. */
const intervalMs = 50;

/** The rate is the mean over the last so many milliseconds. */
const windowMs = 4000;

/** In this order. */
const phases = /** @type {const} */ (['download', 'compile', 'warm-up', 'ready']);

export class Progress {
  #model;
  #total;
  #emit;
  #now;
  /** @type {Map<string, number>} the most bytes of each file that were ever there */
  #highest = new Map();
  #loaded = 0;
  #cached = 0;
  /** @type {ClipProgress['phase']} */
  #phase = 'download';
  #emittedAt = -Infinity;
  /** @type {{ at: number, fetched: number }[]} oldest first, the first one just outside the window */
  #samples = [];

  /**
   * @param {string} model
   * @param {number} total bytes
   * @param {(event: ClipProgress) => void} emit
   * @param {() => number} [now] milliseconds
   */
  constructor(model, total, emit, now = () => performance.now()) {
    this.#model = model;
    this.#total = total;
    this.#emit = emit;
    this.#now = now;
    this.#samples.push({ at: now(), fetched: 0 });
    this.#tell();
  }

  /**
   * Called as often as bytes come in. A file that is fetched again counts from where it goes beyond the first time.
   * @param {string} file
   * @param {number} bytes of it that are there
   * @param {boolean} cached whether they were there before, on this machine
   */
  received(file, bytes, cached) {
    const before = this.#highest.get(file) ?? 0;
    // Never beyond the total, though a file may turn out longer than the manifest says; it is refused for that.
    const more = Math.min(bytes - before, this.#total - this.#loaded);
    if (more <= 0) return;
    this.#highest.set(file, bytes);
    this.#loaded += more;
    if (cached) this.#cached += more;
    if (this.#loaded === this.#total || this.#now() - this.#emittedAt >= intervalMs) this.#tell();
  }

  /** Where the bytes that are there came from. */
  get bytes() {
    return { total: this.#total, fetched: this.#loaded - this.#cached, cached: this.#cached };
  }

  /** @param {ClipProgress['phase']} phase one that is over, as when another device begins anew, is not told again */
  enter(phase) {
    if (phases.indexOf(phase) <= phases.indexOf(this.#phase)) return;
    this.#phase = phase;
    this.#tell();
  }

  #tell() {
    const at = (this.#emittedAt = this.#now());
    const fetched = this.#loaded - this.#cached;
    this.#samples.push({ at, fetched });
    while (this.#samples.length > 2 && this.#samples[1].at <= at - windowMs) this.#samples.shift();
    const first = this.#samples[0];
    const rate = at > first.at ? ((fetched - first.fetched) * 1000) / (at - first.at) : 0;
    this.#emit({
      model: this.#model,
      phase: this.#phase,
      loaded: this.#loaded,
      total: this.#total,
      cached: this.#cached,
      rate: Math.round(rate),
      secondsLeft: this.#loaded === this.#total ? 0 : rate > 0 ? (this.#total - this.#loaded) / rate : undefined,
    });
  }
}
