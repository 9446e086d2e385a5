// How picture files are read: what one is, by its first bytes, whether it is all there, and how it is to be decoded.
// Browsers differ on a picture that is cut short: some refuse it, some fill in grey, and a grey half would be classified
// as if it were the picture.

/**
 * Options for createImageBitmap, on the page and in the Worker: the numbers in the file, upright. The models were
 * trained on pictures whose colour profile was ignored (PIL does). Alpha is multiplied in as browsers keep it anyway:
 * laid over white, a picture comes out the same to the bit.
 * @type {ImageBitmapOptions}
 */
export const asStored = { imageOrientation: 'from-image', premultiplyAlpha: 'premultiply', colorSpaceConversion: 'none' };

/**
 * @typedef {'jpeg' | 'png' | 'gif' | 'webp' | 'bmp' | 'ico' | 'avif' | 'heic' | 'jxl' | 'tiff' | 'psd' | 'svg' | 'pdf' | 'video' | 'html'} Format
 */

/** How many of a file's first bytes sniff wants. */
export const headBytes = 256;

/** Major and compatible brands of ISO base media files. */
const heicBrands = new Set(['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis', 'mif1', 'msf1']);
const avifBrands = new Set(['avif', 'avis']);

/**
 * @param {Uint8Array} head the first bytes of a file, headBytes of them or all
 * @returns {Format | undefined} undefined if it looks like none of them
 */
export function sniff(head) {
  const ascii = String.fromCharCode(...head.subarray(0, headBytes));
  if (ascii.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (ascii.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (/^GIF8[79]a/.test(ascii)) return 'gif';
  if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'WEBP') return 'webp';
  if (ascii.startsWith('BM')) return 'bmp';
  if (ascii.startsWith('\0\0\x01\0')) return 'ico';
  if (ascii.startsWith('\xff\x0a') || ascii.startsWith('\0\0\0\x0cJXL ')) return 'jxl';
  if (/^(II\*\0|MM\0\*|II\+\0|MM\0\+)/.test(ascii)) return 'tiff';
  if (ascii.startsWith('8BPS')) return 'psd';
  if (ascii.startsWith('%PDF-')) return 'pdf';
  if (ascii.startsWith('\x1a\x45\xdf\xa3')) return 'video';
  if (ascii.slice(4, 8) === 'ftyp') {
    // Box size, 'ftyp', major brand, minor version, compatible brands of four bytes each.
    const size = new DataView(head.buffer, head.byteOffset).getUint32(0);
    const brands = [ascii.slice(8, 12)];
    for (let at = 16; at + 4 <= Math.min(size, ascii.length); at += 4) brands.push(ascii.slice(at, at + 4));
    if (brands.some((brand) => avifBrands.has(brand))) return 'avif'; // before HEIC: AVIF files list mif1 too
    if (brands.some((brand) => heicBrands.has(brand))) return 'heic';
    return 'video';
  }
  if (/^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--[^]*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i.test(ascii)) return 'svg';
  if (/^(\xef\xbb\xbf)?\s*<(!DOCTYPE html|html|head|body)[\s>]/i.test(ascii)) return 'html';
  return undefined;
}

/**
 * What to tell whoever passes a file that the browser could not decode. Asked only after trying: Safari reads HEIC and
 * TIFF, and others may learn to.
 * @param {Format | undefined} format
 * @returns {string}
 */
export function advice(format) {
  switch (format) {
    case 'heic':
      return 'it is a HEIC photo, which this browser cannot read: save it as JPEG (on an iPhone, Settings → Camera → Formats → Most Compatible makes new photos so).';
    case 'avif':
      return 'it is an AVIF picture that this browser cannot read, or a broken one: save it as JPEG, PNG or WebP.';
    case 'jxl':
      return 'it is a JPEG XL picture, which this browser cannot read: save it as JPEG, PNG or WebP.';
    case 'tiff':
      return 'it is a TIFF or a camera’s raw file, which this browser cannot read: save it as JPEG or PNG.';
    case 'psd':
      return 'it is a Photoshop document: save it as JPEG or PNG.';
    case 'svg':
      return 'it is an SVG drawing, which has no pixels of its own: pass the <img> that shows it, or save it as PNG.';
    case 'pdf':
      return 'it is a PDF document, not a picture.';
    case 'video':
      return 'it is a video, not a picture: show it in a <video> and pass that, or a VideoFrame of it.';
    case 'html':
      return 'it is a web page, not a picture.';
    case undefined:
      return 'it is not a picture in any format known here.';
    default:
      return `it begins like a ${format.toUpperCase()} picture, but is broken, or larger than this browser can open.`;
  }
}

/**
 * Whether the end of a picture is missing. Only the formats in which photos come and whose ends can be told are
 * looked at; bytes after the end are allowed (phones append videos and depth maps there).
 * @param {Blob} blob
 * @param {Format | undefined} format
 * @returns {Promise<boolean>}
 */
export async function isCutShort(blob, format) {
  switch (format) {
    case 'jpeg': {
      const tail = await bytesOf(blob.slice(-2));
      if (tail[0] === 0xff && tail[1] === 0xd9) return false;
      return !jpegHasEnd(await bytesOf(blob));
    }
    case 'png': {
      const tail = await bytesOf(blob.slice(-12));
      if (ascii(tail, 4, 4) === 'IEND') return false;
      return !pngHasEnd(await bytesOf(blob));
    }
    case 'webp': {
      const head = await bytesOf(blob.slice(0, 8));
      return new DataView(head.buffer).getUint32(4, true) + 8 > blob.size;
    }
    default:
      return false;
  }
}

/** @param {Blob} blob */
async function bytesOf(blob) {
  return new Uint8Array(await blob.arrayBuffer());
}

/**
 * Walks a JPEG's markers (ITU T.81, B.1) up to EOI. An FF D9 inside a segment, such as the end of an EXIF thumbnail,
 * does not count.
 * @param {Uint8Array} bytes beginning with SOI
 * @returns {boolean}
 */
export function jpegHasEnd(bytes) {
  let at = 2;
  for (;;) {
    // To the next marker: FF, any number of fill bytes FF, then its code; 00 is a stuffed FF of the entropy-coded data.
    at = bytes.indexOf(0xff, at);
    if (at < 0) return false;
    while (bytes[at] === 0xff) at++;
    if (at >= bytes.length) return false;
    const marker = bytes[at++];
    if (marker === 0xd9) return true;
    const standsAlone = marker === 0x00 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    if (standsAlone) continue;
    if (at + 2 > bytes.length) return false;
    at += (bytes[at] << 8) | bytes[at + 1]; // the length counts its own two bytes
  }
}

/**
 * @param {Uint8Array} bytes beginning with the signature
 * @returns {boolean}
 */
export function pngHasEnd(bytes) {
  for (const { type } of pngChunks(bytes)) if (type === 'IEND') return true;
  return false;
}

/**
 * A chunk: length of its data, type, data, checksum.
 * @param {Uint8Array} bytes beginning with the signature
 * @returns {Iterable<{ type: string, from: number, to: number }>}
 */
export function* pngChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let from = 8; from + 12 <= bytes.length;) {
    const to = from + 12 + view.getUint32(from);
    yield { type: ascii(bytes, from + 4, 4), from, to };
    from = to;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} length
 */
export function ascii(bytes, at, length) {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
