import assert from 'node:assert/strict';
import { test } from 'node:test';

import { IntegrityError, ModelError } from '../clipside/errors.js';
import { loadWeights } from '../clipside/weights.js';

const files = (/** @type {number} */ n) =>
  Array.from({ length: n }, (_, index) => ({ kind: 'image', index, file: `${index}.zst`, stored: 1 }));
const never = new AbortController().signal;
const tick = () => new Promise((resolve) => setImmediate(resolve));

/** What came of a file. */
const arrived = (...bytes) => ({ bytes: Uint8Array.from(bytes), done: () => {} });

/** An error as the engine makes it: of the name, not of the class. */
function named(name, message = name) {
  return Object.assign(new Error(message), { name });
}

test('files are delivered in order, one at a time, whatever order they arrive in', async () => {
  const resolvers = new Map();
  const source = (_, file) => new Promise((resolve) => resolvers.set(file.index, () => resolve(arrived(file.index))));
  const delivered = [];
  let delivering = 0;
  const loaded = loadWeights(never, files(4), source, async (file, { bytes }) => {
    assert.equal(++delivering, 1, 'two deliveries at once');
    assert.deepEqual(bytes, Uint8Array.of(file.index));
    await tick();
    delivering--;
    delivered.push(file.index);
  });
  await tick();
  for (const index of [3, 1, 0, 2]) {
    resolvers.get(index)();
    await tick();
  }
  await loaded;
  assert.deepEqual(delivered, [0, 1, 2, 3]);
});

test('at most five files are on the way or waiting, beside the one that is being delivered', async () => {
  let requested = 0;
  let delivered = 0;
  let most = 0;
  const source = async () => {
    requested++;
    most = Math.max(most, requested - delivered);
    return arrived(0);
  };
  await loadWeights(never, files(40), source, async () => {
    await tick();
    delivered++;
  });
  assert.equal(requested, 40);
  assert.equal(most, 5 + 1);
});

test('a wrong file is fetched once more past the caches', async () => {
  const asked = [];
  const source = async (_, file, { fresh }) => {
    asked.push([file.index, fresh]);
    return arrived(fresh ? 1 : 0);
  };
  const taken = [];
  await loadWeights(never, files(2), source, async (file, { bytes }) => {
    if (file.index === 1 && bytes[0] === 0) throw named('IntegrityError');
    taken.push(file.index);
  });
  assert.deepEqual(taken, [0, 1]);
  assert.deepEqual(asked, [
    [0, false],
    [1, false],
    [1, true],
  ]);
});

test('a file that stays wrong ends the load with its IntegrityError', async () => {
  let asked = 0;
  const source = async () => arrived(asked++);
  const deliver = async () => {
    throw named('IntegrityError', '0.zst is wrong');
  };
  await assert.rejects(loadWeights(never, files(1), source, deliver), { name: 'IntegrityError', message: '0.zst is wrong' });
  assert.equal(asked, 2);
});

test('a file that the source finds too long is fetched once more too', async () => {
  const source = async (_signal, _file, { fresh }) => {
    if (!fresh) throw new IntegrityError('too long');
    return arrived(1);
  };
  let delivered = 0;
  await loadWeights(never, files(1), source, async () => void delivered++);
  assert.equal(delivered, 1);
});

test('a failure stops what is still on the way and is what the load rejects with', async () => {
  let stopped = 0;
  const source = (signal, file) =>
    new Promise((resolve, reject) => {
      if (file.index === 1) reject(new ModelError('gone', { url: 'u', status: 404 }));
      else if (file.index === 0) resolve(arrived(0));
      else signal.addEventListener('abort', () => (stopped++, reject(signal.reason)));
    });
  await assert.rejects(
    loadWeights(never, files(4), source, async () => {}),
    { name: 'ModelError', message: 'gone', status: 404 },
  );
  assert.equal(stopped, 2);
});

test('memory is given back once a delivery is over, however it ends', async () => {
  let held = 0;
  const source = async (_, { index }, { fresh }) => {
    held++;
    return { bytes: Uint8Array.of(index, Number(fresh)), done: () => void held-- };
  };
  const loaded = loadWeights(never, files(3), source, async (_, { bytes: [index, fresh] }) => {
    assert.ok(held > 0);
    if (index === 1 && !fresh) throw named('IntegrityError');
  });
  await loaded;
  assert.equal(held, 0);
});

test('an abort during a delivery ends the load with the reason and delivers nothing more', async () => {
  const controller = new AbortController();
  const delivered = [];
  const loaded = loadWeights(
    controller.signal,
    files(3),
    async () => arrived(0),
    async (file) => {
      delivered.push(file.index);
      controller.abort(new Error('enough'));
    },
  );
  await assert.rejects(loaded, { message: 'enough' });
  assert.deepEqual(delivered, [0]);
});

test('a manifest that claims an absurd size is refused before anything is fetched', async () => {
  for (const stored of [1e12, -1, NaN, undefined]) {
    let asked = 0;
    const source = async () => (asked++, arrived());
    await assert.rejects(
      loadWeights(never, [{ ...files(1)[0], stored }], source, async () => {}),
      ModelError,
    );
    assert.equal(asked, 0);
  }
});
