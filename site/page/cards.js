import { announce } from './announce.js';
import { button, crossPath, element, icon, reducedMotion } from './dom.js';
import { duration, percent, plural } from './format.js';

/** Longer lists show this many labels at first, the best ones, and offer the rest. */
const shownAtFirst = 8;

/** Of bars and rows that move. */
const easing = 'cubic-bezier(.2,.7,.2,1)';

/** @typedef {'waiting'|'working'|'done'|'error'} State */
/** @typedef {{label: string, score: number}} Score */
/** @typedef {{root: HTMLLIElement, percent: HTMLElement, fill: HTMLElement}} Row */

/**
 * The labels of one picture as bars. Rows are there before there are scores,
 * so a card never grows when its result comes; only those that are shown are
 * made, as there may be a thousand labels beside hundreds of pictures.
 */
class Bars {
  /** Best first; those without a score at the end, as they were typed. @type {string[]} */
  #labels = [];
  /** @type {Map<string, number>} */
  #scores = new Map();
  /** Of the labels that are shown. @type {Map<string, Row>} */
  #rows = new Map();
  #all = false;
  #more;

  constructor() {
    this.list = element('ol', { class: 'bars', testid: 'bars' });
    this.#more = button('link bars-more', '', () => {
      this.#all = !this.#all;
      this.#draw();
    });
    this.#more.dataset.testid = 'bars-more';
    this.root = element('div', { class: 'bars-box' }, this.list, this.#more);
    this.#draw();
  }

  /** Bars for exactly these labels; those that stay keep their scores. @param {readonly string[]} labels */
  setLabels(labels) {
    const wanted = new Set(labels);
    const ranked = this.#labels.filter((label) => wanted.has(label) && this.#scores.has(label));
    this.#scores = new Map(ranked.map((label) => [label, /** @type {number} */ (this.#scores.get(label))]));
    this.#labels = [...ranked, ...labels.filter((label) => !this.#scores.has(label))];
    this.#draw();
  }

  /** @param {readonly Score[]} scores in descending order, of all the labels */
  setScores(scores) {
    const before = new Map([...this.#rows].map(([label, { root, fill }]) => [label, { top: root.offsetTop, width: fill.style.width }]));
    this.#scores = new Map(scores.map(({ label, score }) => [label, score]));
    this.#labels = [...this.#scores.keys()];
    this.#draw();
    if (!reducedMotion()) this.#move(before);
  }

  /** Lets each row glide from where it was, and its bar grow from what it was. @param {Map<string, {top: number, width: string}>} before */
  #move(before) {
    for (const [label, { root, fill }] of this.#rows) {
      const { top, width } = before.get(label) ?? { top: root.offsetTop, width: '' };
      const moved = top - root.offsetTop;
      if (moved !== 0) root.animate([{ transform: `translateY(${moved}px)` }, { transform: 'none' }], { duration: 260, easing });
      fill.animate([{ width: width || '0' }, { width: fill.style.width }], { duration: 420, easing });
    }
  }

  #draw() {
    const shown = this.#all ? this.#labels : this.#labels.slice(0, shownAtFirst);
    this.#rows = new Map(shown.map((label) => [label, this.#rows.get(label) ?? createRow(label)]));
    this.list.replaceChildren(...[...this.#rows.values()].map(({ root }) => root));
    for (const [label, row] of this.#rows) {
      const score = this.#scores.get(label);
      if (score === undefined) continue;
      row.root.dataset.score = String(score);
      row.root.classList.toggle('bar-best', label === shown[0]);
      row.percent.textContent = percent(score);
      row.fill.style.width = `${score * 100}%`;
    }
    this.#more.hidden = this.#labels.length <= shownAtFirst;
    this.#more.textContent = this.#all ? `Show the best ${shownAtFirst}` : `Show all ${this.#labels.length}`;
    this.#more.setAttribute('aria-expanded', String(this.#all));
  }
}

/** @param {string} label @returns {Row} */
function createRow(label) {
  const fill = element('span', { class: 'bar-fill', attributes: { 'aria-hidden': 'true' } });
  const share = element('span', { class: 'bar-percent', text: '–' });
  const name = element('span', { class: 'bar-label', text: label, attributes: { title: label } });
  const root = element('li', { class: 'bar', testid: 'bar' }, fill, name, share);
  root.dataset.label = label;
  return { root, percent: share, fill };
}

/** One picture and what the model makes of it. */
export class Card {
  #bars = new Bars();
  #note;
  #error;
  #url;
  /** @type {State} */
  #state = 'waiting';
  /** Whether the scores answer the labels and template in use. */
  current = false;
  /** Whether the picture cannot be read at all, so that it is not tried again. */
  broken = false;
  /** The last scores, best first. @type {readonly Score[]} */
  scores = [];

  /**
   * @param {Blob} blob
   * @param {string} name
   * @param {readonly string[]} labels
   * @param {{onRemove: (card: Card) => void, onRetry: (card: Card) => void}} handlers
   */
  constructor(blob, name, labels, { onRemove, onRetry }) {
    this.blob = blob;
    this.name = name;
    this.#url = URL.createObjectURL(blob);
    this.onRetry = () => onRetry(this);

    const image = element('img', { class: 'thumb-image', attributes: { alt: '', decoding: 'async', draggable: 'false' } });
    const thumb = element('div', { class: 'thumb' }, image);
    image.addEventListener('error', () => thumb.classList.add('thumb-broken'));
    image.src = this.#url;
    /** What the model is shown: browsers draw SVG in elements alone. */
    this.picture = blob.type === 'image/svg+xml' ? image : blob;

    const heading = element('h3', { class: 'card-name', text: name, attributes: { title: name } });
    this.#note = element('p', { class: 'card-note', testid: 'card-time' });
    const remove = button('icon-button', icon(crossPath), () => onRemove(this));
    remove.dataset.testid = 'card-remove';
    remove.setAttribute('aria-label', `Remove ${name}`);

    this.#error = element('div', { class: 'card-error', testid: 'card-error' });
    this.#error.hidden = true;

    const head = element('div', { class: 'card-head' }, heading, this.#note, remove);
    const body = element('div', { class: 'card-body' }, this.#bars.root, this.#error);
    this.root = element('li', { class: 'card', testid: 'card' }, thumb, head, body);
    this.root.tabIndex = -1;
    this.root.dataset.name = name;
    this.setLabels(labels);
    this.#set('waiting', 'Waiting for the model');
  }

  get state() {
    return this.#state;
  }

  /** @param {State} state @param {string} note */
  #set(state, note) {
    this.#state = state;
    this.root.dataset.state = state;
    this.root.setAttribute('aria-busy', String(state === 'working'));
    this.#note.textContent = note;
    this.#error.hidden = state !== 'error';
    if (state === 'error') return;
    if (this.#error.contains(document.activeElement)) this.root.focus({ preventScroll: true });
    this.#error.replaceChildren();
  }

  /** @param {readonly string[]} labels */
  setLabels(labels) {
    this.#bars.setLabels(labels);
  }

  /** The scores shown no longer answer the question. */
  stale() {
    this.current = false;
    this.root.classList.add('card-stale');
  }

  /** @param {string} why */
  wait(why) {
    this.#set('waiting', why);
  }

  work() {
    this.#set('working', 'Looking…');
  }

  /** How far the work has come that takes so long that one asks. @param {number} share */
  progress(share) {
    if (this.#state === 'working') this.#note.textContent = `Looking… ${Math.floor(share * 100)}%`;
  }

  /**
   * @param {readonly Score[]} scores in descending order
   * @param {number} milliseconds from the picture to the scores
   */
  done(scores, milliseconds) {
    this.current = true;
    this.root.classList.remove('card-stale');
    this.scores = scores;
    this.#set('done', duration(milliseconds));
    this.#bars.setScores(scores);
  }

  /**
   * @param {string} message
   * @param {boolean} broken
   */
  fail(message, broken) {
    this.current = true;
    this.broken = broken;
    this.#set('error', '');
    this.#error.replaceChildren(element('p', { text: message }));
    if (!broken) this.#error.append(button('button button-small', 'Try again', this.onRetry));
  }

  /** Frees the picture. The card is not used after this. */
  dispose() {
    this.root.remove();
    URL.revokeObjectURL(this.#url);
  }

  /** Brings the card into view where it is not, and points it out. @param {boolean} point */
  reveal(point) {
    this.root.scrollIntoView({ block: 'nearest', behavior: reducedMotion() ? 'auto' : 'smooth' });
    if (point && !reducedMotion()) {
      this.root.animate([{ boxShadow: '0 0 0 3px var(--mark)' }, { boxShadow: '0 0 0 3px transparent' }], {
        duration: 900,
        easing: 'ease-out',
      });
    }
  }
}

/**
 * The list of cards, newest first. With no picture yet it holds a place of the
 * same size, with the labels already in it.
 *
 * @param {{list: HTMLOListElement, clear: HTMLButtonElement, title: HTMLElement, onRetry: (card: Card) => void, onRemove: () => void}} parts
 */
export function createCards({ list, clear, title, onRetry, onRemove }) {
  /** @type {Card[]} */
  let cards = [];
  /** @type {readonly string[]} */
  let labels = [];

  const emptyBars = new Bars();
  const empty = element(
    'li',
    { class: 'card card-empty', testid: 'placeholder' },
    element('div', { class: 'thumb', attributes: { 'aria-hidden': 'true' } }),
    element('div', { class: 'card-head' }, element('p', { class: 'card-name', text: 'Your first picture comes here' })),
    element('div', { class: 'card-body', attributes: { 'aria-hidden': 'true' } }, emptyBars.root),
  );
  // The rows of the empty place are a drawing, not results.
  emptyBars.list.removeAttribute('data-testid');

  function changed() {
    clear.hidden = cards.length === 0;
    if (cards.length === 0) list.append(empty);
    else empty.remove();
  }

  /** @param {Card} card */
  function remove(card) {
    const at = cards.indexOf(card);
    cards = cards.filter((own) => own !== card);
    card.dispose();
    changed();
    const next = cards[Math.min(at, cards.length - 1)];
    if (next) next.root.focus({ preventScroll: true });
    else title.focus({ preventScroll: true });
    onRemove();
  }

  clear.addEventListener('click', () => {
    const removed = cards;
    cards = [];
    for (const card of removed) card.dispose();
    changed();
    title.focus();
    announce(`${plural(removed.length, 'picture')} removed.`);
    onRemove();
  });
  changed();

  return {
    get all() {
      return /** @type {readonly Card[]} */ (cards);
    },

    /** @param {{blob: Blob, name: string}[]} pictures */
    add(pictures) {
      const added = pictures.map(({ blob, name }) => new Card(blob, name, labels, { onRemove: remove, onRetry }));
      cards = [...added, ...cards];
      changed();
      list.prepend(...added.map((card) => card.root));
      added[0]?.reveal(false);
      return added;
    },

    /** @param {readonly string[]} next */
    setLabels(next) {
      labels = next;
      emptyBars.setLabels(next);
      for (const card of cards) card.setLabels(next);
    },
  };
}
