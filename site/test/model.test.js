import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Model } from '../clipside/model.js';

/** An error as the engine makes it: of the name, not of the class. */
const named = (name, message = name) => Object.assign(new Error(message), { name });

/** An engine whose GPU fails as it is told, and whose CPU works. Opened and disposed are its models, by their devices. */
function engine(fault) {
  const models = [];
  const disposed = [];
  const onGPU = (id) => models[id] === 'webgpu';
  return {
    models,
    disposed,
    open: async ({ device }) => {
      const id = models.push(device === 'cpu' ? 'cpu' : 'webgpu') - 1;
      return { id, device: models[id], fallback: '', adapter: 'a GPU', files: [], timings: { image: 0, text: 0 } };
    },
    compile: async (id) => {
      if (onGPU(id) && fault) throw fault;
      return '';
    },
    selfTest: async () => ({ passed: true, cosine: 1, runs: 2, ms: 1 }),
    fail: async () => {},
    dispose: async (id) => void disposed.push(models[id]),
  };
}

const open = (engine, device) =>
  Model.open(
    new AbortController().signal,
    engine,
    { model: 'https://example.com/m/', device, towers: [], startedAt: 0 },
    new Uint8Array(),
    'not kept',
  );

for (const fault of [
  named('DeviceLostError'),
  named('QuotaError', 'out of memory'),
  named('Error', 'gpu: compile matmul: the driver refuses'),
  named('OperationError', 'no buffer'),
]) {
  test(`where 'auto' meets a GPU that fails with ${fault}, the CPU takes over`, async () => {
    const failing = engine(fault);
    const model = await open(failing, 'auto');
    await model.ready();
    const { device, fallback, selfTest } = await model.info();
    assert.deepEqual([device, fallback, selfTest.passed], ['cpu', fault.message, true]);
    assert.deepEqual(failing.disposed, ['webgpu']);
  });
}

test('nothing takes over from a GPU that was asked for, or where the model is at fault', async () => {
  const fault = named('Error', 'gpu: compile matmul');
  const insisted = engine(fault);
  await assert.rejects((await open(insisted, 'webgpu')).ready(), fault);
  assert.deepEqual([insisted.models, insisted.disposed], [['webgpu'], ['webgpu']]);

  const damaged = named('IntegrityError');
  const first = engine(damaged);
  await assert.rejects((await open(first, 'auto')).ready(), damaged);
  assert.deepEqual([first.models, first.disposed], [['webgpu'], ['webgpu']]);
});
