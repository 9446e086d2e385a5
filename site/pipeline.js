// The call and result shape of transformers.js, for zero-shot image classification: to move over is to change the
// import.
//
//	import { pipeline } from 'clipside/pipeline';
//	const classify = await pipeline('zero-shot-image-classification', 'clip-vit-base-patch32');
//	await classify('cat.jpg', ['a cat', 'a dog']);   // [{ score: 0.98, label: 'a cat' }, { score: 0.02, label: 'a dog' }]

import { createClip } from './clipside.js';
import { tell } from './clipside/listeners.js';

/** @typedef {import('./clipside.js').Clip} Clip */
/** @typedef {import('./clipside.js').ImageInput} ImageInput */
/** @typedef {import('./clipside.js').Label} Label */

/**
 * How far a file is, as transformers.js tells it; here the whole model is one file.
 * @typedef {object} PipelineProgress
 * @property {'initiate' | 'progress' | 'done' | 'ready'} status
 * @property {string} name the model, as it was passed
 * @property {string} file
 * @property {number} progress percent
 * @property {number} loaded bytes
 * @property {number} total bytes
 */

/**
 * @typedef {object} PipelineOptions
 * @property {'auto' | 'webgpu' | 'gpu' | 'wasm' | 'cpu' | null} [device] 'gpu' means webgpu, 'wasm' means cpu; default auto
 * @property {(progress: PipelineProgress) => void} [progress_callback]
 * @property {unknown} [dtype] taken and ignored: a bundle has one precision, fp16
 * @property {unknown} [revision] taken and ignored: a bundle is what lies at its address
 * @property {AbortSignal} [signal] not of transformers.js: ends the loading
 */

/**
 * @typedef {object} CallOptions
 * @property {string} [hypothesis_template] default 'This is a photo of {}', as there
 * @property {AbortSignal} [signal] not of transformers.js: ends the call
 */

/**
 * @callback Classify1
 * @param {ImageInput} images
 * @param {readonly string[]} candidate_labels
 * @param {CallOptions} [options]
 * @returns {Promise<Label[]>} best first
 */

/**
 * @callback ClassifyMany
 * @param {readonly ImageInput[]} images
 * @param {readonly string[]} candidate_labels
 * @param {CallOptions} [options]
 * @returns {Promise<Label[][]>} for each picture, best first
 */

/**
 * @typedef {Classify1 & ClassifyMany & { task: 'zero-shot-image-classification', clip: Clip, dispose: () => Promise<void> }} ZeroShotImageClassificationPipeline
 */

const task = 'zero-shot-image-classification';

const devices = /** @type {const} */ ({ auto: 'auto', webgpu: 'webgpu', gpu: 'webgpu', wasm: 'cpu', cpu: 'cpu' });

/** Bundlers take new URL('…', import.meta.url) for a file to copy, which a directory is not. */
const here = import.meta.url;

/** Where models are that are not given by an address. */
export const env = {
  /** @type {string | URL} */
  localModelPath: new URL('models/', here),
};

/**
 * @param {'zero-shot-image-classification'} asked the only task
 * @param {string | URL | null} [model] an address (absolute, or beginning with / or a dot) of a bundle, or a name below env.localModelPath; default: the starter model
 * @param {PipelineOptions} [options]
 * @returns {Promise<ZeroShotImageClassificationPipeline>}
 */
export async function pipeline(asked, model, { device, progress_callback: listener, signal } = {}) {
  if (asked !== task) throw new TypeError(`clipside has one pipeline, '${task}'; '${asked}' is another.`);
  if (device && !Object.hasOwn(devices, device))
    throw new TypeError(`device is '${device}': pass one of ${Object.keys(devices).join(', ')}.`);
  if (listener && typeof listener !== 'function') throw new TypeError('progress_callback is not a function.');
  const name = String(model ?? 'starter');
  const report = (/** @type {PipelineProgress['status']} */ status, loaded = 0, total = 0) => {
    tell(listener, { status, name, file: 'manifest.json', progress: total > 0 ? (100 * loaded) / total : 0, loaded, total });
  };
  report('initiate');
  let size = 0;
  const clip = await createClip({
    ...(model && { model: locate(model) }),
    ...(device && { device: devices[device] }),
    ...(signal && { signal }),
    onProgress: ({ phase, loaded, total }) => {
      size = total;
      if (phase === 'download') report('progress', loaded, total);
    },
  });
  report('done', size, size);
  report('ready', size, size);

  /**
   * @param {any} images
   * @param {readonly string[]} labels
   * @param {CallOptions} [options]
   */
  const classify = async (images, labels, { hypothesis_template: template = 'This is a photo of {}', signal: stop } = {}) =>
    clip.classify(images, labels, { template, ...(stop && { signal: stop }) });
  return Object.assign(/** @type {Classify1 & ClassifyMany} */ (classify), {
    task: /** @type {typeof task} */ (task),
    clip,
    dispose: () => clip.dispose(),
  });
}

/**
 * @param {string | URL} model
 * @returns {string | URL}
 */
function locate(model) {
  if (model instanceof URL || /^([a-z][a-z+.-]*:|\.{0,2}\/)/i.test(model)) return model;
  const base = String(env.localModelPath);
  return new URL(
    `${model.replace(/\/$/, '')}/`,
    new URL(base.endsWith('/') ? base : `${base}/`, globalThis.document?.baseURI ?? globalThis.location?.href),
  );
}
