// Where the Worker comes from. Everything about its origin is decided here and nowhere else.

import { EngineError } from './errors.js';

/**
 * Starts the engine's Worker. A browser runs Workers only from the page's own origin, and the usual ways round that
 * (a blob: or data: script that imports the real one) are what a strict Content-Security-Policy forbids. So where this
 * module comes from another origin, the page lends a script of its own that imports worker.js from there.
 * @param {string} script absolute URL of that script; '' for the Worker beside this module
 * @returns {Worker}
 * @throws {EngineError} where the script is of another origin, or the page may not start Workers
 */
export function spawn(script) {
  // Not location's, which in an <iframe srcdoc> is none, and in a sandboxed one of an origin that it has not.
  const { origin } = globalThis;
  const beside = new URL('./worker.js', import.meta.url);
  const url = script ? new URL(script) : beside;
  if (url.origin !== origin) {
    if (origin === 'null') {
      throw new EngineError(
        'The engine cannot start: this page has no origin of its own, because it is a file, or in a sandboxed <iframe>, whose attribute must have allow-same-origin.',
      );
    }
    throw new EngineError(
      `The engine cannot start from ${url}: a browser runs Workers only from the page's own origin, ${origin}. Put a script there that says: import '${beside}'; and pass its address as createClip's option worker.`,
    );
  }
  try {
    if (script) return new Worker(url, { type: 'module', name: 'clipside' });
    // Written out once more because bundlers look for exactly this expression.
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'clipside' });
  } catch (cause) {
    // A policy of ours would have to stand between Worker and new URL, where bundlers would not see the script.
    const advice =
      cause instanceof TypeError
        ? "under require-trusted-types-for 'script' the page's default policy must let it through (createScriptURL)."
        : "the page's Content-Security-Policy must allow it (worker-src 'self').";
    throw new EngineError(`The engine's Worker could not be started from ${url}; ${advice}`, { cause });
  }
}
