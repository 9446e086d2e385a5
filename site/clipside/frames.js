// Pictures as frames of video. A frame shares a bitmap's memory and hands out the bytes that it has, at 12 megapixels in a
// few milliseconds, where a canvas, which converts to what it has and back, takes some hundreds; and it goes from the page
// to the Worker as it is, where a bitmap is copied on the way.

/** @typedef {import('./engine.js').Pixels} Pixels */

/**
 * WebKit's frames are left alone: once one that was made of a bitmap is closed, the next picture that is decoded is
 * another (WebKitGTK 2.50). They say nothing of their rotation, as those of older Chromiums; but these decode images.
 * @param {ImageBitmap} bitmap
 * @returns {VideoFrame | undefined} which shares its memory; none if it cannot be one, for its size or its format
 */
export function frameOf(bitmap) {
  try {
    if (!('rotation' in VideoFrame.prototype) && !('ImageDecoder' in globalThis)) return undefined;
    return new VideoFrame(bitmap, { timestamp: 0 });
  } catch {
    return undefined;
  }
}

/**
 * @param {ImageBitmap} bitmap
 * @returns {boolean} whether it has more than 8 bits a channel; false where that cannot be told
 */
export function isDeep(bitmap) {
  const frame = frameOf(bitmap);
  const format = frame?.format;
  frame?.close();
  return format === null; // video has no such format
}

/**
 * Reads a bitmap by way of its frame.
 * @param {VideoFrame} frame
 * @param {number} width of the bitmap
 * @param {number} height
 * @returns {Pixels | undefined} if its bytes are not pixels as they are, or may have been turned unbeknown
 */
export function pixelsOf(frame, width, height) {
  const { codedWidth, codedHeight, colorSpace, rotation, flip } = /** @type {VideoFrame & { rotation?: number, flip?: boolean }} */ (frame);
  const layout = /^(RGB|BGR)([AX])$/.exec(frame.format ?? '');
  if (!layout || rotation === undefined || flip === undefined) return undefined;
  // Canvases and the GPU get other colours converted to sRGB: what a caller made in Display P3, or of a file with a profile.
  if (colorSpace.primaries !== 'bt709' || colorSpace.transfer !== 'iec61966-2-1') return undefined;
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
export function framesAreExact() {
  framesAreTried ??= (async () => {
    const straight = [200, 100, 50, 128];
    const premultiplied = [100, 50, 25, 128];
    const into = new Uint8Array(globalThis.crossOriginIsolated ? new SharedArrayBuffer(4) : new ArrayBuffer(4));
    const pixel = new ImageData(Uint8ClampedArray.from(straight), 1, 1);
    const callers = await createImageBitmap(pixel, { premultiplyAlpha: 'none' });
    const bitmap = await createImageBitmap(callers); // as the page copies it
    const frame = frameOf(bitmap);
    const pixels = frame && pixelsOf(frame, 1, 1);
    await pixels?.read(into, 0, 0, 1, 1);
    for (const part of [frame, bitmap, callers]) part?.close();
    const [r, g, b, a] = pixels?.bgr ? [into[2], into[1], into[0], into[3]] : into;
    return pixels?.alpha === 'premultiplied' && premultiplied.join() === [r, g, b, a].join();
  })().catch(() => false); // there are none, or they cannot be read
  return framesAreTried;
}
