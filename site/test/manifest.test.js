import assert from 'node:assert/strict';
import { test } from 'node:test';

import { network } from '../clipside/download.js';
import { waysToManifest } from '../clipside/manifest.js';
import { ModelStore } from '../clipside/store.js';

const model = 'https://models.example/b/';
const manifest = new TextEncoder().encode(
  JSON.stringify({
    tokenizer: { file: 'words', stored: 3 },
    towers: { image: { chunks: [{ file: 'image', stored: 1 }] }, text: { chunks: [{ file: 'text', stored: 2 }] } },
  }),
);

/** A store that has the manifest and files of these sizes. */
function storeOf(sizes) {
  const files = new Map(Object.entries(sizes).map(([name, size]) => [name, new Uint8Array(size)]));
  files.set('manifest.json', manifest);
  const getFileHandle = async (name) => {
    if (!files.has(name)) throw new DOMException('it is not there', 'NotFoundError');
    return {
      createSyncAccessHandle: async () => {
        throw new DOMException('it is open', 'NoModificationAllowedError');
      },
      getFile: async () => new Blob([files.get(name)]),
    };
  };
  return new ModelStore({ getFileHandle }, 'model');
}

/** Asks for the manifest over a network that does one of the steps after the other. */
async function ask(t, store, steps, towers = ['image', 'text']) {
  const before = { ...network };
  t.after(() => Object.assign(network, before));
  let asked = 0;
  Object.assign(network, { fetch: async (...args) => steps[Math.min(asked++, steps.length - 1)](...args), sleep: async () => {} });
  const [way] = waysToManifest(new AbortController().signal, { model, cache: true, integrity: '', towers }, store);
  const got = await way().then(
    (bytes) => new TextDecoder().decode(bytes),
    (error) => error.message,
  );
  return { got, asked };
}

const kept = new TextDecoder().decode(manifest);
const unreachable = async () => {
  throw new TypeError('Failed to fetch');
};
const status = (code) => async () => new Response('no', { status: code });
const newer = async () => new Response('{}');

test('without a network a model that is kept, all of it, is not waited for', async (t) => {
  assert.deepEqual(await ask(t, storeOf({ words: 3, image: 1, text: 2 }), [unreachable]), { got: kept, asked: 1 });
  assert.deepEqual(await ask(t, storeOf({ words: 3, image: 1 }), [unreachable], ['image']), { got: kept, asked: 1 });
});

test('a network that brings nothing is not waited for by a model that is kept', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const silent = (_url, { signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      t.mock.timers.tick(5_000);
    });
  assert.deepEqual(await ask(t, storeOf({ words: 3, image: 1, text: 2 }), [silent]), { got: kept, asked: 1 });
});

test('a network with gaps has its tries where a file is missing, or all', async (t) => {
  for (const store of [
    storeOf({ words: 3, image: 1 }),
    storeOf({ words: 3, image: 1, text: 1 }),
    'The page asked not to keep the model.',
  ]) {
    assert.deepEqual(await ask(t, store, [unreachable, unreachable, newer]), { got: '{}', asked: 3 });
  }
});

test('a server that is busy is asked again, whatever is kept', async (t) => {
  assert.deepEqual(await ask(t, storeOf({ words: 3, image: 1, text: 2 }), [status(503), status(503), newer]), { got: '{}', asked: 3 });
});

test('what answers in place of a network, or of a host that is down, does not hide a model that is kept', async (t) => {
  const down = Array.from({ length: 5 }, () => status(504));
  assert.deepEqual(await ask(t, storeOf({ words: 3, image: 1, text: 2 }), down), { got: kept, asked: 5 });
  const { got } = await ask(t, storeOf({ words: 3, image: 1, text: 2 }), [status(404)]);
  assert.match(got, /404/);
});
