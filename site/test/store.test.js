import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { listModels, ModelStore, storageEstimate } from '../clipside/store.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/** A directory as Chromium has it: a file's handle that has been collected as garbage never answers. */
class Directory {
  /** Whether answers take until garbage has been collected. */
  slow = false;

  async getFileHandle() {
    const directory = this;
    return {
      createSyncAccessHandle() {
        const access = { getSize: () => 0, truncate() {}, read: () => 0, write: () => 0, close() {} };
        if (!directory.slow) return Promise.resolve(access);
        const handle = new WeakRef(this);
        return new Promise((resolve) => {
          // Not before the next task is what a WeakRef names given up.
          setTimeout(() => {
            collectGarbage();
            if (handle.deref()) resolve(access);
          }, 1);
        });
      },
    };
  }
}

for (const [what, run] of Object.entries({
  read: (store) => store.read('file'),
  write: (store) => store.write('file', new Uint8Array()),
})) {
  test(`a file's handle is kept until it has answered: ${what}`, async () => {
    const directory = new Directory();
    const store = new ModelStore(directory, 'model');
    // Only of a function that has been optimised are variables forgotten that it reads no more.
    for (let i = 0; i < 20_000; i++) await run(store);
    directory.slow = true;
    const late = new Promise((_, reject) => setTimeout(reject, 5_000, new Error('no answer')).unref());
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

test('a file that another tab is reading is written once that is done', async () => {
  let busy = 3;
  const written = [];
  const handle = {
    createSyncAccessHandle: async () => {
      if (busy-- > 0) throw new DOMException('it is open', 'NoModificationAllowedError');
      return { truncate() {}, write: (bytes) => written.push(...bytes), close() {} };
    },
  };
  const store = new ModelStore({ getFileHandle: async () => handle }, 'model');
  await store.write('file', Uint8Array.of(7));
  assert.deepEqual(written, [7]);
});

test('a model that is deleted while models are listed hides no other', async (t) => {
  class Handle {}
  /** @param {() => AsyncIterable<Handle>} values */
  const directory = (values) => Object.assign(new Handle(), { values });
  const deleted = directory(async function* () {
    throw new DOMException('it is gone', 'NotFoundError');
  });
  class File {
    name = 'chunk';
    getFile = async () => new Blob(['weights']);
  }
  const kept = directory(async function* () {
    yield new File();
  });
  const models = directory(async function* () {
    yield deleted;
    yield kept;
  });
  const origin = { getDirectoryHandle: async () => models };
  Object.defineProperty(globalThis, 'navigator', { value: { storage: { getDirectory: async () => origin } }, configurable: true });
  Object.assign(globalThis, { FileSystemDirectoryHandle: Handle, FileSystemFileHandle: File });
  t.after(() => Reflect.deleteProperty(globalThis, 'navigator'));
  assert.deepEqual(
    (await listModels()).map(({ bytes }) => bytes),
    [7],
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
