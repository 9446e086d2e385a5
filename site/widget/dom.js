// Making elements of the shadow trees. Text goes in as text, never as markup, and nothing needs an inline style.

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
 * @param {Blob | CanvasImageSource | ImageData} picture
 * @param {number} longest pixels of the longer side
 */
export async function drawThumbnail(canvas, picture, longest) {
  const bitmap = await createImageBitmap(picture);
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
