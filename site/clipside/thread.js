// A Worker that is one more thread for the engine's kernels; see threads.js. It sleeps in the kernels' own loop until
// there is work, and ends when it is terminated.

addEventListener(
  'message',
  ({ data: { module, memory, thread } }) => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    /** @type {(thread: number) => void} */ (exports.serve)(thread);
  },
  { once: true },
);
