import assert from 'node:assert/strict';
import { test } from 'node:test';

// A framework imports the components of a page on the server too, to render what it can.
test('what a page imports can be imported where there is no browser, and says so when it is used', async () => {
  const { createClip, listModels } = await import('../clipside.js');
  const { pipeline } = await import('../pipeline.js');
  await import('../widget.js');
  for (const call of [createClip(), createClip({ model: 'https://models.example/b32/' }), pipeline('zero-shot-image-classification')]) {
    await assert.rejects(call, { name: 'EngineError', message: /runs in browsers/ });
  }
  assert.deepEqual(await listModels(), []);
});
