// Serves the built page and has Lighthouse look at it, as a telephone and as a computer. It fails where a category
// falls short of what clipside asks of itself. ./build.sh lighthouse runs it.
//
//	node run.js ../../build/clipside ../../dist

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { launch } from 'chrome-launcher';
import lighthouse, { desktopConfig } from 'lighthouse';

/** What each category must reach. */
const least = { performance: 95, accessibility: 100, 'best-practices': 100, seo: 100 };

const [program, dist] = process.argv.slice(2);
if (!dist) {
  console.error('usage: node run.js CLIPSIDE DIST');
  process.exit(2);
}

const server = spawn(program, ['serve', '-addr', '127.0.0.1:0', '-dir', dist], { stdio: ['ignore', 'pipe', 'inherit'] });
const chromium = await launch({
  chromePath: process.env.CHROMIUM,
  chromeFlags: ['--headless=new', '--no-sandbox', '--disable-background-networking', '--disable-component-update'],
});
try {
  const [line] = await once(createInterface(server.stdout), 'line');
  const url = line.split(' ').at(-1);
  for (const [device, config] of [
    ['mobile', undefined],
    ['desktop', desktopConfig],
  ]) {
    const runs = [];
    for (let i = 0; i < 3; i++) {
      const { lhr } = await lighthouse(url, { port: chromium.port, onlyCategories: Object.keys(least), logLevel: 'error' }, config);
      if (lhr.runtimeError) throw new Error(lhr.runtimeError.message);
      runs.push(lhr);
    }
    report(device, runs.sort((a, b) => a.categories.performance.score - b.categories.performance.score)[1]);
  }
} finally {
  server.kill();
  chromium.kill();
}

/**
 * Prints what a run found. Other programs that are busy at the same time cost points for performance, which is why it
 * is the median of three and why it tells how fast the machine was meanwhile.
 */
function report(device, { categories, audits, environment }) {
  const scores = Object.entries(categories).map(([id, { score }]) => ({ id, score: Math.round(score * 100) }));
  const shown = (audit) => audits[audit].displayValue;
  console.log(
    `${device}: ${scores.map(({ id, score }) => `${id} ${score}`).join(', ')} (first paint ${shown('first-contentful-paint')}, ` +
      `largest ${shown('largest-contentful-paint')}, blocked ${shown('total-blocking-time')}, ` +
      `layout shift ${shown('cumulative-layout-shift')}; the machine's benchmark index ${environment.benchmarkIndex})`,
  );
  for (const { id, score } of scores) {
    if (score >= least[id]) continue;
    process.exitCode = 1;
    console.log(`  ${id} falls short of ${least[id]}:`);
    for (const { id: audit, weight } of categories[id].auditRefs) {
      const { score, title, displayValue = '' } = audits[audit];
      if (weight > 0 && score !== null && score < 0.9) console.log(`    ${title} ${displayValue}`);
    }
  }
}
