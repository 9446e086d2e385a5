import { announce } from './announce.js';
import { button, element } from './dom.js';
import { megabytes, timeLeft } from './format.js';

/**
 * @typedef {import('../clipside.js').ClipProgress} Progress
 */

const milestones = [25, 50, 75];

/** After so long without news the rate and the time left are not true any more. */
const staleMs = 3000;

/**
 * The bar and the line of text while the model is on its way; before that the
 * button that fetches it, and the error in their place when it does not come.
 * The strip's height is reserved by the style sheet.
 *
 * @param {{strip: HTMLElement, bar: HTMLProgressElement, text: HTMLElement, get: HTMLButtonElement, error: HTMLElement, onGet: () => void}} parts
 */
export function createProgress({ strip, bar, text, get, error, onGet }) {
  let model = '';
  let told = 0;
  let stale = 0;
  get.addEventListener('click', onGet);

  /** @param {'offered'|'loading'|'ready'|'failed'} state */
  function set(state) {
    clearTimeout(stale);
    // A button that was used goes, and must not take the focus with it.
    if (state === 'loading' && (document.activeElement === get || error.contains(document.activeElement)))
      strip.focus({ preventScroll: true });
    bar.dataset.state = state;
    text.hidden = state === 'ready' || state === 'failed';
    get.hidden = state !== 'offered' || get.textContent === '';
    error.hidden = state !== 'failed';
    if (state !== 'failed') error.replaceChildren();
  }

  /** @param {number} percent */
  function announceMilestone(percent) {
    const reached = milestones.findLast((milestone) => percent >= milestone) ?? 0;
    if (reached <= told) return;
    told = reached;
    announce(`Model ${reached}% here.`);
  }

  return {
    /**
     * The model is not here, and comes when it is asked for.
     *
     * @param {{text: string, action: string}} offer see describeOffer
     */
    offer(offer) {
      bar.value = 0;
      if (text.textContent !== offer.text) text.textContent = offer.text;
      get.textContent = offer.action;
      set('offered');
    },

    /** @param {string} name of the model */
    start(name) {
      model = name;
      told = 0;
      bar.value = 0;
      text.textContent = `Fetching the ${model} model…`;
      set('loading');
    },

    /** @param {Progress} progress */
    update({ phase, loaded, total, cached, rate, secondsLeft }) {
      clearTimeout(stale);
      if (phase === 'download') {
        const share = total > 0 ? loaded / total : 0;
        bar.value = share;
        // Bytes from the browser's own store come at once and tell nothing about the wait.
        const source = cached > 0 && cached >= loaded ? 'Reading the stored' : 'Fetching the';
        const parts = [`${source} ${model} model: ${megabytes(loaded)} of ${megabytes(total)} MB`];
        if (rate > 0) parts.push(`${megabytes(rate)} MB/s`);
        if (secondsLeft !== undefined && loaded < total) parts.push(timeLeft(secondsLeft));
        text.textContent = parts.join(', ');
        stale = setTimeout(() => (text.textContent = parts[0]), staleMs);
        announceMilestone(share * 100);
        return;
      }
      bar.value = 1;
      if (phase === 'warm-up') text.textContent = 'The model is here. Checking this device against known results…';
    },

    done() {
      bar.value = 1;
      set('ready');
      announce('The model is ready.');
    },

    /** A larger model is on its way while this one answers: the bar alone tells, which moves nothing. @param {Progress} progress */
    follow({ loaded, total }) {
      bar.value = loaded / total;
      bar.dataset.state = 'following';
    },

    /** It has come, or will not. */
    followed() {
      bar.value = 1;
      bar.dataset.state = 'ready';
    },

    /**
     * @param {{what: string, remedy: string, detail: string}} explained
     * @param {() => void} onRetry
     */
    fail({ what, remedy, detail }, onRetry) {
      const retry = button('button button-small', 'Retry', onRetry);
      retry.dataset.testid = 'retry';
      const words = element('div', {}, element('p', {}, element('strong', { text: what }), ` ${remedy}`));
      if (detail) words.append(element('p', { class: 'engine-detail', text: detail }));
      error.replaceChildren(words, retry);
      set('failed');
    },
  };
}
