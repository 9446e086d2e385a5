import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

// The kernels' threads, as cpu/simd/kernels.wat has them; what its words of memory are stands there too.
const OTHERS = 20 >> 2;
const ASLEEP = 24 >> 2;
const COMMAND = 1024;
const ROWS = 1 << 14;

/** One more thread; and a command, which normalizes 4 MB: most times, the thread has a look before that is done. */
function threads() {
  const module = new WebAssembly.Module(readFileSync(new URL('../../cpu/simd/kernels-shared.wasm', import.meta.url)));
  const memory = new WebAssembly.Memory({ initial: 100, maximum: 65536, shared: true });
  const { run } = /** @type {any} */ (new WebAssembly.Instance(module, { env: { memory } }).exports);
  const worker = new Worker(
    `const { module, memory } = require('node:worker_threads').workerData;
     new WebAssembly.Instance(module, { env: { memory } }).exports.serve(1);`,
    { eval: true, workerData: { module, memory } },
  );
  worker.unref(); // a test that fails does not wait for it
  const words = new Int32Array(memory.buffer);
  words.set([9, 1 << 16, 1 << 16, ROWS, 16], COMMAND >> 2);
  return {
    stop: () => worker.terminate(),
    /** Runs the command in 32 pieces, and returns how many the other thread did. @param {boolean} wakes */
    run(wakes) {
      words[(COMMAND + 76) >> 2] = 32 | (wakes ? 1 << 16 : 0);
      run(COMMAND, COMMAND + 80);
      return words[OTHERS];
    },
    /** Waits until so many threads sleep, or are just about to. @param {number} count */
    async asleep(count) {
      while (Atomics.load(words, ASLEEP) !== count) await pause(1);
    },
  };
}

test('a thread that sleeps is woken for what is long', { timeout: 120_000 }, async () => {
  const t = threads();
  for (let others = 0; others === 0;) {
    await t.asleep(1);
    others = t.run(true);
  }
  await t.stop();
});

test('a thread that sleeps is left asleep by what is short, and looks for what comes next', { timeout: 120_000 }, async () => {
  const t = threads();
  for (let others = 0; others === 0;) {
    await t.asleep(1);
    await pause(100);
    assert.equal(t.run(false), 0, 'pieces that it did of the first');
    await t.asleep(0);
    for (let i = 0; i < 20 && others === 0; i++) others = t.run(false);
  }
  await t.asleep(1);
  await t.stop();
});
