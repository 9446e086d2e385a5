// More threads for the engine's kernels on the CPU: Workers that have its memory too, and wait for commands in it. For
// pages that are cross-origin isolated; elsewhere memory cannot be shared.

/**
 * @param {WebAssembly.Module} module the kernels, as the engine has them
 * @param {WebAssembly.Memory} memory shared
 * @param {number} count threads in all, the caller's included
 * @returns {{ stop: () => void }} those that cannot start are not missed: whoever is there does all
 */
export function startThreads(module, memory, count) {
  /** @type {Worker[]} */
  const workers = [];
  for (let thread = 1; thread < count; thread++) {
    const worker = new Worker(new URL('./thread.js', import.meta.url), { type: 'module', name: `clipside thread ${thread}` });
    worker.addEventListener('error', (event) => event.preventDefault()); // which would go on to the page, and end the engine
    workers.push(worker);
    worker.postMessage({ module, memory, thread });
  }
  return { stop: () => workers.forEach((worker) => worker.terminate()) };
}
