// Memory that comes and goes by megabytes is not left to the garbage collector, which may wait for 64 MB of it.

/**
 * Gives up an array's memory; it must not be used any more. The collector comes sooner so: of 256 MB in pieces that were let
 * go Chromium kept 130 MB at once, and with this 50. (With ArrayBuffer's transfer(0) 210, and for longer: it tells the
 * collector that the memory is gone, but it is not.)
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export function release(bytes) {
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
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
