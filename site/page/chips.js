import { button, crossPath, element, icon, reducedMotion } from './dom.js';
import { plural, quoted } from './format.js';

/** Longer lists show this many labels at first, and offer the rest: thousands of chips take a browser seconds. */
const shownAtFirst = 500;

const separators = /[,;\n\r\t，、；]+/;

/** @param {string} label */
const tidy = (label) => label.trim().replace(/\s+/g, ' ');

/** Labels that differ only in case are the same label. @param {string} label */
const key = (label) => label.toLocaleLowerCase();

/** Whether a field that loses the focus loses it to another, and not with the whole page. @param {HTMLInputElement} field */
const isLeft = (field) => document.activeElement !== field;

/** @param {string} text */
function splitLabels(text) {
  return text
    .split(separators)
    .map(tidy)
    .filter((label) => label !== '');
}

/**
 * The field of labels. Each label is a chip: a button that edits it in place,
 * and one that removes it. Invariants: no label is empty, none occurs twice.
 *
 * Keys in the input: Enter or a comma adds; Backspace in an empty input goes
 * to the last chip. Keys on a chip: Enter edits, Backspace or Delete removes,
 * the arrows, Home and End move. The chips are one tab stop.
 *
 * @param {{
 *   field: HTMLElement,
 *   list: HTMLUListElement,
 *   input: HTMLInputElement,
 *   message: import('./message.js').Message,
 *   onChange: (labels: readonly string[]) => void,
 * }} parts
 */
export function createChips({ field, list, input, message, onChange }) {
  /** @type {string[]} */
  let labels = [];
  /** Of the labels that are shown. @type {Map<string, HTMLLIElement>} */
  const chips = new Map();
  let all = false;
  const more = button('link', '', () => {
    const next = chips.size;
    all = true;
    draw();
    textAt(next)?.focus();
  });
  more.dataset.testid = 'chips-more';
  list.after(more);
  /** The place of the chip that Tab reaches. */
  let reachable = 0;
  /** That chip's text. @type {HTMLElement|null|undefined} */
  let tabStop;

  /** What there is to say of the labels as they are. */
  function hint() {
    if (labels.length === 0) message.error('Add at least one label to compare the pictures with.');
    else if (labels.length === 1) message.notice('One label alone is always 100%. Add another.');
    else message.hint('Enter adds a label; a pasted list adds many.');
  }

  /** @param {string} label */
  function createChip(label) {
    const text = button('chip-text', label, () => edit(label));
    text.dataset.testid = 'chip-edit';
    text.setAttribute('aria-label', `${label}, edit`);
    text.setAttribute('aria-keyshortcuts', 'Enter Backspace Delete');
    text.tabIndex = -1;
    text.addEventListener('keydown', (event) => onChipKey(event, label));
    text.addEventListener('focus', () => reach(labels.indexOf(label)));

    const remove = button('chip-remove', icon(crossPath), () => removeLabel(label, true));
    remove.dataset.testid = 'chip-remove';
    remove.setAttribute('aria-label', `Remove ${label}`);
    // Backspace on the chip does the same, without a second tab stop each.
    remove.tabIndex = -1;

    const made = element('li', { class: 'chip', testid: 'chip' }, text, remove);
    made.dataset.label = label;
    return made;
  }

  /**
   * Brings the list in line with `labels`. A chip whose label stays keeps its
   * element: a click that ends the editing of one chip must still reach another.
   */
  function draw() {
    const shown = new Set(all ? labels : labels.slice(0, shownAtFirst));
    for (const [label, chip] of chips) {
      if (shown.has(label)) continue;
      chip.remove();
      chips.delete(label);
    }
    let next = list.firstElementChild;
    for (const label of shown) {
      const chip = chips.get(label) ?? createChip(label);
      chips.set(label, chip);
      if (chip === next) next = next.nextElementSibling;
      else list.insertBefore(chip, next);
    }
    more.hidden = shown.size === labels.length;
    more.textContent = `Show all ${labels.length} labels`;
    reach(Math.max(0, Math.min(reachable, shown.size - 1)));
  }

  function changed() {
    draw();
    onChange(labels);
  }

  /** @param {number} at */
  const textAt = (at) => /** @type {HTMLButtonElement|null|undefined} */ (chips.get(labels[at])?.querySelector('.chip-text'));

  /** Makes the chip at this place the tab stop. @param {number} at */
  function reach(at) {
    reachable = at;
    tabStop?.setAttribute('tabindex', '-1');
    tabStop = textAt(at);
    tabStop?.setAttribute('tabindex', '0');
  }

  /** Points out the chip that is there already. @param {string} label */
  function flash(label) {
    const there = labels.find((own) => key(own) === key(label));
    if (there === undefined || reducedMotion()) return;
    chips.get(there)?.animate([{ backgroundColor: 'var(--mark)' }, {}], { duration: 900, easing: 'ease-out' });
  }

  /**
   * The labels of `added` that are new beside `kept`, and those that are not.
   *
   * @param {readonly string[]} added
   * @param {readonly string[]} kept
   */
  function sift(added, kept) {
    const known = new Set(kept.map(key));
    /** @type {string[]} */
    const fresh = [];
    /** @type {string[]} */
    const repeated = [];
    for (const label of added) {
      if (known.has(key(label))) repeated.push(label);
      else fresh.push(label);
      known.add(key(label));
    }
    return { fresh, repeated };
  }

  /** @param {readonly string[]} repeated */
  function tellRepeated(repeated) {
    if (repeated.length === 0) return;
    message.notice(repeated.length === 1 ? `${quoted(repeated[0])} is there already.` : `${repeated.length} of these were there already.`);
    flash(repeated[0]);
  }

  /** Adds what is typed; says so where nothing was. @param {string} text */
  function add(text) {
    const asked = splitLabels(text);
    const { fresh, repeated } = sift(asked, labels);
    if (fresh.length > 0) {
      labels = [...labels, ...fresh];
      changed();
    }
    if (repeated.length > 0) tellRepeated(repeated);
    else if (fresh.length > 1 || (fresh.length > 0 && !more.hidden)) message.notice(`${plural(fresh.length, 'label')} added.`);
    else if (asked.length === 0) message.notice('Type a word or two first; a label cannot be empty.');
    input.value = '';
  }

  /**
   * The focus goes to the chip that takes this one's place.
   *
   * @param {string} label
   * @param {boolean} inSight whether the person sees that place, which then must not move
   */
  function removeLabel(label, inSight) {
    const at = labels.indexOf(label);
    labels = labels.filter((own) => own !== label);
    reachable = at;
    changed();
    const next = textAt(reachable) ?? input;
    next.focus({ preventScroll: inSight });
  }

  /** @param {string} before the label to edit */
  function edit(before) {
    const chip = chips.get(before);
    if (!chip) return;
    const parts = [...chip.children];
    const box = element('input', {
      class: 'chip-input',
      testid: 'chip-input',
      attributes: {
        type: 'text',
        'aria-label': `Edit ${before}`,
        autocomplete: 'off',
        autocapitalize: 'none',
        spellcheck: 'false',
        enterkeyhint: 'done',
        maxlength: '200',
      },
    });
    const fit = () => {
      box.size = Math.max(3, box.value.length);
    };
    box.value = before;
    fit();
    let over = false;

    /** @param {boolean} refocus */
    function restore(refocus) {
      over = true;
      chip?.classList.remove('chip-editing');
      chip?.replaceChildren(...parts);
      if (refocus) textAt(labels.indexOf(before))?.focus();
    }

    /**
     * @param {boolean} refocus whether the person is still here: then a refusal
     *   keeps the box open, else it puts the old label back
     */
    function commit(refocus) {
      const asked = splitLabels(box.value);
      const at = labels.indexOf(before);
      const others = labels.filter((_, i) => i !== at);
      const { fresh, repeated } = sift(asked, others);
      const refusal =
        asked.length === 0
          ? 'A label cannot be empty. Backspace on it removes it.'
          : fresh.length === 0
            ? `${quoted(repeated[0])} is there already.`
            : '';
      if (refusal) {
        if (refocus) {
          box.setAttribute('aria-invalid', 'true');
          box.setAttribute('aria-describedby', 'labels-message');
        } else {
          restore(false);
        }
        message.notice(refusal);
        if (fresh.length === 0 && repeated.length > 0) flash(repeated[0]);
        return;
      }
      restore(refocus);
      if (fresh.length === 1 && fresh[0] === before) {
        hint();
        return;
      }
      labels = [...labels.slice(0, at), ...fresh, ...labels.slice(at + 1)];
      changed();
      tellRepeated(repeated);
      if (refocus) textAt(at)?.focus();
    }

    box.addEventListener('input', fit);
    box.addEventListener('blur', () => {
      if (!over && isLeft(box)) commit(false);
    });
    box.addEventListener('keydown', (event) => {
      if (event.isComposing) return;
      if (event.key === 'Enter') {
        event.preventDefault();
        commit(true);
      } else if (event.key === 'Escape') {
        event.preventDefault();
        restore(true);
        hint();
      }
    });

    chip.classList.add('chip-editing');
    chip.replaceChildren(box);
    box.focus();
    box.select();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {string} label
   */
  function onChipKey(event, label) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const at = labels.indexOf(label);
    const last = chips.size - 1;
    /** @type {Record<string, number>} */
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
    if (event.key === 'Backspace' || event.key === 'Delete') {
      event.preventDefault();
      removeLabel(label, false);
    } else if (event.key in moves) {
      event.preventDefault();
      const to = moves[event.key];
      if (to > last) input.focus();
      else textAt(Math.max(0, to))?.focus();
    }
  }

  input.addEventListener('keydown', (event) => {
    // While an input method composes, Enter and comma belong to it.
    if (event.isComposing) return;
    if (event.key === 'Enter') {
      event.preventDefault();
      add(input.value);
    } else if (event.key === ',') {
      event.preventDefault();
      if (tidy(input.value) !== '') add(input.value);
    } else if ((event.key === 'Backspace' || event.key === 'ArrowLeft') && input.value === '' && labels.length > 0) {
      event.preventDefault();
      textAt(chips.size - 1)?.focus();
    }
  });
  // Phones' keyboards send no usable key for a comma, so look at the text too.
  input.addEventListener('input', (event) => {
    if (event instanceof InputEvent && event.isComposing) return;
    if (separators.test(input.value)) {
      if (splitLabels(input.value).length > 0) add(input.value);
      else input.value = '';
    } else if (message.kind === 'notice') {
      hint();
    }
  });
  input.addEventListener('paste', (event) => {
    const text = event.clipboardData?.getData('text/plain') ?? '';
    if (!separators.test(text.trim())) return;
    event.preventDefault();
    add(`${input.value},${text}`);
  });
  input.addEventListener('blur', () => {
    if (isLeft(input) && tidy(input.value) !== '') add(input.value);
  });
  field.addEventListener('click', (event) => {
    if (event.target === field || event.target === list) input.focus();
  });

  return {
    hint,
    get labels() {
      return /** @type {readonly string[]} */ (labels);
    },
    /**
     * Puts other labels in place of these.
     *
     * @param {readonly string[]} others
     * @param {string} [name] given, the change is told and can be undone
     */
    replace(others, name) {
      const before = labels;
      labels = [...others];
      all = false;
      reachable = 0;
      changed();
      if (name === undefined || before.length === 0) return;
      const undo = button('link', 'Undo', () => {
        labels = before;
        changed();
        input.focus();
      });
      undo.dataset.testid = 'labels-undo';
      message.notice(`Labels replaced by “${name}”. `, undo);
    },
  };
}
