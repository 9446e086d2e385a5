/**
 * Gives up an array's memory; it must not be used any more. The collector comes sooner so: of 256 MB in pieces that were let
 * go Chromium kept 130 MB at once, and with this 50. (With ArrayBuffer's transfer(0) 210, and for longer: it tells the
 * collector that the memory is gone, but it is not.)
 * @param {Uint8Array} bytes
 */
export function release(bytes: Uint8Array): void;
/** Memory that is used again: to touch it for the first time can take longer than whatever is done with it. */
export class Buffers {
    /** @param {number} capacity bytes of a buffer; for more a larger one is made */
    constructor(capacity: number);
    /**
     * @param {number} length
     * @returns {Uint8Array} at the beginning of a buffer, of any values
     */
    take(length: number): Uint8Array;
    /**
     * Takes buffers back. They must not be used any more.
     * @param {...ArrayBuffer} buffers
     */
    give(...buffers: ArrayBuffer[]): void;
    #private;
}
