// Stands in for the race's page under Node: gives Node what a browser has, loads race.js, and then evaluates what it
// is told. A line of standard input is an expression; a line of standard output is its JSON.
//   node --preserve-symlinks page.mjs RACE.JS

import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]), userAgent: `Node ${process.version}` } });

// Onnxruntime-web's memory is shared among threads, which Dawn's binding refuses, other than browsers.
const { writeBuffer } = globals.GPUQueue.prototype;
globals.GPUQueue.prototype.writeBuffer = function (buffer, offset, data, ...part) {
  const view = ArrayBuffer.isView(data) ? data : new Uint8Array(data);
  return writeBuffer.call(this, buffer, offset, view.buffer instanceof SharedArrayBuffer ? view.slice() : data, ...part);
};

const page = new EventTarget();
globalThis.addEventListener = page.addEventListener.bind(page);

globalThis.ImageData = class {
  constructor(width, height) {
    Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) });
  }
};

const fetchOverNetwork = globalThis.fetch;
globalThis.fetch = async (resource, options) => {
  const url = new URL(resource);
  if (url.protocol !== 'file:') return fetchOverNetwork(resource, options);
  return new Response(await readFile(url), { headers: { 'Content-Type': url.pathname.endsWith('.wasm') ? 'application/wasm' : '' } });
};

console.log = console.info = console.warn = console.error; // standard output is for answers
await import(pathToFileURL(process.argv[2]).href);

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { value: await (0, eval)(line) };
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0); // Dawn would keep it
