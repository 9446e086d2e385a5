// Makes the package and the examples that need a bundler: node npm/build.js DIST, where DIST is what `clipside build`
// left. The package goes to DIST/npm, the examples to DIST/examples.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const site = dirname(dirname(fileURLToPath(import.meta.url)));

/** What of DIST belongs to the package, where it is there. The service worker comes along under its own name. */
const parts = ['clipside.js', 'widget.js', 'pipeline.js', 'sw.js', 'clipside', 'widget', 'models/starter', 'LICENSE'];

if (process.argv.length !== 3) {
  console.error('usage: node npm/build.js DIST');
  process.exit(2);
}
const dist = resolve(process.argv[2]);
const out = join(dist, 'npm');

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const part of parts) if (existsSync(join(dist, part))) cpSync(join(dist, part), join(out, part), { recursive: true });

run('typescript/bin/tsc', '-p', 'tsconfig.types.json', '--outDir', out);
const widgetTypes = join(out, 'widget.d.ts');
writeFileSync(widgetTypes, readFileSync(widgetTypes, 'utf8') + readFileSync(join(site, 'npm/elements.d.ts'), 'utf8'));

run(
  '@custom-elements-manifest/analyzer/cem.js',
  'analyze',
  '--config',
  'npm/custom-elements-manifest.config.js',
  '--outdir',
  relative(site, out),
  '--quiet',
);
run('typedoc/bin/typedoc', '--options', 'npm/typedoc.config.js', '--out', join(out, 'docs'), '--logLevel', 'Warn');

const manifest = JSON.parse(readFileSync(join(site, 'npm/package.json'), 'utf8'));
if (existsSync(join(out, 'sw.js'))) {
  const types = join(out, 'sw.d.ts');
  if (!existsSync(types)) writeFileSync(types, 'export {};\n');
} else {
  delete manifest.exports['./service-worker'];
  manifest.sideEffects = manifest.sideEffects.filter((/** @type {string} */ file) => file !== './sw.js');
}
writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

const hashes = Object.fromEntries(
  filesIn(out)
    .filter((file) => /^[^/]+\.js$|^(clipside|widget)\/.*\.(js|wasm)$/.test(file))
    .map((file) => [
      file,
      `sha384-${createHash('sha384')
        .update(readFileSync(join(out, file)))
        .digest('base64')}`,
    ]),
);
writeFileSync(join(out, 'integrity.json'), `${JSON.stringify({ version: manifest.version, integrity: hashes }, null, 2)}\n`);
const table = [
  '| File | integrity |',
  '| --- | --- |',
  ...Object.entries(hashes)
    .filter(([file]) => !file.includes('/'))
    .map(([file, hash]) => `| ${file} | \`${hash}\` |`),
];
writeFileSync(join(out, 'README.md'), readFileSync(join(site, 'npm/README.md'), 'utf8').replace('<!-- integrity -->', table.join('\n')));

for (const example of ['react', 'vue']) {
  run(
    'vite/bin/vite.js',
    'build',
    join('examples', example),
    '--config',
    'examples/vite.config.js',
    '--outDir',
    join(dist, 'examples', example),
    '--emptyOutDir',
    '--logLevel',
    'warn',
  );
}

const bytes = filesIn(out).reduce((sum, file) => sum + statSync(join(out, file)).size, 0);
console.log(`Built ${out}: ${filesIn(out).length} files, ${(bytes / 1e6).toFixed(1)} MB`);

/**
 * Runs a development tool.
 * @param {string} script below node_modules
 * @param {...string} args
 */
function run(script, ...args) {
  execFileSync(process.execPath, [join(site, 'node_modules', script), ...args], { cwd: site, stdio: ['ignore', 'inherit', 'inherit'] });
}

/**
 * @param {string} dir
 * @returns {string[]} every file below it, relative, sorted
 */
function filesIn(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}
