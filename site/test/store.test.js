import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { listModels, ModelStore, storageEstimate } from '../clipside/store.js';
import { readTuning, writeTuning } from '../clipside/tuning.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/** A directory as Chromium has it: a file's handle that has been collected as garbage never answers. */
class Directory {
  /** Whether answers take until garbage has been collected. */
  slow = false;

  async getFileHandle() {
    const directory = this;
    /** @param {unknown} answer */
    function answered(answer) {
      if (!directory.slow) return Promise.resolve(answer);
      const handle = new WeakRef(this);
      return new Promise((resolve) => {
        // Not before the next task is what a WeakRef names given up.
        setTimeout(() => {
          collectGarbage();
          if (handle.deref()) resolve(answer);
        }, 1);
      });
    }
    return {
      createSyncAccessHandle() {
        return answered.call(this, { getSize: () => 0, truncate() {}, read: () => 0, write: () => 0, close() {} });
      },
      getFile() {
        return answered.call(this, { text: async () => '' });
      },
    };
  }
}

for (const [what, run] of Object.entries({
  read: (store) => store.read('file'),
  write: (store) => store.write('file', new Uint8Array()),
  'read what was measured': () => readTuning('adapter'),
  'write what was measured': () => writeTuning('adapter', ''),
})) {
  test(`a file's handle is kept until it has answered: ${what}`, async (t) => {
    const directory = new Directory();
    const origin = { getDirectoryHandle: async () => directory };
    Object.defineProperty(globalThis, 'navigator', { value: { storage: { getDirectory: async () => origin } }, configurable: true });
    t.after(() => Reflect.deleteProperty(globalThis, 'navigator'));
    const store = new ModelStore(directory, 'model');
    // Only of a function that has been optimised are variables forgotten that it reads no more.
    for (let i = 0; i < 20_000; i++) await run(store);
    directory.slow = true;
    const late = new Promise((_, reject) => setTimeout(reject, 60_000, new Error('no answer')).unref());
    await assert.doesNotReject(Promise.race([run(store), late]));
  });
}

test('a file that another tab is reading is read', async () => {
  const handle = {
    createSyncAccessHandle: async () => {
      throw new DOMException('it is open', 'NoModificationAllowedError');
    },
    getFile: async () => new Blob(['weights']),
  };
  const store = new ModelStore({ getFileHandle: async () => handle }, 'model');
  assert.equal(new TextDecoder().decode(await store.read('file')), 'weights');
});

for (const [browser, name] of /** @type {const} */ ([
  ['the standard', 'NoModificationAllowedError'],
  ['WebKit', 'InvalidStateError'],
])) {
  test(`a file that another tab is reading is written once that is done, as ${browser} has it`, async () => {
    let busy = 3;
    const written = [];
    const handle = {
      createSyncAccessHandle: async () => {
        if (busy-- > 0) throw new DOMException('it is open', name);
        return { truncate() {}, write: (bytes) => written.push(...bytes), close() {} };
      },
    };
    const store = new ModelStore({ getFileHandle: async () => handle }, 'model');
    await store.write('file', Uint8Array.of(7));
    assert.deepEqual(written, [7]);
  });
}

class Handle {}
class File {
  /**
   * @param {string} name
   * @param {string} content
   */
  constructor(name, content) {
    this.name = name;
    this.getFile = async () => new Blob([content]);
    this.createSyncAccessHandle = async () => {
      throw new DOMException('it is open', 'NoModificationAllowedError');
    };
  }
}

/** @param {() => AsyncIterable<unknown>} values */
const directory = (values) => Object.assign(new Handle(), { values });

/**
 * Has the browser keep models.
 * @param {import('node:test').TestContext} t
 * @param {unknown[]} models
 */
function keep(t, models) {
  const origin = {
    getDirectoryHandle: async () =>
      directory(async function* () {
        yield* models;
      }),
  };
  Object.defineProperty(globalThis, 'navigator', { value: { storage: { getDirectory: async () => origin } }, configurable: true });
  Object.assign(globalThis, { FileSystemDirectoryHandle: Handle, FileSystemFileHandle: File });
  t.after(() => Reflect.deleteProperty(globalThis, 'navigator'));
}

test('a model that is deleted while models are listed hides no other', async (t) => {
  const deleted = directory(async function* () {
    throw new DOMException('it is gone', 'NotFoundError');
  });
  const kept = directory(async function* () {
    yield new File('chunk', 'weights');
  });
  keep(t, [deleted, kept]);
  assert.deepEqual(
    (await listModels()).map(({ bytes }) => bytes),
    [7],
  );
});

test('a manifest that a crash has cut short is none', async (t) => {
  const whole = JSON.stringify({ tokenizer: { file: 'words', stored: 7 } });
  for (const [content, pinnable] of [
    [whole, true],
    [whole.slice(0, -1), false],
    ['\0'.repeat(whole.length), false],
  ]) {
    const manifest = new File('manifest.json', content);
    keep(t, [
      directory(async function* () {
        yield* [manifest, new File('words', 'weights')];
      }),
    ]);
    const [{ integrity }] = await listModels();
    assert.equal(integrity !== '', pinnable);
    const store = new ModelStore({ getFileHandle: async () => manifest }, 'model');
    assert.equal((await store.manifest()) !== undefined, pinnable);
  }
});

/**
 * A model's directory in memory.
 * @param {Record<string, string>} contents by file name
 */
function memory(contents) {
  const files = new Map(Object.entries(contents).map(([name, content]) => [name, new TextEncoder().encode(content)]));
  return {
    names: () => [...files.keys()].sort(),
    keys: async function* () {
      yield* [...files.keys()];
    },
    removeEntry: async (name) => void files.delete(name),
    getFileHandle: async (name, { create = false } = {}) => {
      if (!files.has(name) && !create) throw new DOMException('it is not there', 'NotFoundError');
      return {
        getFile: async () => new Blob([files.get(name)]),
        createSyncAccessHandle: async () => ({
          getSize: () => files.get(name)?.length ?? 0,
          read: (bytes) => bytes.set(files.get(name)) ?? bytes.length,
          truncate() {},
          write: (bytes) => files.set(name, bytes.slice()) && bytes.length,
          close() {},
        }),
      };
    },
  };
}

test('an older version goes once a newer one is kept as a whole, and not before', async (t) => {
  keep(t, []);
  const manifest = (/** @type {string} */ file) => JSON.stringify({ tokenizer: { file, stored: 7 } });
  for (const [what, before, whole, after] of /** @type {const} */ ([
    ['nothing was kept', { new: 'weights' }, true, 'new'],
    ['the first version has come in part', {}, false, 'new'],
    ['a newer version has come', { old: 'weights', new: 'weights', 'manifest.json': manifest('old') }, true, 'new'],
    ['there was no room for a newer version', { old: 'weights', 'manifest.json': manifest('old') }, false, 'old'],
  ])) {
    const directory = memory(before);
    const store = new ModelStore(directory, 'model');
    await store.commit(new TextEncoder().encode(manifest('new')), whole);
    assert.equal(new TextDecoder().decode(await store.manifest()), manifest(after), what);
    assert.equal(directory.names().includes('old'), after === 'old', what);
  }
});

test("a lock that another tab never lets go of is waited for so long, and the caller's signal ends the waiting", async (t) => {
  const locks = {
    request: (_name, { signal }) =>
      new Promise((_, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, 'navigator'));
  t.mock.method(AbortSignal, 'timeout', () => AbortSignal.abort(new DOMException('so long', 'TimeoutError')));
  const store = new ModelStore(/** @type {any} */ ({}), 'model');
  assert.equal(await store.alone(undefined, 'file', async () => 'done'), 'done');
  await assert.rejects(
    store.alone(undefined, 'file', async () => {
      throw new RangeError('of the task');
    }),
    RangeError,
  );
  t.mock.method(AbortSignal, 'timeout', () => new AbortController().signal);
  await assert.rejects(
    store.alone(AbortSignal.abort(new RangeError('given up')), 'file', async () => 'done'),
    /given up/,
  );
});

test('a browser that withholds its storage gives no room', async (t) => {
  const storage = {
    getDirectory: async () => {
      throw new DOMException('Storage directory access is denied.', 'SecurityError');
    },
    estimate: async () => ({ usage: 0, quota: 10e9 }),
  };
  Object.defineProperty(globalThis, 'navigator', { value: { storage }, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, 'navigator'));
  assert.deepEqual(await storageEstimate(), { usage: 0, quota: 0, persisted: false });
});
