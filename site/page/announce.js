import { byId } from './dom.js';

const live = byId('live', HTMLDivElement);
const settleMs = 150;

/** @type {string[]} */
let pending = [];
let timer = 0;

/**
 * Says something politely to a screen reader. Messages that come close
 * together are said as one, so that none overwrites another.
 *
 * @param {string} message
 */
export function announce(message) {
  pending.push(message);
  clearTimeout(timer);
  timer = setTimeout(() => {
    live.textContent = pending.join(' ');
    pending = [];
  }, settleMs);
}
