// What both contenders are given: the same pictures, the same token ids.

/**
 * What the race knows of a model.
 * @typedef {object} ModelFacts
 * @property {string} name
 * @property {number} size pixels of a side
 * @property {number} embed numbers in an embedding
 * @property {number} length tokens of every text, start and end tokens included
 * @property {number[]} mean of each channel
 * @property {number[]} std
 */

/** @typedef {{ width: number, height: number, data: Uint8ClampedArray }} Picture what an ImageData has */

/**
 * An address that is given relative to this folder.
 * @param {string} relative
 */
export function address(relative) {
  return new URL(relative, import.meta.url).href;
}

/**
 * Pictures that are all different: smooth colour with edges, another phase each.
 * @param {number} count
 * @param {number} size
 * @returns {ImageData[]}
 */
export function makePictures(count, size) {
  return Array.from({ length: count }, (_, n) => {
    const picture = new ImageData(size, size);
    for (let y = 0, at = 0; y < size; y++) {
      for (let x = 0; x < size; x++, at += 4) {
        const u = (((x * 256) / size) | 0) + 37 * n;
        const v = (((y * 256) / size) | 0) + 91 * n;
        picture.data[at] = u & 255;
        picture.data[at + 1] = (u ^ v) & 255;
        picture.data[at + 2] = ((u * v) >> 6) & 255;
        picture.data[at + 3] = 255;
      }
    }
    return picture;
  });
}

/**
 * @param {ImageData[]} pictures
 * @param {ModelFacts} facts
 * @returns {Float32Array<ArrayBuffer>} [count, 3, size, size], normalised as the model's preprocessor does
 */
export function toPixelValues(pictures, { size, mean, std }) {
  const area = size * size;
  const values = new Float32Array(pictures.length * 3 * area);
  pictures.forEach(({ data }, n) => {
    for (let c = 0; c < 3; c++) {
      const plane = values.subarray((3 * n + c) * area, (3 * n + c + 1) * area);
      for (let i = 0; i < area; i++) plane[i] = (data[4 * i + c] / 255 - mean[c]) / std[c];
    }
  });
  return values;
}

/**
 * @param {Float32Array | number[]} a
 * @param {Float32Array | number[]} b
 */
export function cosine(a, b) {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / Math.sqrt(aa * bb);
}
