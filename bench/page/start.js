// From navigation to the first result: an image against two labels. The address says whose, on which model and device.

import { address, cosine, makePictures, toPixelValues } from './inputs.js';
import { bundleFor } from './ort.js';

const query = new URLSearchParams(location.search);
const model = query.get('model') ?? '';
const device = query.get('device') ?? 'cpu';
const threads = Number(query.get('threads') ?? 1);
const size = Number(query.get('size') ?? 224);
const scale = Number(query.get('scale') ?? 100);
const labels = ['cat', 'dog'];

const contenders = {
  async clipside() {
    const { createClip } = await import(address('../ours/clipside.js'));
    const clip = await createClip({
      model: address(`../models/${model}/`),
      device: /** @type {any} */ (device),
    });
    const [picture] = makePictures(1, size);
    return (await clip.classify(picture, labels)).map((/** @type {any} */ r) => r.score);
  },

  // The runtime alone: the texts' tokens are given, so that no tokenizer is loaded.
  async onnxruntime() {
    const base = address('../ort/');
    const provider = device === 'cpu' ? 'wasm' : 'webgpu';
    const ort = await import(base + bundleFor(provider));
    ort.env.wasm.wasmPaths = base;
    ort.env.wasm.numThreads = threads;
    ort.env.logLevel = 'error';
    const facts = {
      name: model,
      size,
      embed: 0,
      length: 0,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    };
    const ids = JSON.parse(query.get('ids') ?? '[]');
    const session = (/** @type {string} */ kind) =>
      ort.InferenceSession.create(address(`../onnx/${model}/${kind}.onnx`), { executionProviders: [provider] });
    // One after the other: the runtime does not load two sessions at once.
    const text = await session('text');
    const texts = await text.run({
      input_ids: new ort.Tensor('int64', BigInt64Array.from(ids.flat(), BigInt), [ids.length, ids[0].length]),
    });
    const image = await session('image');
    const images = await image.run({
      pixel_values: new ort.Tensor('float32', toPixelValues(makePictures(1, size), facts), [1, 3, size, size]),
    });
    const t = texts.text_embeds.data;
    const i = images.image_embeds.data;
    return softmax(
      ids.map((/** @type {unknown} */ _, /** @type {number} */ n) => scale * cosine(i, t.subarray(n * i.length, (n + 1) * i.length))),
    );
  },

  async transformers() {
    const { pipeline, env, RawImage } = await import(address('../transformers/transformers.min.js'));
    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    env.localModelPath = new URL(address('../hf/')).pathname; // a whole address counts as remote
    env.backends.onnx.wasm.wasmPaths = address('../transformers-ort/');
    env.backends.onnx.wasm.numThreads = threads;
    const classify = await pipeline('zero-shot-image-classification', model, {
      dtype: 'fp32',
      device: device === 'cpu' ? 'wasm' : 'webgpu',
    });
    const [picture] = makePictures(1, size);
    const image = new RawImage(picture.data, size, size, 4).rgb();
    return (await classify(image, labels, { hypothesis_template: 'a photo of a {}.' })).map((/** @type {any} */ r) => r.score);
  },
};

/** @param {number[]} logits highest first */
function softmax(logits) {
  const e = logits.map((l) => Math.exp(l - Math.max(...logits)));
  const sum = e.reduce((a, b) => a + b);
  return e.map((v) => v / sum).sort((a, b) => b - a);
}

const run = contenders[/** @type {keyof typeof contenders} */ (query.get('who'))];
/** @type {any} */ (globalThis).result = run().then((scores) => ({
  ms: performance.now(),
  scores,
}));
