// A photo of 12 megapixels, from bitmap to embedding, in turns with a picture of the model's own size. The address says
// which model and device.

import { address, makePictures } from './inputs.js';

const query = new URLSearchParams(location.search);
const size = Number(query.get('size') ?? 224);

/**
 * A photo as a page gets it from a file.
 * @returns {Promise<ImageBitmap>}
 */
async function makePhoto() {
  const [width, height] = [4000, 3000];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  const [tile] = makePictures(1, 500);
  for (let y = 0; y < height; y += 500) for (let x = 0; x < width; x += 500) context.putImageData(tile, x, y);
  return createImageBitmap(await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 }));
}

/**
 * @param {number} seconds of timed calls
 * @param {number} most timed calls of each
 * @returns {Promise<{ photo: number[], engine: number[], alone: number[] }>} milliseconds
 */
async function measure(seconds, most) {
  const { createClip } = await import(address('../ours/clipside.js'));
  const clip = await createClip({
    model: address(`../models/${query.get('model')}/`),
    device: /** @type {any} */ (query.get('device')),
    towers: ['image'],
    cache: false,
  });
  const photo = await makePhoto();
  const [square] = makePictures(1, size);
  /** @type {{ photo: number[], engine: number[], alone: number[] }} */
  const times = { photo: [], engine: [], alone: [] };
  const turn = async () => {
    const start = performance.now();
    await clip.embedImages(photo);
    times.photo.push(performance.now() - start);
    times.engine.push(clip.info.timings.image);
    await clip.embedImages(square);
    times.alone.push(clip.info.timings.image);
  };
  await turn();
  times.photo.length = times.engine.length = times.alone.length = 0; // it is warm by now
  const start = performance.now();
  for (let n = 0; n < most && (n < 3 || performance.now() - start < 1000 * seconds); n++) await turn();
  await clip.dispose();
  return times;
}

/** @type {any} */ (globalThis).measure = measure;
