// From what a caller may pass as a picture to what is posted to the Worker.
//
// Whatever can change after the call (a canvas, a video, an ImageData) is copied before the first await, so that the
// result is about the picture as it was when the call was made. What the caller owns stays the caller's: an
// ImageBitmap or VideoFrame is copied, never transferred.

import { ImageDecodeError } from './errors.js';
import { asStored } from './formats.js';
import { frameOf, framesAreExact, pixelsOf } from './frames.js';
import { Gate } from './gate.js';
import { unlessAborted } from './signals.js';

/**
 * Exact pixels, of 8 bits a channel.
 * @typedef {{ width: number, height: number, colorSpace: PredefinedColorSpace, data: Uint8ClampedArray<ArrayBuffer> }} Bytes
 */

/**
 * A picture as it is posted: a file, decoded in the Worker; or an element's pixels, transferred; or exact ones, a copy that
 * is transferred; or the ImageData itself where it has half floats.
 * @typedef {{ blob: Blob } | { image: ImageBitmap | VideoFrame } | { bytes: Bytes } | { halves: ImageData }} Source
 */

/** @typedef {import('../clipside.js').ImageInput} ImageInput */

/** How many URLs are fetched at a time. */
const parallelFetches = 6;

/**
 * @param {unknown} value
 * @returns {string} such as 'HTMLImageElement'; works for objects of another frame too, which instanceof does not
 */
export function className(value) {
  return Object.prototype.toString.call(value).slice(8, -1);
}

const accepted = new Set([
  'Blob',
  'File',
  'HTMLImageElement',
  'HTMLCanvasElement',
  'OffscreenCanvas',
  'ImageBitmap',
  'ImageData',
  'VideoFrame',
  'HTMLVideoElement',
  'String',
  'URL',
]);

/**
 * @param {unknown} value
 * @param {string} where such as 'images[2]'
 * @throws {TypeError} if it is none of the kinds
 */
export function checkImage(value, where) {
  if (accepted.has(className(value))) return;
  const got = value === null || typeof value !== 'object' ? String(value) : className(value);
  throw new TypeError(
    `${where} is ${got}, not a picture: pass a Blob or File, an <img>, <canvas> or <video>, an OffscreenCanvas, ImageBitmap, ImageData or VideoFrame, or a URL.`,
  );
}

/**
 * Takes all pictures of a call. Each must have passed checkImage.
 * @param {AbortSignal | undefined} signal
 * @param {readonly ImageInput[]} images
 * @param {number} maxSide up to which the device takes pictures as bitmaps; 0 where it takes none
 * @returns {Promise<{ sources: Source[], transfer: (ImageBitmap | VideoFrame | ArrayBuffer)[] }>} what is not posted after all is to be let go of by release
 * @throws {ImageDecodeError | DOMException}
 */
export async function takeAll(signal, images, maxSide) {
  const gate = new Gate(parallelFetches);
  // map runs the synchronous part of every take now: that is what fixes canvases and videos in time.
  const taken = await Promise.allSettled(images.map(async (image) => posted(await take(signal, image, gate), maxSide)));
  /** @type {Source[]} */
  const sources = [];
  /** @type {(ImageBitmap | VideoFrame | ArrayBuffer)[]} */
  const transfer = [];
  for (const result of taken) {
    if (result.status !== 'fulfilled') continue;
    sources.push(result.value);
    if ('image' in result.value) transfer.push(result.value.image);
    if ('bytes' in result.value) transfer.push(result.value.bytes.data.buffer);
  }
  const failed = taken.findIndex((result) => result.status === 'rejected');
  if (failed >= 0 || signal?.aborted) {
    release(transfer);
    signal?.throwIfAborted();
    const { reason } = /** @type {PromiseRejectedResult} */ (taken[failed]);
    if (reason instanceof ImageDecodeError) reason.index = failed;
    throw reason;
  }
  return { sources, transfer };
}

/** @param {(ImageBitmap | VideoFrame | ArrayBuffer)[]} transfer of takeAll, whose pictures still hold memory */
export function release(transfer) {
  for (const part of transfer) if (!(part instanceof ArrayBuffer)) part.close();
}

/**
 * Memory of earlier calls' pixels that the Worker gave back: to write to fresh memory takes eight times as long.
 * @type {ArrayBuffer[]}
 */
const spare = [];

/** How many bytes of it are kept. */
const maxSpare = 16 << 20;

/** @param {readonly ArrayBuffer[]} buffers that no call needs any more */
export function recycle(buffers) {
  spare.push(...buffers.filter(({ byteLength }) => byteLength <= maxSpare));
  let kept = spare.reduce((sum, { byteLength }) => sum + byteLength, 0);
  while (kept > maxSpare) kept -= /** @type {ArrayBuffer} */ (spare.shift()).byteLength; // what was kept longest
}

/** @param {number} length bytes, which may be set already */
function room(length) {
  const at = spare.findIndex(({ byteLength }) => byteLength === length);
  return new Uint8ClampedArray(at < 0 ? new ArrayBuffer(length) : spare.splice(at, 1)[0]);
}

/**
 * @param {AbortSignal | undefined} signal
 * @param {ImageInput} image
 * @param {Gate} gate for those that are fetched
 * @returns {Promise<Source>}
 */
async function take(signal, image, gate) {
  switch (className(image)) {
    case 'Blob':
    case 'File':
      return { blob: /** @type {Blob} */ (image) };
    case 'String':
    case 'URL':
      return { blob: await gate.run(signal, () => fetchBlob(signal, String(image))) };
    case 'ImageData': {
      const { width, height, colorSpace = 'srgb', data } = /** @type {ImageData} */ (image);
      if (!data.length) throw new ImageDecodeError('The ImageData has no pixels any more: they were transferred.');
      if (className(data) !== 'Uint8ClampedArray') return { halves: structuredClone(/** @type {ImageData} */ (image)) };
      const copied = room(data.length);
      copied.set(data);
      return { bytes: { width, height, colorSpace, data: copied } };
    }
    case 'HTMLImageElement':
      return takeElement(signal, /** @type {HTMLImageElement} */ (image));
    case 'HTMLVideoElement': {
      const video = /** @type {HTMLVideoElement} */ (image);
      if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) {
        throw new ImageDecodeError('The <video> has no frame yet: wait for its loadeddata event.');
      }
      return copy(video, 'The <video>');
    }
    case 'HTMLCanvasElement':
    case 'OffscreenCanvas': {
      const canvas = /** @type {HTMLCanvasElement | OffscreenCanvas} */ (image);
      if (canvas.width === 0 || canvas.height === 0) {
        throw new ImageDecodeError(`The canvas is empty: ${canvas.width}×${canvas.height} pixels.`);
      }
      return copy(canvas, 'The canvas');
    }
    case 'VideoFrame':
      return copy(/** @type {VideoFrame} */ (image), 'The VideoFrame');
    default:
      // Without options the copy shares the memory; with any, it takes a tenth of a second for a large picture.
      return copy(/** @type {ImageBitmap} */ (image), 'The ImageBitmap', {});
  }
}

/**
 * An <img> is taken as it is shown, not fetched again from its src: the address may answer differently the second
 * time, or not at all under the page's connect-src. Nothing is lost by it where colorSpaceConversion 'none' is
 * honoured for elements: Chromium then decodes the element's own bytes again, and the pixels equal those of the file
 * (seen with profiles, gAMA, EXIF orientation and alpha).
 * @param {AbortSignal | undefined} signal
 * @param {HTMLImageElement} img
 * @returns {Promise<Source>}
 */
async function takeElement(signal, img) {
  if (!img.complete) {
    // One that waits to be scrolled to may do so for ever; another of the same kind does not.
    if (img.loading === 'lazy') img = Object.assign(/** @type {HTMLImageElement} */ (img.cloneNode()), { loading: 'eager' });
    await unlessAborted(
      signal,
      img.decode().catch(() => {}), // what failed shows in naturalWidth
    );
  }
  const named = img.currentSrc ? `The <img> ${shorten(img.currentSrc)}` : 'The <img>';
  if (!img.currentSrc) throw new ImageDecodeError('The <img> has no picture: it has neither src nor srcset.');
  if (img.naturalWidth === 0) throw new ImageDecodeError(`${named} could not be loaded, or has no size of its own.`);
  try {
    return await copy(img, named);
  } catch (error) {
    // Of a drawing that does not say its size Chromium makes no bitmap, or a blank one, but draws it.
    if (/** @type {{ cause?: { name?: string } }} */ (error).cause?.name !== 'InvalidStateError') throw error;
    const canvas = new OffscreenCanvas(img.naturalWidth, img.naturalHeight);
    canvas.getContext('2d')?.drawImage(img, 0, 0, canvas.width, canvas.height);
    return copy(canvas, named);
  }
}

/**
 * @param {Exclude<ImageInput, string | URL | Blob | ImageData>} source
 * @param {string} named how messages call it
 * @param {ImageBitmapOptions} [options]
 * @returns {Promise<{ image: ImageBitmap }>}
 */
async function copy(source, named, options = asStored) {
  /** @type {ImageBitmap} */
  let bitmap;
  try {
    bitmap = await createImageBitmap(source, options);
  } catch (cause) {
    throw new ImageDecodeError(`${named} could not be read: it is closed, detached or broken.`, { cause });
  }
  try {
    refuseTainted(bitmap);
  } catch (cause) {
    bitmap.close();
    throw new ImageDecodeError(
      `${named} shows a picture of another site that this page may not read: add crossorigin="anonymous" where it is loaded, and let that site allow it (CORS).`,
      { cause },
    );
  }
  return { image: bitmap };
}

/**
 * A bitmap is copied on its way to the Worker; a frame that shares its memory is not.
 * @param {Source} source
 * @param {number} maxSide see takeAll
 * @returns {Promise<Source>} with a frame instead of a bitmap, where that will do
 */
async function posted(source, maxSide) {
  if (!('image' in source) || !(source.image instanceof ImageBitmap)) return source;
  const { width, height } = source.image;
  if (Math.max(width, height) <= maxSide || !(await framesAreExact())) return source;
  const frame = frameOf(source.image);
  if (!frame || !pixelsOf(frame, width, height)) {
    frame?.close();
    return source;
  }
  source.image.close();
  return { image: frame };
}

/** @type {OffscreenCanvasRenderingContext2D | null | undefined} */
let probe;

/**
 * A bitmap of another origin's picture cannot be posted, and nothing tells so but an attempt to read it.
 * @param {ImageBitmap} bitmap
 */
function refuseTainted(bitmap) {
  probe ??= new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  if (!probe) return; // then posting it refuses
  try {
    probe.drawImage(bitmap, 0, 0, 1, 1, 0, 0, 1, 1);
    probe.getImageData(0, 0, 1, 1);
  } catch (error) {
    probe = undefined; // it is tainted from now on
    throw error;
  }
}

/**
 * @param {AbortSignal | undefined} signal
 * @param {string} url relative to the page
 * @returns {Promise<Blob>}
 */
async function fetchBlob(signal, url) {
  signal?.throwIfAborted();
  if (/^data:/i.test(url)) return readDataURL(url);
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, { signal });
    if (response.ok) return await response.blob();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ImageDecodeError(
      `The picture ${shorten(url)} could not be fetched: no network, or its site does not allow it (CORS), or this page's Content-Security-Policy (connect-src) does not.`,
      { cause },
    );
  }
  throw new ImageDecodeError(`The picture ${shorten(url)} could not be fetched: HTTP ${response.status}.`, { status: response.status });
}

/**
 * Reads a data: URL without fetch, which a strict connect-src would refuse although nothing is sent anywhere.
 * @param {string} url
 * @returns {Blob}
 */
export function readDataURL(url) {
  const comma = url.indexOf(',');
  try {
    if (comma < 0) throw new SyntaxError('it has no comma');
    const [type, ...parameters] = url.slice('data:'.length, comma).split(';');
    const [body] = url.slice(comma + 1).split('#', 1);
    // Escapes stand for bytes, which need not be UTF-8; every character of text is one.
    const text = body
      .replace(/[^\0-\x7f]+/g, encodeURIComponent)
      .replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    const bytes = bytesOf(parameters.some((p) => p.trim().toLowerCase() === 'base64') ? atob(text) : text);
    return new Blob([bytes], { type });
  } catch (cause) {
    throw new ImageDecodeError(`The picture ${shorten(url)} is not a data: URL that can be read.`, { cause });
  }
}

/**
 * @param {string} binary whose characters are bytes
 * @returns {Uint8Array<ArrayBuffer>}
 */
function bytesOf(binary) {
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i); // Uint8Array.from takes seventy times as long
  return bytes;
}

/**
 * @param {string} url
 * @returns {string} fit for a message
 */
function shorten(url) {
  return url.length <= 100 ? url : `${url.slice(0, 80)}…`;
}
