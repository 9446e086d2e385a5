import { announce } from './announce.js';
import { explainPictureError, isDecode, isEngineLost } from './errors.js';
import { percent, plural } from './format.js';

/** @typedef {import('../clipside.js').Clip} Clip */
/** @typedef {import('./cards.js').Card} Card */
/** @typedef {{labels: readonly string[], template: string}} Question */

/** Typing pauses shorter than this don't start the model. */
const debounceMs = 250;
/** A question of so many prompts and more takes a while, and a card tells how far it is. */
const longQuestion = 200;
/** Of more pictures than this, a screen reader hears only the numbers. */
const spokenAtMost = 4;

/**
 * Keeps every card's scores in step with the question that the page asks: one
 * picture at a time, from the top of the list down. A new question breaks off
 * what is under way, and a result that belongs to an old one is dropped. While
 * there is nothing to ask, question() is what the cards wait for.
 *
 * @param {{
 *   cards: () => readonly Card[],
 *   question: () => Question|string,
 *   onSettled: () => void,
 *   onTruncated: (texts: string[]) => void,
 *   onEngineLost: (error: unknown) => void,
 * }} parts
 */
export function createRanking({ cards, question, onSettled, onTruncated, onEngineLost }) {
  /** @type {Clip|null} */
  let clip = null;
  let waitingFor = 'Waiting for the model';
  let running = false;
  /** Between a change and the pause after it: no picture is started. */
  let settling = false;
  let timer = 0;
  let flight = new AbortController();
  /** What is under way. @type {Card|null} */
  let looked = null;

  function breakOff() {
    flight.abort();
    flight = new AbortController();
  }

  /** Cards that nothing can be done for now say what they wait for. @param {string} why */
  function tellWaiting(why) {
    for (const card of cards()) {
      if (!card.current && !card.broken) card.wait(why);
    }
  }

  async function run() {
    if (running || settling) return;
    running = true;
    /** @type {{card: Card, words: string}[]} */
    const looks = [];
    while (!settling) {
      const asked = question();
      const engine = clip;
      if (!engine) {
        tellWaiting(waitingFor);
        break;
      }
      if (typeof asked === 'string') {
        tellWaiting(asked);
        break;
      }
      const card = cards().find((own) => !own.current && !own.broken);
      if (!card) break;
      const own = flight;
      looked = card;
      card.work();
      const began = performance.now();
      try {
        const scores = await engine.classify(card.picture, [...asked.labels], {
          template: asked.template,
          signal: own.signal,
          onTruncated,
          onProgress: ({ loaded, total }) => void (total >= longQuestion && card.progress(loaded / total)),
        });
        if (own.signal.aborted) continue;
        card.done(scores, performance.now() - began);
        const best = scores.slice(0, 3).map(({ label, score }) => `${label} ${percent(score)}`);
        looks.push({ card, words: `${card.name}: ${best.join(', ')}.` });
      } catch (error) {
        if (own.signal.aborted) continue;
        if (isEngineLost(error)) {
          // Tells the ranking, through setClip, what the cards wait for now.
          onEngineLost(error);
          break;
        }
        const words = explainPictureError(error);
        card.fail(words, isDecode(error));
        looks.push({ card, words });
      }
      onSettled();
    }
    running = false;
    looked = null;
    // A question that came in between has them looked at once more.
    const told = looks.filter(({ card }) => card.current && cards().includes(card));
    const ranked = told.filter(({ card }) => card.state === 'done').length;
    if (told.length > spokenAtMost) {
      announce(`${plural(ranked, 'picture')} ranked.${ranked < told.length ? ` ${told.length - ranked} could not be.` : ''}`);
    } else if (told.length > 0) announce(told.map(({ words }) => words).join(' '));
  }

  return {
    /** @param {Clip|null} next @param {string} [why] */
    setClip(next, why = 'Waiting for the model') {
      clip = next;
      waitingFor = why;
      if (next) void run();
      else tellWaiting(why);
    },

    /** Pictures were added. */
    added() {
      void run();
    },

    /** Pictures were removed: the next one doesn't wait for what was begun for them. */
    removed() {
      if (looked && !cards().includes(looked)) breakOff();
    },

    /** One card is to be tried again. @param {Card} card */
    retry(card) {
      card.current = false;
      void run();
    },

    /** The labels or the template changed. */
    asked() {
      breakOff();
      for (const card of cards()) {
        if (!card.broken) card.stale();
      }
      clearTimeout(timer);
      settling = true;
      timer = setTimeout(() => {
        settling = false;
        void run();
      }, debounceMs);
    },
  };
}
