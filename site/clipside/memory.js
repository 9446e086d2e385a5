/**
 * Gives up an array's memory at once; it must not be used any more. Where the platform cannot, the garbage collector does
 * it in its own time, which for memory outside its heap may be after 64 MB of it.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export function release(bytes) {
  /** @type {any} */ (bytes.buffer).transfer?.(0); // ES2024
}
