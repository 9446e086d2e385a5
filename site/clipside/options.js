// What callers pass, checked before anything is done with it. Each TypeError says what to pass instead.

import { checkImage, className } from './inputs.js';

/** @typedef {import('../clipside.js').ClipOptions} ClipOptions */
/** @typedef {import('../clipside.js').ImageInput} ImageInput */
/** @typedef {import('./worker.js').OpenRequest} OpenRequest */

const devices = /** @type {const} */ (['auto', 'webgpu', 'cpu']);
const towers = /** @type {const} */ (['image', 'text']);

const each = ['signal', 'onTruncated', 'template', 'topK'];
/** What each function takes: one that is misspelt would be passed over. */
const known = {
  createClip: ['model', 'integrity', 'wait', 'device', 'towers', 'cache', 'profile', 'worker', 'signal', 'onProgress'],
  classify: [...each, 'onProgress'],
  classifyEach: each,
  embedImages: ['signal', 'onProgress'],
  embedEach: ['signal'],
  embedTexts: ['signal', 'onTruncated', 'onProgress'],
  similarity: ['signal', 'onTruncated', 'onProgress'],
};

/** @typedef {keyof typeof known} Called */

/** The template that the models' own authors use. */
const defaultTemplate = 'a photo of a {}.';

/**
 * @param {ClipOptions} options
 * @param {URL} defaultModel
 * @returns {{ requests: Omit<OpenRequest, 'id' | 'startedAt'>[], wait: boolean, worker: string, signal: AbortSignal | undefined, onProgress: ClipOptions['onProgress'] }} a request for each model, at least one
 * @throws {TypeError}
 */
export function readOptions(options, defaultModel) {
  checkNames('createClip', options);
  const signal = readSignal(options);
  const { device = 'auto', cache = true, wait = true, profile = false } = options;
  if (!devices.includes(device)) throw new TypeError(`device is ${show(device)}: pass 'auto', 'webgpu' or 'cpu'.`);
  if (typeof cache !== 'boolean') throw new TypeError(`cache is ${show(cache)}: pass true or false.`);
  if (typeof profile !== 'boolean') throw new TypeError(`profile is ${show(profile)}: pass true or false.`);
  if (typeof wait !== 'boolean') throw new TypeError(`wait is ${show(wait)}: pass true or false.`);
  const onProgress = readProgress(options);
  const wanted = options.towers ?? [...towers];
  if (!Array.isArray(wanted) || wanted.length === 0 || wanted.some((tower) => !towers.includes(tower))) {
    throw new TypeError(`towers is ${show(wanted)}: pass an array with 'image', 'text' or both.`);
  }
  const given = options.model ?? defaultModel;
  const models = Array.isArray(given) ? given : [given];
  if (models.length === 0) throw new TypeError('model is an empty array: pass at least one.');
  const pins = Array.isArray(options.integrity) ? options.integrity : [options.integrity];
  if (options.integrity !== undefined && pins.length !== models.length) {
    throw new TypeError(`integrity is of ${pins.length} manifests, but there are ${models.length} models: pass one for each.`);
  }
  return {
    requests: models.map((model, i) => ({
      model: readModel(model),
      integrity: readIntegrity(pins[i]),
      device,
      towers: towers.filter((tower) => wanted.includes(tower)),
      cache,
      profile,
    })),
    wait,
    worker:
      options.worker === undefined
        ? ''
        : readAddress(options.worker, 'worker', "a script of this page's own origin, such as '/clipside-worker.js'"),
    signal,
    onProgress,
  };
}

/**
 * @param {unknown} integrity
 * @returns {string} in hex; empty if none was given
 */
function readIntegrity(integrity) {
  if (integrity === undefined) return '';
  const text = typeof integrity === 'string' ? integrity : '';
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  const [, base64] = /^sha256-([A-Za-z0-9+/]{43}=)$/.exec(text) ?? [];
  if (!base64)
    throw new TypeError(
      `integrity is ${show(integrity)}: pass the SHA-256 of the model's manifest.json, as 64 hex digits or as 'sha256-' and base64.`,
    );
  return Array.from(atob(base64), (char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}

/**
 * @param {unknown} address
 * @param {string} named
 * @param {string} expected
 * @returns {string} absolute; what it is relative to is the page
 */
function readAddress(address, named, expected) {
  if (!['String', 'URL'].includes(className(address)) || address === '')
    throw new TypeError(`${named} is ${show(address)}: pass the URL of ${expected}.`);
  try {
    return new URL(/** @type {string | URL} */ (address), globalThis.document?.baseURI ?? location.href).href;
  } catch (cause) {
    throw new TypeError(`${named} is ${show(address)}, which is not a URL.`, { cause });
  }
}

/**
 * @param {unknown} model
 * @returns {string} the directory's absolute URL, ending in a slash, whether it came with one, without, or with the manifest's name
 */
function readModel(model) {
  const url = new URL(readAddress(model, 'model', "a bundle's directory, such as 'models/starter/'"));
  // Extensions and applications have protocols of their own; files have no host.
  if (!url.host) {
    throw new TypeError(
      `model is ${show(String(model))}: it must be an http or https URL. Where a bundler has moved the code, pass the address that the models were copied to.`,
    );
  }
  url.search = url.hash = '';
  url.pathname = `${url.pathname.replace(/\/manifest\.json$/, '').replace(/\/$/, '')}/`;
  return url.href;
}

/**
 * @param {Called} called
 * @param {object} options
 * @throws {TypeError}
 */
export function checkNames(called, options) {
  if (typeof options !== 'object' || options === null) throw new TypeError(`The options are ${show(options)}: pass an object.`);
  const unknown = Object.entries(options).find(([name, value]) => value !== undefined && !known[called].includes(name));
  if (unknown) throw new TypeError(`${called} has no option ${show(unknown[0])}; it has ${known[called].join(', ')}.`);
}

/**
 * @param {{ signal?: AbortSignal }} options
 * @returns {AbortSignal | undefined}
 * @throws {TypeError}
 */
export function readSignal({ signal }) {
  if (signal !== undefined && className(signal) !== 'AbortSignal')
    throw new TypeError(`signal is ${show(signal)}: pass an AbortController's signal.`);
  return signal;
}

/**
 * @template F
 * @param {{ onProgress?: F, onTruncated?: unknown }} options
 * @returns {F | undefined} onProgress
 * @throws {TypeError} also for an onTruncated that is no function
 */
export function readProgress({ onProgress, onTruncated }) {
  for (const [named, listener] of Object.entries({ onProgress, onTruncated })) {
    if (listener !== undefined && typeof listener !== 'function') throw new TypeError(`${named} is ${show(listener)}: pass a function.`);
  }
  return onProgress;
}

/**
 * @param {ImageInput | readonly ImageInput[]} images
 * @returns {{ list: readonly ImageInput[], single: boolean }}
 * @throws {TypeError}
 */
export function readImages(images) {
  if (!Array.isArray(images)) {
    checkImage(images, 'The picture');
    return { list: [/** @type {ImageInput} */ (images)], single: true };
  }
  for (const [i, image] of images.entries()) checkImage(image, `images[${i}]`);
  return { list: images, single: false };
}

/**
 * @param {string | readonly string[]} texts
 * @returns {{ list: string[], single: boolean }}
 * @throws {TypeError}
 */
export function readTexts(texts) {
  if (typeof texts === 'string') return { list: [texts], single: true };
  if (!Array.isArray(texts)) throw new TypeError(`The texts are ${show(texts)}: pass a string or an array of strings.`);
  return { list: strings(texts, 'texts'), single: false };
}

/**
 * @param {readonly string[]} labels
 * @returns {string[]}
 * @throws {TypeError}
 */
export function readLabels(labels) {
  if (!Array.isArray(labels)) throw new TypeError(`labels is ${show(labels)}: pass an array of strings, such as ['a cat', 'a dog'].`);
  if (labels.length === 0) throw new TypeError('labels is empty: give at least one label to choose from.');
  const list = strings(labels, 'labels');
  const blank = list.findIndex((label) => label.trim() === '');
  if (blank >= 0) throw new TypeError(`labels[${blank}] is blank: leave it out or write a word.`);
  return list;
}

/**
 * @param {string | readonly string[] | undefined} template
 * @returns {string[]}
 * @throws {TypeError}
 */
export function readTemplates(template = defaultTemplate) {
  if (typeof template !== 'string' && !Array.isArray(template))
    throw new TypeError(`template is ${show(template)}: pass a string with {} in it, or an array of such.`);
  const list = typeof template === 'string' ? [template] : strings(template, 'template');
  if (list.length === 0) throw new TypeError(`template is empty: pass at least one, or leave it out for '${defaultTemplate}'.`);
  const bare = list.find((one) => !one.includes('{}'));
  if (bare !== undefined)
    throw new TypeError(`The template ${show(bare)} has no {}, where the label is to go: such as '${defaultTemplate}'.`);
  return list;
}

/**
 * @param {number | undefined} topK
 * @returns {number} 0 for all
 * @throws {TypeError}
 */
export function readTopK(topK) {
  if (topK === undefined) return 0;
  if (!Number.isSafeInteger(topK) || topK < 1)
    throw new TypeError(`topK is ${show(topK)}: pass a whole number from 1, or leave it out for all.`);
  return topK;
}

/**
 * @param {readonly unknown[]} values
 * @param {string} named
 * @returns {string[]} a copy
 */
function strings(values, named) {
  // Of an array with holes forEach would pass over those.
  for (const [i, value] of values.entries()) {
    if (typeof value !== 'string') throw new TypeError(`${named}[${i}] is ${show(value)}: pass a string.`);
  }
  return /** @type {string[]} */ ([...values]);
}

/**
 * @param {unknown} value
 * @returns {string} fit for a message
 */
function show(value) {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return `an object (${Object.prototype.toString.call(value).slice(8, -1)})`;
  return typeof value === 'function' ? 'a function' : String(value);
}
