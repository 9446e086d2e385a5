// A Worker that is one more thread for the engine's kernels; see threads.js. It sleeps in the kernels' own loop until
// there is work, and ends when it is terminated.

addEventListener(
  'message',
  ({ data: { module, memory, thread } }) => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    try {
      /** @type {(thread: number) => void} */ (exports.serve)(thread);
    } catch (error) {
      // The first thread waits for the piece that this was at: it is done, and a thread lost (see kernels.wat).
      const words = new Int32Array(memory.buffer);
      Atomics.add(words, 5, 0x10001);
      Atomics.notify(words, 5);
      throw error;
    }
  },
  { once: true },
);
