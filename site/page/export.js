import { percent } from './format.js';

/**
 * What was asked and what came out.
 *
 * @typedef {object} Results
 * @property {string} model
 * @property {string} template
 * @property {{picture: string, scores: {label: string, score: number}[]}[]} pictures each with its labels, best first
 */

/** For people: a line for each picture, with its best labels. @param {Results} results */
export function toText({ pictures }) {
  return pictures
    .map(({ picture, scores }) => {
      const best = scores.slice(0, 5).map(({ label, score }) => `${label} ${percent(score)}`);
      return `${picture}: ${best.join(', ')}`;
    })
    .join('\n');
}

/** @param {Results} results */
export function toJSON(results) {
  return `${JSON.stringify(results, null, 2)}\n`;
}

/** As RFC 4180 has it: a line for each picture and label. @param {Results} results */
export function toCSV({ pictures }) {
  const rows = [['picture', 'label', 'score']];
  for (const { picture, scores } of pictures) {
    for (const { label, score } of scores) rows.push([picture, label, String(score)]);
  }
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** @param {string} text */
function cell(text) {
  // A spreadsheet would compute what begins so, and names of files come from anywhere.
  const safe = /^[-=+@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
