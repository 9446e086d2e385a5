// Runs a Go test binary, gotest.wasm beside this page, and leaves what it printed and how it ended in window.result.
import './wasm_exec.js';
import * as replay from './replay.js';

const decoder = new TextDecoder();
let output = '';
globalThis.fs.writeSync = (fd, bytes) => {
  output += decoder.decode(bytes, { stream: true });
  globalThis.partial = output;
  return bytes.length;
};
const go = new globalThis.Go();
let code = 0;
go.exit = (c) => {
  code = c;
};
go.argv = ['gotest.wasm', ...new URLSearchParams(location.search).getAll('arg')];
const { instance } = await WebAssembly.instantiateStreaming(fetch('gotest.wasm'), go.importObject);
globalThis.wasm = { instance };
globalThis.clipsideReplay = replay;
try {
  await go.run(instance);
} catch (error) {
  output += `\n${error.stack}`;
  code ||= 2;
}
globalThis.result = { code, output };
