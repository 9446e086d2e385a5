// What the engine does at every call of its GPU, as few calls into JavaScript: package gpu records a forward pass once
// as a list of commands, and has it encoded here. A command is five values of an array that the engine made: pipeline,
// bind group, and the number of workgroups in x, y and z.

/** @typedef {(GPUComputePipeline | GPUBindGroup | number)[]} Commands */

/**
 * Runs commands in one pass.
 * @param {GPUDevice} device
 * @param {any[]} spans six values each: Commands, the first command, the one after the last; then what is copied once all have run: from, to, bytes, or null, null, 0
 */
export function submit(device, ...spans) {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (let s = 0; s < spans.length; s += 6) {
    /** @type {any[]} */
    const commands = spans[s];
    const end = 5 * spans[s + 2];
    for (let c = 5 * spans[s + 1]; c < end; c += 5) {
      pass.setPipeline(commands[c]);
      pass.setBindGroup(0, commands[c + 1]);
      pass.dispatchWorkgroups(commands[c + 2], commands[c + 3], commands[c + 4]);
    }
  }
  pass.end();
  for (let s = 3; s < spans.length; s += 6) {
    if (spans[s]) encoder.copyBufferToBuffer(spans[s], 0, spans[s + 1], 0, spans[s + 2]);
  }
  device.queue.submit([encoder.finish()]);
}

/**
 * @param {GPUBuffer} buffer that can be mapped
 * @param {number} size bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>} a copy of its first bytes
 */
export async function read(buffer, size) {
  const READ = 1; // GPUMapMode
  await buffer.mapAsync(READ, 0, size);
  const bytes = new Uint8Array(buffer.getMappedRange(0, size).slice(0));
  buffer.unmap();
  return bytes;
}
