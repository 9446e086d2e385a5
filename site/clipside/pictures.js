// In the Worker: from what the page posted to what the engine reads.

import { ImageDecodeError } from './errors.js';
import { advice, asStored, headBytes, isCutShort, sniff } from './formats.js';

/** @typedef {import('./inputs.js').Source} Source */
/** @typedef {import('./engine.js').Picture} Picture */
/** @typedef {import('./engine.js').Pixels} Pixels */

/**
 * A picture that is ready for the engine, and how to let go of it.
 * @typedef {object} Decoded
 * @property {(maxSide: number) => Picture} picture in the form that suits a device: a bitmap up to maxSide, the largest bitmap side that it takes; 0 where it takes pixels only
 * @property {number} pixels how many it holds
 * @property {() => void} close to be called once the engine is done with it
 */

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
 * @returns {Promise<Decoded>}
 */
async function fromBitmap(bitmap) {
  const { width, height } = bitmap;
  const exact = await framesAreExact();
  /** @type {VideoFrame | undefined} */
  let frame;
  return {
    picture: (maxSide) => {
      if (Math.max(width, height) <= maxSide) return { bitmap };
      if (exact) frame ??= frameOf(bitmap);
      return (frame && fromFrame(frame, width, height)) ?? { width, height, bgr: false, alpha: 'none', read: fromCanvas(bitmap) };
    },
    pixels: width * height,
    close: () => {
      frame?.close();
      bitmap.close();
    },
  };
}

/**
 * @param {ImageData} data
 * @param {number} maxSide
 * @returns {Promise<Decoded>}
 */
async function decodePixels(data, maxSide) {
  const { width, height } = data;
  // Half-float ImageData goes by way of a bitmap, which rounds it as the browser sees fit.
  if (!(data.data instanceof Uint8ClampedArray)) return fromBitmap(await createImageBitmap(data, asStored));
  const rgba = data.data;
  const bitmap = Math.max(width, height) <= maxSide ? await createImageBitmap(data, asStored) : undefined;
  return {
    picture: (side) =>
      bitmap && Math.max(width, height) <= side
        ? { bitmap }
        : { width, height, bgr: false, alpha: 'straight', read: fromRows(rgba, width) },
    pixels: width * height,
    close: () => bitmap?.close(),
  };
}

/**
 * @param {Uint8ClampedArray} rgba
 * @param {number} width of its rows, pixels
 * @returns {Pixels['read']}
 */
function fromRows(rgba, width) {
  return (into, x, y, w, h) => {
    if (w === width) return into.set(rgba.subarray(4 * width * y, 4 * width * (y + h)));
    for (let row = 0; row < h; row++) {
      const at = 4 * (width * (y + row) + x);
      into.set(rgba.subarray(at, at + 4 * w), 4 * w * row);
    }
  };
}

/**
 * @param {ImageBitmap} bitmap
 * @returns {VideoFrame | undefined} if it cannot be one, for its size or its format
 */
function frameOf(bitmap) {
  try {
    return new VideoFrame(bitmap, { timestamp: 0 });
  } catch {
    return undefined;
  }
}

/**
 * Reads a bitmap as a frame of video, which hands out the bytes that it has: at 12 megapixels in a few milliseconds,
 * where a canvas, which converts to what it has and back, takes some hundreds.
 * @param {VideoFrame} frame
 * @param {number} width of the bitmap
 * @param {number} height
 * @returns {Pixels | undefined} if its bytes are not pixels as they are, or may have been turned unbeknown
 */
function fromFrame(frame, width, height) {
  const { codedWidth, codedHeight, rotation, flip } = /** @type {VideoFrame & { rotation?: number, flip?: boolean }} */ (frame);
  const layout = /^(RGB|BGR)([AX])$/.exec(frame.format ?? '');
  if (!layout || rotation === undefined || flip === undefined) return undefined;
  const [w, h] = rotation % 180 ? [height, width] : [width, height];
  if (codedWidth !== w || codedHeight !== h) return undefined;
  return {
    width,
    height,
    bgr: layout[1] === 'BGR',
    alpha: layout[2] === 'X' ? 'none' : 'premultiplied',
    read:
      rotation === 0 && !flip
        ? (into, x, y, width, height) => frame.copyTo(into, { rect: { x, y, width, height } })
        : fromTurned(frame, width, rotation, flip),
  };
}

/**
 * Reads a frame of a photo that was taken upright: its bytes lie as the camera held it.
 * @param {VideoFrame} frame
 * @param {number} width of the picture as it is seen
 * @param {number} rotation by which the frame is seen turned to the right, degrees
 * @param {boolean} flip whether it is seen mirrored after that, left and right
 * @returns {Pixels['read']}
 */
function fromTurned(frame, width, rotation, flip) {
  const right = frame.codedWidth - 1;
  const bottom = frame.codedHeight - 1;
  /** Where a pixel lies in the frame. @type {(x: number, y: number) => [number, number]} */
  const place = (x, y) => {
    if (flip) x = width - 1 - x;
    if (rotation === 90) return [y, bottom - x];
    if (rotation === 180) return [right - x, bottom - y];
    if (rotation === 270) return [right - y, x];
    return [x, y];
  };
  let stored = new Uint32Array();
  return async (into, x, y, w, h) => {
    const [x0, y0] = place(x, y);
    const [x1, y1] = place(x + w - 1, y + h - 1);
    const rect = { x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x1 - x0) + 1, height: Math.abs(y1 - y0) + 1 };
    if (stored.length < w * h) stored = new Uint32Array(w * h);
    await frame.copyTo(stored.subarray(0, w * h), { rect });
    const index = (/** @type {number} */ x, /** @type {number} */ y) => {
      const [left, top] = place(x, y);
      return (top - rect.y) * rect.width + left - rect.x;
    };
    const first = index(x, y);
    const across = index(x + 1, y) - first;
    const down = index(x, y + 1) - first;
    const seen = new Uint32Array(into.buffer, into.byteOffset, w * h);
    for (let row = 0, to = 0; row < h; row++) {
      for (let col = 0, from = first + row * down; col < w; col++, from += across) seen[to++] = stored[from];
    }
  };
}

/** @type {Promise<boolean> | undefined} */
let framesAreTried;

/**
 * Whether a frame of video made of a bitmap has the bitmap's own bytes, premultiplied, and writes them where the engine
 * wants them. No standard says so; a translucent pixel tells.
 * @returns {Promise<boolean>}
 */
function framesAreExact() {
  framesAreTried ??= (async () => {
    const straight = [200, 100, 50, 128];
    const premultiplied = [100, 50, 25, 128];
    const into = new Uint8Array(globalThis.crossOriginIsolated ? new SharedArrayBuffer(4) : new ArrayBuffer(4));
    const pixel = new ImageData(Uint8ClampedArray.from(straight), 1, 1);
    const callers = await createImageBitmap(pixel, { premultiplyAlpha: 'none' });
    const bitmap = await createImageBitmap(callers); // as the page copies it
    const frame = new VideoFrame(bitmap, { timestamp: 0 });
    const pixels = fromFrame(frame, 1, 1);
    await pixels?.read(into, 0, 0, 1, 1);
    for (const part of [frame, bitmap, callers]) part.close();
    const [r, g, b, a] = pixels?.bgr ? [into[2], into[1], into[0], into[3]] : into;
    return pixels?.alpha === 'premultiplied' && premultiplied.join() === [r, g, b, a].join();
  })().catch(() => false); // there are none, or they cannot be read
  return framesAreTried;
}

/**
 * Reads a bitmap through a canvas over white.
 * @param {ImageBitmap} bitmap
 * @returns {Pixels['read']}
 */
function fromCanvas(bitmap) {
  /** @type {OffscreenCanvasRenderingContext2D | null} */
  let context = null;
  return (into, x, y, w, h) => {
    if (context?.canvas.width !== w || context.canvas.height < h) {
      context = new OffscreenCanvas(w, h).getContext('2d', { alpha: false, willReadFrequently: true });
      if (!context) throw new ImageDecodeError(`The picture is too wide to be read: ${bitmap.width} pixels.`);
    }
    context.fillStyle = '#fff';
    context.fillRect(0, 0, w, h);
    context.drawImage(bitmap, x, y, w, h, 0, 0, w, h);
    into.set(context.getImageData(0, 0, w, h).data);
  };
}
