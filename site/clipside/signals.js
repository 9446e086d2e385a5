/**
 * A signal that fires when the first of several does, with its reason.
 * @param {readonly (AbortSignal | undefined)[]} signals
 * @returns {AbortSignal}
 */
export function anySignal(signals) {
  const given = signals.filter((signal) => signal !== undefined);
  if (given.length === 1) return given[0];
  if ('any' in AbortSignal) return AbortSignal.any(given);
  // Safari before 17.4. Unlike the platform's own, this one stays reachable from its sources for as long as they live.
  const controller = new AbortController();
  for (const signal of given) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true, signal: controller.signal });
  }
  return controller.signal;
}

/**
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {Promise<T>} promise goes on by itself
 * @returns {Promise<T>} rejects with the signal's reason as soon as it fires
 */
export function unlessAborted(signal, promise) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
