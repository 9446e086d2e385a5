// Memory that comes and goes by megabytes is not left to the garbage collector, which may wait for 64 MB of it.

/**
 * Gives up an array's memory at once; it must not be used any more. Where the platform cannot, the garbage collector does
 * it in its own time.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export function release(bytes) {
  /** @type {any} */ (bytes.buffer).transfer?.(0); // ES2024
}

/** Memory that is used again: to touch it for the first time can take longer than whatever is done with it. */
export class Buffers {
  #capacity;
  /** @type {ArrayBuffer[]} */
  #spare = [];

  /** @param {number} capacity bytes of a buffer; for more a larger one is made */
  constructor(capacity) {
    this.#capacity = capacity;
  }

  /**
   * @param {number} length
   * @returns {Uint8Array<ArrayBuffer>} at the beginning of a buffer, of any values
   */
  take(length) {
    const fits = this.#spare.findIndex(({ byteLength }) => byteLength >= length);
    const buffer = fits < 0 ? new ArrayBuffer(Math.max(length, this.#capacity)) : this.#spare.splice(fits, 1)[0];
    return new Uint8Array(buffer, 0, length);
  }

  /**
   * Takes buffers back. They must not be used any more.
   * @param {...ArrayBuffer} buffers
   */
  give(...buffers) {
    this.#spare.push(...buffers);
  }
}
