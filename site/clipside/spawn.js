// Where the Worker comes from. Everything about its origin is decided here and nowhere else.

import { EngineError } from './errors.js';

/**
 * Starts the engine's Worker. A browser runs Workers only from the page's own origin, and the usual ways round that
 * (a blob: or data: script that imports the real one) are what a strict Content-Security-Policy forbids.
 * @returns {Worker}
 * @throws {EngineError} where this module was loaded from another origin, or the page may not start Workers
 */
export function spawn() {
  const url = new URL('./worker.js', import.meta.url);
  if (url.origin !== location.origin) {
    throw new EngineError(`The engine cannot start from ${url.origin}: a browser runs Workers only from the page's own origin, ${location.origin}. Serve clipside.js and the directory clipside/ from there; the model may stay elsewhere.`);
  }
  try {
    // Written out once more because bundlers look for exactly this expression.
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'clipside' });
  } catch (cause) {
    throw new EngineError(`The engine's Worker could not be started from ${url}; the page's Content-Security-Policy must allow it (worker-src 'self').`, { cause });
  }
}
