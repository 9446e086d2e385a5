import { announce } from './announce.js';
import { byId } from './dom.js';
import { toCSV, toJSON, toText } from './export.js';

/** @typedef {import('./export.js').Results} Results */

/** How long a button says what it has done. */
const doneMs = 2000;

/**
 * The buttons that take results elsewhere. They are there while there are
 * pictures, and can be pressed once each has its result.
 *
 * @param {{collect: () => Results, state: () => 'none'|'partial'|'whole'}} parts
 */
export function createResults({ collect, state }) {
  const tools = byId('results-tools', HTMLDivElement);
  const copy = byId('results-copy', HTMLButtonElement);
  const share = byId('results-share', HTMLButtonElement);

  // Both are absent where the page does not come over a secure connection.
  copy.hidden = !navigator.clipboard;
  share.hidden = !navigator.canShare?.({ text: 'cat' });

  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(toText(collect()));
      say(copy, 'Copied');
    } catch {
      say(copy, 'Not allowed');
    }
  });
  share.addEventListener('click', () => {
    // Rejects if the person thinks better of it, which they know.
    navigator.share({ title: 'What is in these pictures', text: toText(collect()) }).catch(() => {});
  });
  byId('results-csv', HTMLButtonElement).addEventListener('click', () => save('clipside.csv', 'text/csv', toCSV(collect())));
  byId('results-json', HTMLButtonElement).addEventListener('click', () => save('clipside.json', 'application/json', toJSON(collect())));

  return {
    /** The results, their number, or what is asked have changed. */
    changed() {
      tools.hidden = state() === 'none';
      for (const button of tools.querySelectorAll('button')) button.disabled = state() !== 'whole';
    },
  };
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} word
 */
function say(button, word) {
  const own = (button.dataset.own ??= button.textContent ?? '');
  button.textContent = word;
  announce(`${word}.`);
  setTimeout(() => {
    button.textContent = own;
  }, doneMs);
}

/**
 * @param {string} name
 * @param {string} type
 * @param {string} text
 */
function save(name, type, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  link.download = name;
  link.click();
  // The browser has not begun to read it when click returns.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
