// A Worker that is one more thread for the engine's kernels; see threads.js. It sleeps in the kernels' own loop until
// there is work, and ends when it is terminated.

addEventListener(
  'message',
  ({ data: { module, memory, thread } }) => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    postMessage('serving'); // no job comes before this has arrived, and the first is number 1
    /** @type {(thread: number, seen: number) => void} */ (exports.serve)(thread, 0);
  },
  { once: true },
);
