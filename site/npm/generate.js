// Makes what the package and the examples have of tools that need Node: the types, custom-elements.json, the reference
// and the bundles of the React and Vue examples. All of it is committed, so that `clipside build` needs nothing but Go.
//
//	node npm/generate.js           writes it
//	node npm/generate.js --check   fails if what is committed is not what would be written

import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import vue from '@vitejs/plugin-vue';
import { build } from 'vite';

const site = dirname(dirname(fileURLToPath(import.meta.url)));

/** The modules that the package's exports have types for. */
const entryPoints = ['clipside.js', 'widget.js', 'pipeline.js'];

/** What is generated, below site/. */
const generated = ['npm/types', 'npm/docs', 'npm/custom-elements.json', 'examples/react/app.js', 'examples/vue/app.js'];

const check = process.argv[2] === '--check';
if (process.argv.length > (check ? 3 : 2)) {
  console.error('usage: node npm/generate.js [--check]');
  process.exit(2);
}

const made = mkdtempSync(join(tmpdir(), 'clipside-generate-'));
try {
  await Promise.all([makeTypes(), makeElementsManifest(), makeReference(), makeBundle('react', 'main.jsx'), makeBundle('vue', 'main.js')]);
  writeElementsReference();
  const stale = generated.flatMap((part) => differences(part));
  if (!check) {
    for (const part of generated) {
      rmSync(join(site, part), { recursive: true, force: true });
      cpSync(join(made, part), join(site, part), { recursive: true });
    }
  }
  for (const file of stale) console.log(check ? `site/${file} is not what node npm/generate.js makes` : `site/${file}`);
  if (check && stale.length > 0) {
    console.error('Run node npm/generate.js in site/ and commit what it writes.');
    process.exitCode = 1;
  }
} finally {
  rmSync(made, { recursive: true, force: true });
}

/** Declarations of what can be reached from the entry points; what is internal stays internal. */
async function makeTypes() {
  const all = join(made, 'declarations');
  await run('typescript/bin/tsc', '-p', 'tsconfig.types.json', '--outDir', all);
  const wanted = new Set(entryPoints.map((file) => file.replace(/\.js$/, '.d.ts')));
  for (const file of wanted) {
    const text = readFileSync(join(all, file), 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?["'](\.[^"']+)\.js["']/g)) {
      wanted.add(join(dirname(file), `${specifier}.d.ts`).replaceAll('\\', '/'));
    }
    // TypeScript before 5.7 has no argument there, and what the package exports needs none.
    mkdirSync(dirname(join(made, 'npm/types', file)), { recursive: true });
    writeFileSync(join(made, 'npm/types', file), text.replaceAll('Array<ArrayBuffer>', 'Array'));
  }
  appendFileSync(join(made, 'npm/types/widget.d.ts'), readFileSync(join(site, 'npm/elements.d.ts'), 'utf8'));
}

async function makeElementsManifest() {
  await run(
    '@custom-elements-manifest/analyzer/cem.js',
    'analyze',
    '--config',
    'npm/custom-elements-manifest.config.js',
    '--outdir',
    relative(site, join(made, 'npm')),
    '--quiet',
  );
}

async function makeReference() {
  const docs = join(made, 'npm/docs');
  await run('typedoc/bin/typedoc', '--options', 'npm/typedoc.config.js', '--out', docs, '--logLevel', 'Warn');
  // It reckons with a second heading of this name, for Clip.info, whose heading is another.
  for (const file of filesOf(docs)) {
    writeFileSync(join(docs, file), readFileSync(join(docs, file), 'utf8').replaceAll('#clipinfo-1', '#clipinfo'));
  }
}

/** What TypeDoc knows nothing of: attributes, events, parts and custom properties of the elements. */
function writeElementsReference() {
  const { modules } = JSON.parse(readFileSync(join(made, 'npm/custom-elements.json'), 'utf8'));
  const elements = modules
    .flatMap((/** @type {any} */ { declarations }) => declarations)
    .filter((/** @type {any} */ { tagName }) => tagName);
  const lines = ['# Elements', ''];
  for (const element of elements) {
    lines.push(`## \\<${element.tagName}\\>`, '', element.description, '');
    for (const [title, list] of [
      ['Attributes', element.attributes],
      ['Events', element.events],
      ['Parts', element.cssParts],
      ['Custom properties', element.cssProperties],
    ]) {
      const typed = list.some((/** @type {any} */ { type }) => type);
      lines.push(`### ${title}`, '', typed ? '| Name | Type | |' : '| Name | |', typed ? '| --- | --- | --- |' : '| --- | --- |');
      for (const { name, type, description = '' } of list) {
        const cells = [`\`${name}\``, ...(typed ? [`\`${type?.text ?? 'string'}\``] : []), description];
        lines.push(`| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`);
      }
      lines.push('');
    }
  }
  writeFileSync(join(made, 'npm/docs/elements.md'), lines.join('\n'));
  appendFileSync(join(made, 'npm/docs/README.md'), '- [elements](elements.md): attributes, events, parts and custom properties\n');
}

/**
 * Bundles an example with its framework into one file beside its page. It takes clipside from the site that it is part
 * of, so that engine and model are there once; a project of your own imports the package and is done.
 * @param {string} example
 * @param {string} entry
 */
async function makeBundle(example, entry) {
  const fromSite = {
    name: 'clipside-from-site',
    resolveId: (/** @type {string} */ id) => (id === 'clipside' ? { id: '../../clipside.js', external: true } : undefined),
  };
  await build({
    configFile: false,
    root: join(site, 'examples', example),
    publicDir: false,
    logLevel: 'warn',
    plugins: [fromSite, vue()],
    define: { __VUE_OPTIONS_API__: 'false' },
    oxc: { jsx: { runtime: 'automatic' } },
    build: {
      outDir: join(made, 'examples', example),
      emptyOutDir: false,
      modulePreload: false,
      rolldownOptions: { input: join(site, 'examples', example, entry), output: { entryFileNames: 'app.js', comments: { legal: true } } },
    },
  });
}

/**
 * @param {string} part a file or a folder below site/
 * @returns {string[]} the files of which the committed copy is missing, different or one too many
 */
function differences(part) {
  const files = new Set([...filesOf(join(site, part)), ...filesOf(join(made, part))]);
  return [...files].map((file) => join(part, file)).filter((file) => textOf(join(site, file)) !== textOf(join(made, file)));
}

/**
 * @param {string} path
 * @returns {string[]} relative; '' for a path that is a file itself
 */
function filesOf(path) {
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(path, join(entry.parentPath, entry.name)));
  } catch {
    return [''];
  }
}

/**
 * @param {string} file
 * @returns {string | undefined}
 */
function textOf(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/**
 * Runs a development tool in site/.
 * @param {string} script below node_modules
 * @param {...string} args
 */
async function run(script, ...args) {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(site, 'node_modules', script), ...args], { cwd: site });
    const said = (stdout + stderr).trim();
    if (said) console.log(said);
  } catch (cause) {
    const { stdout = '', stderr = '' } = /** @type {{ stdout?: string, stderr?: string }} */ (cause);
    throw new Error(`${script} failed: ${stdout}${stderr}`, { cause });
  }
}
