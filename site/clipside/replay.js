// What the engine does at every call of its GPU, as few calls into JavaScript: package gpu records a forward pass once
// as a list of commands, and has it encoded here. A command is five values of an array that the engine made: pipeline,
// bind group, and the number of workgroups in x, y and z.

/** @typedef {any[]} Commands GPUComputePipeline, GPUBindGroup, number, number, number, and so on */

/** Of GPUBufferUsage. */
const usage = { MAP_READ: 1, MAP_WRITE: 2, COPY_SRC: 4, COPY_DST: 8, QUERY_RESOLVE: 512 };

/**
 * @param {GPUComputePassEncoder} pass
 * @param {Commands} commands
 * @param {number} from
 * @param {number} to
 */
function encode(pass, commands, from, to) {
  for (let c = 5 * from; c < 5 * to; c += 5) {
    pass.setPipeline(commands[c]);
    pass.setBindGroup(0, commands[c + 1]);
    pass.dispatchWorkgroups(commands[c + 2], commands[c + 3], commands[c + 4]);
  }
}

/**
 * Runs commands in one pass.
 * @param {GPUDevice} device
 * @param {any[]} spans six values each: Commands, the first command, the one after the last; then what is copied once all have run: from, to, bytes, or null, null, 0
 */
export function submit(device, ...spans) {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (let s = 0; s < spans.length; s += 6) {
    encode(pass, spans[s], spans[s + 1], spans[s + 2]);
  }
  pass.end();
  for (let s = 3; s < spans.length; s += 6) {
    if (spans[s]) encoder.copyBufferToBuffer(spans[s], 0, spans[s + 1], 0, spans[s + 2]);
  }
  device.queue.submit([encoder.finish()]);
}

/**
 * @param {GPUDevice} device
 * @param {GPUBuffer} buffer
 * @param {number} at
 * @param {Uint8Array<ArrayBuffer>} bytes of which the first are written
 * @param {number} size
 */
export function write(device, buffer, at, bytes, size) {
  device.queue.writeBuffer(buffer, at, bytes, 0, size);
}

/**
 * A buffer of each device that is mapped between calls. Its memory is shared with the browser's process for the GPU, and
 * there already: what is written without it is given fresh memory at each call, which for 6 MB takes 4 of 9 ms.
 * @type {WeakMap<GPUDevice, GPUBuffer>}
 */
const staging = new WeakMap();

/**
 * @param {GPUDevice} device
 * @param {number} size bytes
 * @returns {Uint8Array | null} memory to put them into, for unload; null if it is not there yet, but will be at a later call
 */
export function room(device, size) {
  const buffer = staging.get(device);
  if (buffer && buffer.size >= size) {
    return buffer.mapState === 'mapped' ? new Uint8Array(buffer.getMappedRange(0, size)) : null;
  }
  buffer?.destroy();
  device.pushErrorScope('out-of-memory'); // one can do without
  const larger = device.createBuffer({ size, usage: usage.MAP_WRITE | usage.COPY_SRC });
  device.popErrorScope().then(
    (refused) => {
      if (!refused) mapForWriting(larger); // what is not there cannot be mapped, which would count as an error of the device's
    },
    () => {}, // it is lost
  );
  staging.set(device, larger);
  return null;
}

/**
 * Copies what was put into the room to a buffer on the GPU.
 * @param {GPUDevice} device
 * @param {GPUBuffer} target
 * @param {number} at
 * @param {number} size bytes
 */
export function unload(device, target, at, size) {
  const buffer = /** @type {GPUBuffer} */ (staging.get(device));
  buffer.unmap();
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, target, at, size);
  device.queue.submit([encoder.finish()]);
  mapForWriting(buffer); // as soon as it is copied
}

/** @param {GPUBuffer} buffer */
function mapForWriting(buffer) {
  const WRITE = 2; // GPUMapMode
  buffer.mapAsync(WRITE).catch(() => {}); // then its state stays what it is
}

/**
 * Copies a rectangle of a picture into a texture's corner, as it is.
 * @param {GPUDevice} device
 * @param {GPUCopyExternalImageSource} source
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @param {GPUTexture} texture
 */
export function copyImage(device, source, x, y, width, height, texture) {
  device.queue.copyExternalImageToTexture(
    { source, origin: { x, y } },
    { texture, premultipliedAlpha: true, colorSpace: 'srgb' },
    { width, height },
  );
}

/** How many commands a set of queries times; WebGPU allows 4096 queries. */
const timedTogether = 2048;

/**
 * Runs commands one by one, each in a pass of its own that the adapter times. Browsers may round what it says, Chromium to
 * 0.1 ms, so that short commands are timed well only on average.
 * @param {GPUDevice} device with the feature timestamp-query
 * @param {Commands} commands
 * @param {number} from the first command
 * @param {number} to the one after the last
 * @returns {Promise<Float64Array>} nanoseconds of each
 */
export async function timed(device, commands, from, to) {
  const times = new Float64Array(to - from);
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 * timedTogether });
  const bytes = 16 * timedTogether;
  const resolved = device.createBuffer({ size: bytes, usage: usage.QUERY_RESOLVE | usage.COPY_SRC });
  const mapped = device.createBuffer({ size: bytes, usage: usage.MAP_READ | usage.COPY_DST });
  try {
    for (let first = from; first < to; first += timedTogether) {
      const count = Math.min(to - first, timedTogether);
      const encoder = device.createCommandEncoder();
      for (let i = 0; i < count; i++) {
        const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
        const pass = encoder.beginComputePass({ timestampWrites });
        encode(pass, commands, first + i, first + i + 1);
        pass.end();
      }
      encoder.resolveQuerySet(querySet, 0, 2 * count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, mapped, 0, 16 * count);
      device.queue.submit([encoder.finish()]);
      const stamps = new BigUint64Array((await read(device, mapped, 16 * count)).buffer);
      for (let i = 0; i < count; i++) times[first - from + i] = Number(stamps[2 * i + 1] - stamps[2 * i]);
    }
  } finally {
    querySet.destroy();
    resolved.destroy();
    mapped.destroy();
  }
  return times;
}

/**
 * How many milliseconds the last reading of a buffer waited: its next one will wait about as long.
 * @type {WeakMap<GPUBuffer, number>}
 */
const waits = new WeakMap();

/**
 * @param {GPUDevice} device
 * @param {GPUBuffer} buffer that can be mapped
 * @param {number} size bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>} a copy of its first bytes
 */
export async function read(device, buffer, size) {
  const READ = 1; // GPUMapMode
  const start = performance.now();
  await soon(device, buffer.mapAsync(READ, 0, size), waits.get(buffer));
  waits.set(buffer, performance.now() - start);
  const bytes = new Uint8Array(buffer.getMappedRange(0, size).slice(0));
  buffer.unmap();
  return bytes;
}

/**
 * @param {GPUDevice} device
 * @returns {Promise<void>} resolves once all that was written and submitted so far is done
 */
export function done(device) {
  return soon(device, device.queue.onSubmittedWorkDone(), 4); // megabytes of weights on their way
}

/**
 * Has the browser notice soon that the GPU is done. Of themselves browsers look only now and then: Chromium 2 ms after the
 * last submission and each millisecond after that, Firefox every 100 ms (its bug 1870699). A submission, even of nothing,
 * makes them look at once. What may be short is looked for at once, and what is long an eighth later than the last time.
 * @param {GPUDevice} device
 * @param {Promise<void>} promise
 * @param {number} [wait] that is probable, in milliseconds
 */
function soon(device, promise, wait = 0) {
  const start = performance.now();
  let looks = 0;
  let waiting = true;
  const stop = () => {
    waiting = false;
  };
  promise.then(stop, stop);
  const look = () => {
    if (!waiting) return;
    device.queue.submit([]);
    later();
  };
  const later = () => {
    const first = looks++ === 0;
    if (wait < 4 && looks <= 3) {
      setTimeout(look);
      return;
    }
    // A look takes time of what may be the same processors.
    const delay = first ? wait * 0.75 : Math.max(1, (performance.now() - start) / 8);
    // A timer that timers have led to waits 4 ms or longer; a task does not, where the browser has them.
    if (globalThis.scheduler) scheduler.postTask(look, { delay });
    else setTimeout(look, delay);
  };
  later();
  return promise;
}
