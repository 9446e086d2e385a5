// Colour profiles. The models were trained on the numbers in files, as PIL reads them, whatever profile says what colours
// these are. createImageBitmap leaves them as they are where it is asked to (asStored, of formats.js), but in WebKit: that
// converts them to sRGB all the same, and so gets files without what says how.

import { ascii, asStored, pngChunks } from './formats.js';

/** @typedef {import('./formats.js').Format} Format */

/** A PNG of one grey pixel, 128, with a gamma of 1: in sRGB it would be 188. */
const grey = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAABGdBTUEAAYagMeiWXwAAAApJREFUeNpjaAAAAIIAgdpFCDsAAAAASUVORK5CYII=';

/** @type {Promise<boolean> | undefined} */
let tried;

/** @returns {Promise<boolean>} whether this browser converts colours that it is asked to leave as they are */
function converts() {
  tried ??= (async () => {
    const file = new Blob([Uint8Array.from(atob(grey), (c) => c.charCodeAt(0))]);
    const bitmap = await createImageBitmap(file, asStored);
    const context = new OffscreenCanvas(1, 1).getContext('2d');
    context?.drawImage(bitmap, 0, 0);
    bitmap.close();
    return context?.getImageData(0, 0, 1, 1).data[0] !== 128;
  })().catch(() => false); // it has no canvas to tell by
  return tried;
}

/** How far profiles are looked for; in front of them are thumbnails at most, of 64 KiB. */
const searched = 512 << 10;

/**
 * Some bytes of a file, and what comes in their place.
 * @typedef {{ from: number, to: number, put: string }} Edit
 */

/** @type {Partial<Record<Format, (head: Uint8Array) => Edit[]>>} */
const profilesIn = { jpeg: profilesInJPEG, png: profilesInPNG, webp: profilesInWebP };

/**
 * @param {Blob} blob
 * @param {Format | undefined} format
 * @returns {Promise<Blob>} without its colour profile, where the browser would convert by that
 */
export async function withoutProfile(blob, format) {
  const find = format && profilesIn[format];
  if (!find || !(await converts())) return blob;
  /** @type {(Blob | string)[]} */
  const parts = [];
  let at = 0;
  for (const { from, to, put } of find(new Uint8Array(await blob.slice(0, searched).arrayBuffer()))) {
    parts.push(blob.slice(at, from), put);
    at = to;
  }
  return at === 0 ? blob : new Blob([...parts, blob.slice(at)], { type: blob.type });
}

/**
 * Segments APP2 that begin with ICC_PROFILE (ICC.1, B.4), before the picture's data begin.
 * @param {Uint8Array} head
 */
export function profilesInJPEG(head) {
  /** @type {Edit[]} */
  const edits = [];
  for (let at = 2; head[at] === 0xff && head[at + 1] !== 0xda && at + 4 <= head.length;) {
    const to = at + 2 + ((head[at + 2] << 8) | head[at + 3]);
    if (head[at + 1] === 0xe2 && ascii(head, at + 4, 11) === 'ICC_PROFILE') edits.push({ from: at, to, put: '' });
    at = to;
  }
  return edits;
}

/**
 * Chunks that say what the colours are (PNG, 11.3.2), all of which are before the picture's data.
 * @param {Uint8Array} head
 */
export function profilesInPNG(head) {
  /** @type {Edit[]} */
  const edits = [];
  for (const { type, from, to } of pngChunks(head)) {
    if (type === 'IDAT') break;
    if (['cHRM', 'gAMA', 'iCCP', 'sRGB', 'cICP'].includes(type)) edits.push({ from, to, put: '' });
  }
  return edits;
}

/**
 * Chunk ICCP and the flag for it. The chunk stays, under a name that nobody knows: the file's length is at its beginning.
 * @param {Uint8Array} head
 */
export function profilesInWebP(head) {
  const extended = 12; // where VP8X is, if it is; the flags come first in it, and ICCP after it
  const icc = 0x20;
  if (ascii(head, extended, 4) !== 'VP8X') return [];
  const flags = extended + 8;
  const profile = flags + new DataView(head.buffer, head.byteOffset).getUint32(extended + 4, true);
  if (!(head[flags] & icc) || ascii(head, profile, 4) !== 'ICCP') return [];
  return [
    { from: flags, to: flags + 1, put: String.fromCharCode(head[flags] & ~icc & 0x7f) },
    { from: profile, to: profile + 4, put: 'none' },
  ];
}
