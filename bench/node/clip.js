// Clipside under Node, as far as the race needs it: the page's engine without a Worker around it.

import { startEngine } from '../ours/clipside/engine.js';

/**
 * @param {{ model: string, device: 'webgpu' | 'cpu' }} options model is the directory's URL
 */
export async function createClip({ model, device }) {
  const read = async (/** @type {string} */ name) => new Uint8Array(await (await fetch(new URL(name, model))).arrayBuffer());
  const engine = await startEngine((error) => {
    throw error;
  });
  const { id, dim, files, ...about } = await engine.open({
    manifest: await read('manifest.json'),
    integrity: '',
    device,
    towers: ['image', 'text'],
    profile: false,
  });
  const compiled = engine.compile(id, ''); // measures which kernels suit the adapter
  for (const { kind, index, file } of files) await engine.data(id, kind, index, await read(file), false);
  await compiled;
  let calls = 0;
  const clip = {
    info: {
      device: about.device,
      adapter: about.adapter,
      features: about.features,
      software: about.software,
      timings: about.timings,
    },
    /** @param {import('../race/inputs.js').Picture[]} pictures */
    async embedImages(pictures) {
      const given = pictures.map(({ width, height, data }) => ({
        width,
        height,
        bgr: false,
        alpha: /** @type {const} */ ('none'),
        // The race's pictures are square, and read whole.
        read: (
          /** @type {Uint8Array} */ into,
          /** @type {number} */ _x,
          /** @type {number} */ y,
          /** @type {number} */ w,
          /** @type {number} */ h,
        ) => into.set(data.subarray(4 * w * y, 4 * w * (y + h))),
        all: data,
      }));
      return split(await engine.embedImages(id, ++calls, given));
    },
    /** @param {string[]} texts */
    async embedTexts(texts) {
      return split((await engine.embedTexts(id, ++calls, texts)).embeddings);
    },
  };
  const split = (/** @type {Float32Array} */ values) =>
    Array.from({ length: values.length / dim }, (_, i) => values.subarray(i * dim, (i + 1) * dim));
  return clip;
}
