// The models that this browser keeps: a directory each in the origin private file system, under clipside-models/, with
// the manifest and the files that have come so far, under their own names. Nothing but deleteModel and a newer version of the
// same model removes any of it; caches of the page and its service worker are elsewhere.
//
// Why not the Cache API: measured with 252 MB in files of 3.5 MB in Chromium on two cores, it writes 142 MB/s and reads
// 350 to 440 MB/s; the file system writes 226 MB/s even with a flush after each file, and reads 376 to 536 MB/s. Handles
// that write synchronously do it in a third to a half of the time of streams (createWritable), which block the thread for
// as long; so a Worker of its own writes (fetcher.js). Those that read synchronously fill memory that is used again,
// which a Blob's arrayBuffer cannot: with it the second visit of 312 MB took 6.4 s instead of 9.2 s.
//
// Files are kept as they were sent. Keeping them decoded would save 6 ms a chunk of 4 MiB, and cost 18 % more of the
// user's disk and as much more to read and to hash.
//
// A file that was cut short by a crash is found by its hash, which is checked on every reading, so nothing is flushed. A
// manifest that was is no JSON.

import { Buffers } from './memory.js';
import { anySignal } from './signals.js';

/**
 * A model that is kept.
 * @typedef {object} StoredModel
 * @property {string} name
 * @property {string} url the directory that it was loaded from
 * @property {string} [source]
 * @property {string} [license]
 * @property {number} bytes of its files that are kept; the manifest is none of them, here and in ClipProgress
 * @property {number} total bytes of all its files
 * @property {string} integrity as createClip takes it, of the version that is kept; empty until a model has been loaded once
 * @property {{ file: string, bytes: number }[]} missing files of that version that are not here any more, or were never
 */

/** What a model's directory holds besides the bundle's own files. */
const addressFile = 'url.txt';
const manifestFile = 'manifest.json';

/** What handles are being asked. @type {Set<{ handle: FileSystemHandle }>} */
const asked = new Set();

/**
 * Asks a handle something, and keeps it until it has answered. In Chromium a handle that is collected as garbage takes
 * with it what it was asked, and the promise stays as it is for ever; a variable that is not read any more does not
 * keep it, once its function has been optimised.
 * @template {FileSystemHandle} H
 * @template T
 * @param {H} handle
 * @param {(handle: H) => Promise<T>} question
 * @returns {Promise<T>}
 */
export async function ask(handle, question) {
  const pending = { handle };
  asked.add(pending);
  try {
    return await question(handle);
  } finally {
    asked.delete(pending);
  }
}

/** @returns {Promise<FileSystemDirectoryHandle>} rejects where the browser has no such storage, or withholds it */
async function root() {
  if (!globalThis.navigator?.storage?.getDirectory)
    throw new DOMException('This browser keeps no files for pages, or not for pages without HTTPS.', 'NotSupportedError');
  return ask(await navigator.storage.getDirectory(), (origin) => origin.getDirectoryHandle('clipside-models', { create: true }));
}

/**
 * @param {string} url of the model's directory
 * @returns {Promise<string>} of 64 characters
 */
async function directoryName(url) {
  return hex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(url)));
}

/** @param {ArrayBuffer} bytes */
export function hex(bytes) {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** One model's directory; for Workers. */
export class ModelStore {
  #directory;
  /** Reading and writing of one file by several tabs go through a lock of this name and the file's. */
  #name;

  /**
   * @param {FileSystemDirectoryHandle} directory
   * @param {string} name
   */
  constructor(directory, name) {
    this.#directory = directory;
    this.#name = name;
  }

  /**
   * @param {string} url of the model's directory
   * @returns {Promise<ModelStore>}
   */
  static async open(url) {
    const name = await directoryName(url);
    const store = new ModelStore(await ask(await root(), (models) => models.getDirectoryHandle(name, { create: true })), name);
    await store.alone(undefined, addressFile, async () => {
      if (!(await store.read(addressFile))?.length) await store.write(addressFile, new TextEncoder().encode(url));
    });
    return store;
  }

  /**
   * @param {string} file
   * @param {Buffers} buffers for its bytes
   * @returns {Promise<Uint8Array<ArrayBuffer> | undefined>} whatever is there, to be checked; undefined if nothing can be read
   */
  async read(file, buffers = new Buffers(0)) {
    try {
      const handle = await ask(this.#directory, (directory) => directory.getFileHandle(file));
      const access = await ask(handle, (/** @type {any} */ handle) => handle.createSyncAccessHandle({ mode: 'read-only' })).catch(
        () => undefined,
      );
      // Browsers that know no modes let one tab at a time read a file so.
      if (!access) return new Uint8Array(await (await ask(handle, (file) => file.getFile())).arrayBuffer());
      try {
        const bytes = buffers.take(access.getSize());
        return bytes.subarray(0, access.read(bytes, { at: 0 }));
      } finally {
        access.close();
      }
    } catch {
      return undefined; // not there, or being replaced; it can be fetched all the same
    }
  }

  /**
   * @param {string} file
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @returns {Promise<void>} rejects with a DOMException named QuotaExceededError where there is no room
   */
  async write(file, bytes) {
    const handle = await ask(this.#directory, (directory) => directory.getFileHandle(file, { create: true }));
    const access = await openToWrite(handle);
    try {
      access.truncate(0);
      if (access.write(bytes, { at: 0 }) < bytes.length) throw new DOMException('The disk is full.', 'QuotaExceededError');
    } catch (error) {
      access.truncate(0);
      throw error;
    } finally {
      access.close();
    }
  }

  /** @returns {Promise<Uint8Array<ArrayBuffer> | undefined>} undefined if there is none, or one that a crash cut short */
  async manifest() {
    const bytes = await this.read(manifestFile);
    return bytes && filesOf(bytes).length > 0 ? bytes : undefined;
  }

  /**
   * @param {Uint8Array} manifest
   * @param {readonly string[]} towers
   * @returns {Promise<boolean>} whether all files are there that these towers need; what is in them is not looked at
   */
  async hasAll(manifest, towers) {
    for (const { file, stored } of filesOf(manifest, towers)) {
      const handle = await ask(this.#directory, (directory) => directory.getFileHandle(file)).catch(() => undefined);
      const { size } = (handle && (await ask(handle, (file) => file.getFile()).catch(() => undefined))) ?? {};
      if (size !== stored) return false;
    }
    return true;
  }

  /** @returns {Promise<number>} of all that is there */
  async bytes() {
    let sum = 0;
    for await (const handle of this.#directory.values()) {
      if (handle instanceof FileSystemFileHandle) sum += (await ask(handle, (file) => file.getFile()).catch(() => undefined))?.size ?? 0;
    }
    return sum;
  }

  /**
   * Keeps the manifest of a model that has been loaded, and removes files that only an older version needed. Where files
   * are missing that there was no room for, a version that is here already stays instead.
   * @param {Uint8Array<ArrayBuffer>} manifest
   * @param {boolean} whole whether all files that were loaded are kept
   */
  async commit(manifest, whole) {
    const current = await this.alone(undefined, manifestFile, async () => {
      const kept = await this.manifest();
      if (kept && same(kept, manifest)) return true;
      if (kept && !whole) return false;
      await this.write(manifestFile, manifest);
      return true;
    });
    if (!current) return;
    const named = new Set([addressFile, manifestFile, ...filesOf(manifest).map(({ file }) => file)]);
    for await (const name of this.#directory.keys()) {
      if (!named.has(name)) await ask(this.#directory, (directory) => directory.removeEntry(name)).catch(() => {}); // another tab has it open
    }
  }

  /**
   * Runs a task while no other tab of this origin runs one for the same file.
   * @template T
   * @param {AbortSignal | undefined} signal ends the waiting
   * @param {string} file
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  async alone(signal, file, task) {
    return locked(`clipside ${this.#name} ${file}`, signal, task);
  }
}

/** What browsers say of a file that is open elsewhere: the standard's name, and WebKit's. */
const inUse = ['NoModificationAllowedError', 'InvalidStateError'];

/**
 * Opens a file as soon as no other tab reads it, which takes moments.
 * @param {FileSystemFileHandle} handle
 * @returns {Promise<any>} TypeScript knows it in Workers only
 */
async function openToWrite(handle) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(handle, (/** @type {any} */ handle) => handle.createSyncAccessHandle());
    } catch (error) {
      if (!inUse.includes(/** @type {Error} */ (error).name) || attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/**
 * @template T
 * @param {string} name
 * @param {AbortSignal | undefined} signal ends the waiting
 * @param {() => Promise<T>} task
 * @returns {Promise<T>}
 */
async function locked(name, signal, task) {
  if (!navigator.locks) return task();
  const enough = AbortSignal.timeout?.(patienceMs); // Safari before 16 has none, and waits
  return navigator.locks.request(name, { signal: anySignal([signal, enough]) }, task).catch((error) => {
    if (error !== enough?.reason) throw error;
    return task();
  });
}

/**
 * How long another tab is waited for. One that was suspended holds its locks for as long as that lasts; to do what it does
 * once more is work, but does no harm.
 */
const patienceMs = 60_000;

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
function same(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * The stored files that a manifest names. The engine validates manifests; one that is no manifest names none.
 * @param {Uint8Array} manifest
 * @param {readonly string[]} [wanted] towers; all, if it is not given
 * @returns {{ file: string, stored: number }[]}
 */
function filesOf(manifest, wanted) {
  const { tokenizer, towers = {} } = parse(manifest);
  return [tokenizer, ...(wanted ?? Object.keys(towers)).flatMap((tower) => towers[tower]?.chunks ?? [])].filter(
    (file) => typeof file?.file === 'string',
  );
}

/**
 * @param {Uint8Array} manifest
 * @returns {any} {} if it is none
 */
function parse(manifest) {
  try {
    return JSON.parse(new TextDecoder().decode(manifest)) ?? {};
  } catch {
    return {};
  }
}

/**
 * The models that this browser keeps for this origin, complete or not.
 * @returns {Promise<StoredModel[]>} none where the browser keeps no files
 */
export async function listModels() {
  /** @type {StoredModel[]} */
  const models = [];
  let kept;
  try {
    kept = await root();
  } catch {
    return models;
  }
  for await (const entry of kept.values()) {
    // What another tab deletes meanwhile is not kept.
    const model = entry instanceof FileSystemDirectoryHandle && (await describe(entry).catch(() => undefined));
    if (model) models.push(model);
  }
  return models;
}

/**
 * @param {FileSystemDirectoryHandle} directory
 * @returns {Promise<StoredModel | undefined>} undefined if there is nothing of a model
 */
async function describe(directory) {
  /** @type {Map<string, number>} */
  const sizes = new Map();
  /** @type {Map<string, Uint8Array<ArrayBuffer>>} */
  const about = new Map();
  for await (const file of directory.values()) {
    if (!(file instanceof FileSystemFileHandle)) continue;
    const content = await ask(file, (file) => file.getFile());
    if (file.name === addressFile || file.name === manifestFile) about.set(file.name, new Uint8Array(await content.arrayBuffer()));
    else sizes.set(file.name, content.size);
  }
  const url = new TextDecoder().decode(about.get(addressFile));
  const manifest = about.get(manifestFile) ?? new Uint8Array();
  const { name, source, license } = parse(manifest);
  const files = filesOf(manifest);
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  if (bytes === 0 && manifest.length === 0) return undefined; // nothing ever came from there
  return {
    name: name ?? url.split('/').at(-2) ?? url,
    url,
    source,
    license,
    bytes,
    total: Math.max(
      bytes,
      files.reduce((sum, { stored }) => sum + stored, 0),
    ),
    integrity: files.length > 0 ? hex(await crypto.subtle.digest('SHA-256', manifest)) : '',
    missing: files.filter(({ file, stored }) => sizes.get(file) !== stored).map(({ file, stored }) => ({ file, bytes: stored })),
  };
}

/**
 * Deletes a model from this browser. A Clip that has it goes on; the next createClip loads it anew.
 * @param {string | URL} model its name or its URL, as listModels gives them
 * @returns {Promise<boolean>} whether there was one
 */
export async function deleteModel(model) {
  const wanted = String(model);
  const find = async () => (await listModels()).filter(({ name, url }) => name === wanted || url === wanted || url === `${wanted}/`);
  if ((await find()).length === 0) return false; // a browser that keeps no files may withhold locks too
  // One after the other: what is just being removed cannot be removed once more.
  return locked('clipside delete', undefined, async () => {
    const found = await find();
    for (const { url } of found) {
      const name = await directoryName(url);
      await ask(await root(), (models) => models.removeEntry(name, { recursive: true }));
    }
    return found.length > 0;
  });
}

/**
 * How much room there is for models, and whether the browser may clear them away by itself.
 * @returns {Promise<{ usage: number, quota: number, persisted: boolean }>} bytes of everything that this origin keeps; zeros where it may keep nothing, or the browser does not say
 */
export async function storageEstimate() {
  try {
    await globalThis.navigator?.storage?.getDirectory?.();
  } catch {
    return { usage: 0, quota: 0, persisted: false }; // a browser that withholds storage estimates all the same
  }
  const { usage = 0, quota = 0 } = (await globalThis.navigator?.storage?.estimate?.()) ?? {};
  return { usage, quota, persisted: (await globalThis.navigator?.storage?.persisted?.()) ?? false };
}

/**
 * Asks the browser not to clear models away when the disk runs short. Browsers may ask the user; call it only once they
 * have agreed to keep the model.
 * @returns {Promise<boolean>} whether it will not
 */
export async function persistModels() {
  return (await globalThis.navigator?.storage?.persist?.()) ?? false;
}
