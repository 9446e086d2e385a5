// In the Worker: from what the page posted to what the engine reads.

import { ImageDecodeError } from './errors.js';
import { advice, asStored, headBytes, isCutShort, sniff } from './formats.js';

/** @typedef {import('./inputs.js').Source} Source */
/** @typedef {import('./engine.js').Picture} Picture */

/**
 * A picture that is ready for the engine, and how to let go of it.
 * @typedef {object} Decoded
 * @property {(maxSide: number) => Picture} picture in the form that suits a device: a bitmap up to maxSide, the largest bitmap side that it takes; 0 where it takes rows only
 * @property {number} pixels how many it holds
 * @property {() => void} close to be called once the engine is done with it
 */

/** How many bytes of RGBA the canvas that reads a bitmap's rows may hold. */
const stripBytes = 4 << 20;

/**
 * @param {Source} source
 * @param {number} maxSide of the device that will probably take it
 * @returns {Promise<Decoded>}
 * @throws {ImageDecodeError}
 */
export async function decode(source, maxSide) {
  if ('pixels' in source) return decodePixels(source.pixels, maxSide);
  return fromBitmap('blob' in source ? await decodeBlob(source.blob) : source.bitmap);
}

/**
 * @param {Blob} blob
 * @returns {Promise<ImageBitmap>} of an animation its first frame
 */
async function decodeBlob(blob) {
  const name = blob instanceof File && blob.name ? blob.name : 'The picture';
  /** @type {import('./formats.js').Format | undefined} */
  let format;
  try {
    if (blob.size === 0) throw new ImageDecodeError(`${name} cannot be read: the file is empty.`);
    format = sniff(new Uint8Array(await blob.slice(0, headBytes).arrayBuffer()));
    if (await isCutShort(blob, format)) {
      throw new ImageDecodeError(`${name} cannot be read: the file is cut short, its end is missing. Copy or download it again.`);
    }
  } catch (cause) {
    if (cause instanceof ImageDecodeError) throw cause;
    // The bytes of a File are read here for the first time.
    throw new ImageDecodeError(`${name} cannot be read: the file has changed, moved or become unreadable since it was chosen.`, { cause });
  }
  try {
    return await createImageBitmap(blob, asStored);
  } catch (cause) {
    throw new ImageDecodeError(`${name} cannot be read: ${advice(format)}`, { cause });
  }
}

/**
 * @param {ImageBitmap} bitmap given away
 * @returns {Decoded}
 */
function fromBitmap(bitmap) {
  const { width, height } = bitmap;
  return {
    picture: (maxSide) => (Math.max(width, height) <= maxSide ? { bitmap } : { width, height, rows: rowsOf(bitmap) }),
    pixels: width * height,
    close: () => bitmap.close(),
  };
}

/**
 * @param {ImageData} data
 * @param {number} maxSide
 * @returns {Promise<Decoded>}
 */
async function decodePixels(data, maxSide) {
  const { width, height } = data;
  const pixels = width * height;
  // Half-float ImageData goes by way of a bitmap, which rounds it as the browser sees fit.
  if (!(data.data instanceof Uint8ClampedArray)) return fromBitmap(await createImageBitmap(data, asStored));
  const rgba = data.data;
  const rows = (/** @type {number} */ y0, /** @type {number} */ y1) => overWhite(rgba.subarray(y0 * width * 4, y1 * width * 4));
  if (Math.max(width, height) > maxSide) return { picture: () => ({ width, height, rows }), pixels, close: () => {} };
  const bitmap = await createImageBitmap(data, asStored);
  return {
    picture: (side) => (Math.max(width, height) <= side ? { bitmap } : { width, height, rows }),
    pixels,
    close: () => bitmap.close(),
  };
}

/**
 * Reads a bitmap in strips, through a canvas that is never larger than stripBytes or one row: a canvas for the whole
 * of a large picture would double its memory, or not be had at all. A translucent pixel comes out within one level of
 * overWhite's, since canvases premultiply; an opaque one is exact.
 * @param {ImageBitmap} bitmap
 * @returns {(y0: number, y1: number) => Uint8ClampedArray}
 */
function rowsOf(bitmap) {
  const { width } = bitmap;
  const rowBytes = width * 4;
  const stripRows = Math.max(1, Math.floor(stripBytes / rowBytes));
  /** @type {OffscreenCanvasRenderingContext2D | null} */
  let context = null;
  return (y0, y1) => {
    const rows = new Uint8ClampedArray((y1 - y0) * rowBytes);
    for (let y = y0; y < y1; y += stripRows) {
      const count = Math.min(stripRows, y1 - y);
      if (!context || context.canvas.height < count) {
        context = new OffscreenCanvas(width, count).getContext('2d', { alpha: false, willReadFrequently: true });
        if (!context) throw new ImageDecodeError(`The picture is too wide to be read: ${width} pixels.`);
      }
      context.fillStyle = '#fff';
      context.fillRect(0, 0, width, count);
      context.drawImage(bitmap, 0, y, width, count, 0, 0, width, count);
      rows.set(context.getImageData(0, 0, width, count).data, (y - y0) * rowBytes);
    }
    return rows;
  };
}

/**
 * Composites straight RGBA over white, rounding as PIL's paste with a mask does: (t + (t >> 8)) >> 8 with
 * t = c·a + 255·(255 − a) + 128 is division by 255, rounded.
 * @param {Uint8ClampedArray} straight
 * @returns {Uint8ClampedArray} new, all of it opaque
 */
export function overWhite(straight) {
  const out = new Uint8ClampedArray(straight.length);
  for (let i = 0; i < out.length; i += 4) {
    const alpha = straight[i + 3];
    const white = 255 * (255 - alpha) + 128;
    for (let c = 0; c < 3; c++) {
      const t = straight[i + c] * alpha + white;
      out[i + c] = (t + (t >> 8)) >> 8;
    }
    out[i + 3] = 255;
  }
  return out;
}
