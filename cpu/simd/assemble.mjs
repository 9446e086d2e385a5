// Makes kernels.wasm and its variants from kernels.wat with wabt: node assemble.mjs [out directory].
// Variants: relaxed multiply-add where the browser has it; shared memory for threads.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? here;
// wabt is a development dependency of site/, where the project's one package.json is.
const wabt = await createRequire(join(here, '../../site/package.json'))('wabt')();

/** What was defined, by name. @type {Map<string, string[]>} */
const defined = new Map();

/** What a line stands for that says @NAME. @param {string} line */
const meant = (line) => defined.get(/^\s*@(\w+)\s*$/.exec(line)?.[1]);

/** Puts what was defined where the lines say @NAME, and leaves what is not defined yet. */
const inline = (lines) => lines.flatMap((line) => (meant(line) ? inline(meant(line)) : [line]));

/**
 * Expands @for NAME FROM TO … @end, with {expression of NAME} in between; takes @define NAME … @end out, and puts it
 * where it says @NAME, before the loops around that are expanded.
 */
function expand(lines) {
  const done = [];
  for (let i = 0; i < lines.length; i++) {
    const loop = /^\s*@for (\w+) (\d+) (\d+)\s*$/.exec(lines[i]);
    const name = /^\s*@define (\w+)\s*$/.exec(lines[i])?.[1];
    if (!loop && !name) {
      const use = meant(lines[i]);
      done.push(...(use ? expand(use) : [lines[i]]));
      continue;
    }
    const opening = lines[i].trim();
    const body = [];
    let depth = 1;
    for (i++; ; i++) {
      if (i === lines.length) throw new Error(`${opening} has no @end`);
      if (/^\s*@(for|define) /.test(lines[i])) depth++;
      if (/^\s*@end\s*$/.test(lines[i]) && --depth === 0) break;
      body.push(lines[i]);
    }
    if (name) {
      defined.set(name, body);
      continue;
    }
    for (let n = Number(loop[2]); n <= Number(loop[3]); n++) {
      const place = new RegExp(`\\{${loop[1]}((?:[*+]\\d+)*)\\}`, 'g');
      done.push(...expand(inline(body).map((line) => line.replace(place, (_, rest) => String(evaluate(n, rest))))));
    }
  }
  return done;
}

/** n followed by *NUMBER and +NUMBER, from left to right. */
function evaluate(n, rest) {
  for (const [, op, number] of rest.matchAll(/([*+])(\d+)/g)) n = op === '*' ? n * Number(number) : n + Number(number);
  return n;
}

// $MUL and $ADD stand in the order a b $MUL sum $ADD, which is that of a multiply-add's operands too.
const text = expand(readFileSync(join(here, 'kernels.wat'), 'utf8').split('\n')).join('\n');
for (const relaxed of [false, true]) {
  for (const shared of [false, true]) {
    const source = text
      .replaceAll(/^ *@shared\n([^]*?)^ *@unshared\n/gm, shared ? '$1' : '')
      .replaceAll(/^ *@relaxed\n([^]*?)^ *@plain\n([^]*?)^ *@either\n/gm, relaxed ? '$1' : '$2')
      .replaceAll('$MUL', relaxed ? '' : 'f32x4.mul')
      .replaceAll('$ADD', relaxed ? 'f32x4.relaxed_madd' : 'f32x4.add')
      .replace('MEMORY', shared ? '(import "env" "memory" (memory 1 65536 shared))' : '(memory (export "memory") 1)');
    const name = `kernels${relaxed ? '-relaxed' : ''}${shared ? '-shared' : ''}.wasm`;
    const features = { simd: true, relaxed_simd: relaxed, threads: shared };
    const module = wabt.parseWat(name, source, features);
    module.validate(features);
    writeFileSync(join(out, name), module.toBinary({}).buffer);
  }
}
