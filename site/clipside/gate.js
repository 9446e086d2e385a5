/** Lets a fixed number of tasks through at a time; the others wait in the order in which they came. */
export class Gate {
  #free;
  /** @type {(() => void)[]} */
  #waiting = [];

  /** @param {number} permits at least 1 */
  constructor(permits) {
    this.#free = permits;
  }

  /**
   * @param {AbortSignal} [signal] ends the waiting, with its reason
   * @returns {Promise<() => void>} gives the permit back; to be called exactly once
   */
  async acquire(signal) {
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
    } else {
      await /** @type {Promise<void>} */ (
        new Promise((resolve, reject) => {
          const onAbort = () => {
            this.#waiting.splice(this.#waiting.indexOf(enter), 1);
            reject(signal?.reason);
          };
          const enter = () => {
            signal?.removeEventListener('abort', onAbort);
            resolve();
          };
          this.#waiting.push(enter);
          signal?.addEventListener('abort', onAbort, { once: true });
        })
      );
    }
    return () => {
      // The permit goes straight to whoever waits longest, so that a newcomer cannot overtake.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    };
  }

  /**
   * @template T
   * @param {AbortSignal | undefined} signal ends the waiting; the task sees to itself
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  async run(signal, task) {
    const release = await this.acquire(signal);
    try {
      return await task();
    } finally {
      release();
    }
  }
}
