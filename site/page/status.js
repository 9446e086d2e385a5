import { element } from './dom.js';
import { duration } from './format.js';

/** @typedef {import('../clipside.js').ClipInfo} ClipInfo */

/** The rung of the ladder of devices that the engine took. @param {ClipInfo} info */
function rung(info) {
  if (info.device === 'cpu') return 'CPU';
  return info.features.includes('shader-f16') ? 'WebGPU f16' : 'WebGPU';
}

/** @param {string} text */
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

/** Spaces around it let the line break, and keep facts apart where no style is seen. */
const separator = () => element('span', { class: 'separator', text: ' · ' });

/**
 * The quiet line beneath the bar once the model is there: what computes, how
 * well it checked out, how long things take.
 *
 * @param {HTMLElement} line
 */
export function createStatus(line) {
  return {
    hide() {
      line.hidden = true;
    },

    /**
     * @param {ClipInfo} info
     * @param {string[]} remarks
     */
    show(info, remarks) {
      /** @type {Node[]} */
      const facts = [];
      /** @param {string} text @param {string} [name] @param {string} [title] */
      const fact = (text, name, title) => {
        const made = element('span', { class: 'fact', text });
        if (name) made.dataset.fact = name;
        if (title) made.title = title;
        facts.push(made);
        return made;
      };

      fact(rung(info), 'rung').classList.add('fact-strong');
      if (info.adapter) fact(info.software ? `${info.adapter}, in software` : info.adapter, 'adapter');
      const { passed, cosine } = info.selfTest;
      const test = fact(
        passed ? 'self-test passed' : 'self-test failed',
        'self-test',
        `Cosine to the known embeddings: ${cosine.toFixed(6)}`,
      );
      test.classList.add(passed ? 'fact-good' : 'fact-bad');

      const { load, image, text } = info.timings;
      if (load > 0)
        fact(`${info.bytes.fetched === 0 && info.bytes.cached > 0 ? 'loaded from store' : 'loaded'} in ${duration(load)}`, 'load');
      if (image > 0) fact(`picture ${duration(image)}`, 'image');
      if (text > 0) fact(`labels ${duration(text)}`, 'text');

      const notes = [...remarks];
      if (info.fallback) notes.push(sentence(info.fallback));
      if (!passed) notes.push('Results on this device may be wrong.');

      line.dataset.device = info.device;
      line.dataset.selfTest = passed ? 'passed' : 'failed';
      line.replaceChildren(
        ...facts.flatMap((one, at) => (at === 0 ? [one] : [separator(), one])),
        ...notes.map((note) => element('span', { class: 'fact-note', text: ` ${note}` })),
      );
      line.hidden = false;
    },
  };
}
