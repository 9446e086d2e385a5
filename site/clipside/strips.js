// How the engine reads a picture that it resizes: a strip of rows at a time, straight into the kernels' memory. The loop is
// here, since for each strip to go by way of Go would take longer than to copy it.

/** @typedef {import('./engine.js').Pixels} Pixels */

/**
 * Reads a rectangle of a picture.
 * @param {Pixels} picture
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @param {number} rows of a strip; the last has fewer
 * @param {Uint8Array} even where strips are put, in turns
 * @param {Uint8Array} odd
 * @param {((command: number) => void) | null} offer of kernels.wat: is called with a strip's command once the strip is there, and returns when the strip before is resized; null where nothing is to be called
 * @param {number} command of the first strip
 * @param {number} commandBytes from one to the next
 * @returns {Promise<void>} resolves when the last strip has been offered
 */
export async function readStrips(picture, x, y, width, height, rows, even, odd, offer, command, commandBytes) {
  for (let strip = 0, done = 0; done < height; strip++, done += rows) {
    const count = Math.min(rows, height - done);
    const into = strip % 2 ? odd : even;
    await picture.read(into.subarray(0, 4 * width * count), x, y + done, width, count);
    offer?.(command + strip * commandBytes);
  }
}
