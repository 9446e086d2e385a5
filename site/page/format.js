const megabyte = 1e6;

/**
 * Bytes as megabytes of 10^6, with one decimal below 100 MB.
 *
 * @param {number} bytes
 */
export function megabytes(bytes) {
  const value = bytes / megabyte;
  return value.toFixed(value < 100 ? 1 : 0);
}

/**
 * A probability in [0, 1] as a percentage with one decimal. A score that is
 * not quite 0 or 1 never reads as exactly 0% or 100%.
 *
 * @param {number} score
 */
export function percent(score) {
  if (score > 0 && score < 0.0005) return '<0.1%';
  if (score < 1 && score >= 0.9995) return '>99.9%';
  return `${(score * 100).toFixed(1)}%`;
}

/**
 * A duration given in milliseconds, to two or three significant figures.
 *
 * @param {number} milliseconds
 */
export function duration(milliseconds) {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}

/**
 * A wait given in seconds, rounded as a person would say it.
 *
 * @param {number} seconds
 */
export function timeLeft(seconds) {
  if (seconds < 1.5) return 'about a second left';
  if (seconds < 90) return `about ${Math.round(seconds)} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
}

/**
 * A label as a message quotes it, which has room for so many letters.
 *
 * @param {string} label
 */
export function quoted(label) {
  const letters = [...label];
  return `“${letters.length > 40 ? `${letters.slice(0, 39).join('')}…` : label}”`;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}
