// More threads for the engine's kernels on the CPU: Workers that have its memory too, and wait for commands in it. For
// pages that are cross-origin isolated; elsewhere memory cannot be shared.

/**
 * @param {WebAssembly.Module} module the kernels, as the engine has them
 * @param {WebAssembly.Memory} memory shared
 * @param {number} count threads in all, the caller's included
 * @returns {{ started: Promise<void>, stop: () => void }} started when all serve; never settled if one cannot
 */
export function startThreads(module, memory, count) {
  /** @type {Worker[]} */
  const workers = [];
  const started = [];
  for (let thread = 1; thread < count; thread++) {
    const worker = new Worker(new URL('./thread.js', import.meta.url), { type: 'module', name: `clipside thread ${thread}` });
    workers.push(worker);
    started.push(new Promise((resolve) => worker.addEventListener('message', resolve, { once: true })));
    worker.postMessage({ module, memory, thread });
  }
  return {
    started: Promise.all(started).then(() => {}),
    stop: () => workers.forEach((worker) => worker.terminate()),
  };
}
