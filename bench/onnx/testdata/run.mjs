// Runs ONNX models on onnxruntime-web.
//   node run.mjs PACKAGE RESULTS   reads a list of requests from standard input, writes every model's outputs to a file

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const ort = await import(pathToFileURL(resolve(process.argv[2], 'dist/ort.node.min.mjs')).href);
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

const results = [];
for (const { Model, Pixels, Pictures, Size, IDs, Texts } of JSON.parse(readFileSync(0, 'utf8'))) {
  const session = await ort.InferenceSession.create(readFileSync(Model), {
    executionProviders: ['wasm'],
  });
  const feeds = {};
  if (Pixels) feeds.pixel_values = new ort.Tensor('float32', Float32Array.from(Pixels), [Pictures, 3, Size, Size]);
  if (IDs) feeds.input_ids = new ort.Tensor('int64', BigInt64Array.from(IDs, BigInt), [Texts, IDs.length / Texts]);
  const outputs = await session.run(feeds);
  results.push(Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, Array.from(tensor.data)])));
  await session.release();
}
writeFileSync(process.argv[3], JSON.stringify(results));
process.exit(0); // onnxruntime's timers would keep it
