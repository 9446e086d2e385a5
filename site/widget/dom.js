// Making elements of the shadow trees. Text goes in as text, never as markup, and nothing needs an inline style.

import { readDataURL } from '../clipside/inputs.js';

/** @typedef {import('../clipside.js').ImageInput} ImageInput */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} part name of the ::part(), which is the class too
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, part, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (part) {
    element.setAttribute('part', part);
    element.className = part;
  }
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Draws a picture small. An object URL would do, but a page's policy may refuse blob: pictures.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageInput} picture
 * @param {number} longest pixels of the longer side
 */
export async function drawThumbnail(canvas, picture, longest) {
  const bitmap = await bitmapOf(picture);
  try {
    const scale = Math.min(longest / Math.max(bitmap.width, bitmap.height), 1);
    canvas.width = Math.max(Math.round(bitmap.width * scale), 1);
    canvas.height = Math.max(Math.round(bitmap.height * scale), 1);
    const context = canvas.getContext('2d');
    if (!context) return;
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  } finally {
    bitmap.close();
  }
}

/**
 * @param {ImageInput} picture
 * @returns {Promise<ImageBitmap>} of what is there now, or of what an <img> or an address will be
 */
async function bitmapOf(picture) {
  if (picture instanceof HTMLImageElement && !picture.complete) await picture.decode();
  if (typeof picture !== 'string' && !(picture instanceof URL)) return createImageBitmap(picture);
  return createImageBitmap(isDataURL(picture) ? readDataURL(String(picture)) : await (await fetch(picture)).blob());
}

/**
 * A page's policy may refuse data: addresses, to fetch and as an <img>'s src.
 * @param {ImageInput} picture
 * @returns {boolean} whether it is such an address
 */
export function isDataURL(picture) {
  return /^data:/i.test(String(picture));
}

/**
 * The pictures that were dropped or pasted; other files come along, so that they can be named.
 * @param {DataTransfer | null} transfer
 * @returns {File[]}
 */
export function filesOf(transfer) {
  return [...(transfer?.files ?? [])];
}

/**
 * @param {File} file
 * @returns {boolean} false for what surely is none; an empty type may be anything
 */
export function maybePicture(file) {
  return file.type === '' || file.type.startsWith('image/');
}
