import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Progress } from '../clipside/progress.js';

function started(total) {
  const clock = { now: 1000 };
  const events = [];
  const progress = new Progress(
    'https://models.example/b/',
    total,
    (event) => events.push(event),
    () => clock.now,
  );
  return { clock, events, progress };
}

test('it begins at nothing and ends at the total', () => {
  const { clock, events, progress } = started(100);
  for (let bytes = 10; bytes <= 100; bytes += 10) {
    clock.now += 100;
    progress.received('a', bytes, false);
  }
  assert.deepEqual([events[0].loaded, events[0].total, events[0].rate, events[0].secondsLeft], [0, 100, 0, undefined]);
  assert.deepEqual(
    events.map((e) => e.loaded),
    [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
  );
  assert.equal(events.at(-1).secondsLeft, 0);
});

test('every event says of which model it is', () => {
  const { events, progress } = started(10);
  progress.received('a', 10, false);
  progress.enter('ready');
  assert.ok(events.every(({ model }) => model === 'https://models.example/b/'));
});

test('phases go forward only, whatever begins anew', () => {
  const { events, progress } = started(10);
  for (const phase of ['compile', 'warm-up', 'compile', 'download', 'ready', 'warm-up']) progress.enter(phase);
  assert.deepEqual(
    events.map(({ phase }) => phase),
    ['download', 'compile', 'warm-up', 'ready'],
  );
});

test('a file that is fetched again does not take anything back', () => {
  const { clock, events, progress } = started(20);
  for (const bytes of [0, 4, 8, 0, 3, 9, 10]) {
    clock.now += 100;
    progress.received('a', bytes, false);
  }
  clock.now += 100;
  progress.received('b', 10, false);
  assert.deepEqual(
    events.map((e) => e.loaded),
    [0, 4, 8, 9, 10, 20],
  );
});

test('a file longer than the manifest says does not exceed the total', () => {
  const { events, progress } = started(10);
  progress.received('a', 1000, false);
  assert.equal(events.at(-1).loaded, 10);
});

test('events are at least 50 ms apart, but for the end and a new phase', () => {
  const { clock, events, progress } = started(100);
  for (let bytes = 1; bytes < 100; bytes++) {
    clock.now += 1;
    progress.received('a', bytes, false);
  }
  assert.equal(events.length, 2);
  progress.received('a', 100, false);
  progress.enter('warm-up');
  progress.enter('ready');
  assert.deepEqual(
    events.slice(2).map((e) => [e.phase, e.loaded]),
    [
      ['download', 100],
      ['warm-up', 100],
      ['ready', 100],
    ],
  );
});

test('the rate is that of the last seconds, and of fetched bytes only', () => {
  const { clock, events, progress } = started(10_000);
  progress.received('kept', 2000, true);
  for (let second = 1; second <= 20; second++) {
    clock.now += 1000;
    // 100 bytes/s for ten seconds, then 200.
    progress.received('a', second <= 10 ? second * 100 : 1000 + (second - 10) * 200, false);
  }
  const last = events.at(-1);
  assert.equal(last.cached, 2000);
  assert.equal(last.loaded, 5000);
  assert.equal(last.rate, 200);
  assert.equal(last.secondsLeft, 25);
  assert.deepEqual(progress.bytes, { total: 10_000, fetched: 3000, cached: 2000 });
});
