// In the Worker: from what the page posted to what the engine reads.

import { ImageDecodeError } from './errors.js';
import { frameOf, framesAreExact, isDeep, pixelsOf } from './frames.js';
import { advice, asStored, headBytes, isCutShort, sniff } from './formats.js';
import { withoutProfile } from './profiles.js';

/** @typedef {import('./inputs.js').Source} Source */
/** @typedef {import('./inputs.js').Bytes} Bytes */
/** @typedef {import('./engine.js').Engine} Engine */
/** @typedef {import('./engine.js').Opened} Opened */
/** @typedef {import('./engine.js').Picture} Picture */
/** @typedef {import('./engine.js').Pixels} Pixels */

/**
 * A picture that is ready for the engine, and how to let go of it.
 * @typedef {object} Decoded
 * @property {(maxSide: number) => Picture} picture in the form that suits a device: a bitmap up to maxSide, the largest bitmap side that it takes; 0 where it takes pixels only
 * @property {number} pixels how many it holds
 * @property {() => void} close to be called once the engine is done with it
 */

/** The most that the engine takes: MaxPixels in preprocess/image.go. */
const maxPixels = 2 ** 28;

/** @param {Blob} blob */
const nameOf = (blob) => (blob instanceof File && blob.name ? blob.name : 'The picture');

/**
 * @param {Source} source
 * @param {number} maxSide of the device that will probably take it
 * @param {number} size pixels of a side that the encoder sees
 * @returns {Promise<Decoded>}
 * @throws {ImageDecodeError}
 */
export async function decode(source, maxSide, size) {
  const decoded = await decodeSource(source, maxSide, size);
  if (decoded.pixels <= maxPixels) return decoded;
  decoded.close();
  const name = 'blob' in source ? nameOf(source.blob) : 'The picture';
  throw new ImageDecodeError(
    `${name} has ${Math.ceil(decoded.pixels / 1e6)} million pixels, and at most ${Math.floor(maxPixels / 1e6)} are read: make it smaller.`,
  );
}

/**
 * @param {Source} source
 * @param {number} maxSide
 * @param {number} size
 * @returns {Promise<Decoded>}
 */
async function decodeSource(source, maxSide, size) {
  if ('bytes' in source) return decodeBytes(source.bytes, maxSide, size);
  // The browser rounds half floats as it sees fit.
  if ('halves' in source) return fromBitmap(flattened(await createImageBitmap(source.halves, asStored)));
  if ('blob' in source) return fromBitmap(await decodeBlob(source.blob));
  if ('codedWidth' in source.image) return fromFrame(source.image, maxSide);
  return fromBitmap(isDeep(source.image) ? flattened(source.image) : source.image);
}

/**
 * @param {Blob} blob
 * @returns {Promise<ImageBitmap>} of an animation its first frame
 */
async function decodeBlob(blob) {
  const name = nameOf(blob);
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
    return await createImageBitmap(await withoutProfile(blob, format), asStored);
  } catch (cause) {
    throw new ImageDecodeError(`${name} cannot be read: ${advice(format)}`, { cause });
  }
}

/**
 * @param {VideoFrame} frame of the page's making, exact, and given away
 * @param {number} maxSide
 * @returns {Promise<Decoded>}
 */
async function fromFrame(frame, maxSide) {
  const { displayWidth: width, displayHeight: height } = frame;
  const pixels = !isTexture(width, height, maxSide) && pixelsOf(frame, width, height);
  if (pixels) return { picture: () => pixels, pixels: width * height, close: () => frame.close() };
  const bitmap = await createImageBitmap(frame); // what device takes over has changed since the page asked
  frame.close();
  return fromBitmap(bitmap);
}

/**
 * Whether a picture goes to the GPU as it is. One of hundreds of megabytes, which phones take, is read in strips instead.
 * @param {number} width
 * @param {number} height
 * @param {number} maxSide
 */
function isTexture(width, height, maxSide) {
  return Math.max(width, height) <= maxSide && width * height <= 1 << 26;
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
      if (isTexture(width, height, maxSide)) return { bitmap };
      if (exact) frame ??= frameOf(bitmap);
      return (frame && pixelsOf(frame, width, height)) ?? { width, height, bgr: false, alpha: 'none', read: fromCanvas(bitmap) };
    },
    pixels: width * height,
    close: () => {
      frame?.close();
      bitmap.close();
    },
  };
}

/**
 * Browsers give an <img> with 16 bits a channel, or half floats, a bitmap of such, which they then refuse to copy into a
 * texture.
 * @param {ImageBitmap} bitmap given away
 * @returns {ImageBitmap} of 8 bits a channel
 */
function flattened(bitmap) {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new ImageDecodeError(`The picture is too large to be read: ${width}×${height} pixels of 16 bits a channel.`);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.transferToImageBitmap();
}

/**
 * @param {Bytes} bytes
 * @param {number} maxSide
 * @param {number} size
 * @returns {Promise<Decoded>}
 */
async function decodeBytes({ width, height, colorSpace, data }, maxSide, size) {
  // The browser converts other colours to sRGB, of bitmaps alone.
  if (colorSpace !== 'srgb') return fromBitmap(await createImageBitmap(new ImageData(data, width, height, { colorSpace }), asStored));
  // Those that need no resizing are the encoder's input as they are: a bitmap would go to the GPU to be copied there.
  const whole = width === size && height === size;
  const bitmap =
    !whole && Math.max(width, height) <= maxSide ? await createImageBitmap(new ImageData(data, width, height), asStored) : undefined;
  return {
    picture: (side) =>
      bitmap && Math.max(width, height) <= side
        ? { bitmap }
        : { width, height, bgr: false, alpha: 'straight', read: fromRows(data, width), all: data },
    pixels: width * height,
    close: () => bitmap?.close(),
  };
}

/**
 * Whether a GPU sees a bitmap as it sees the same pixels. What becomes of colours and rows on the way into a texture is the
 * browser's and the driver's, and no other test shows it.
 * @param {Engine} engine
 * @param {Opened} opened of a GPU that takes bitmaps
 * @returns {Promise<boolean>} rejects where there is no image encoder to tell
 */
export async function seesBitmaps({ embedImages }, { id, size, timings }) {
  // Grows lighter to the bottom, blue three times as fast as red. Of this size nothing resizes it but the GPU, if at all.
  const data = new Uint8ClampedArray(4 * size * size).map((_, i, { length }) => (i % 4 === 3 ? 255 : ((i % 4) + 1) * 85 * (i / length)));
  const bitmap = await createImageBitmap(new ImageData(data, size, size), asStored);
  const seen = await embedImages(id, 0, [{ bitmap }]).finally(() => bitmap.close());
  const pixels = (await decodeBytes({ width: size, height: size, colorSpace: 'srgb', data }, 0, size)).picture(0);
  const same = await embedImages(id, 0, [pixels]);
  timings.image = 0; // of no call of the page's
  return seen.reduce((sum, value, i) => sum + value * same[i], 0) > 0.999;
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
