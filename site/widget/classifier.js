import { checkImage } from '../clipside/inputs.js';
import { drawThumbnail, filesOf, make, maybePicture } from './dom.js';
import { ClipElement } from './element.js';
import { formatList, parseList } from './lists.js';
import { fill } from './strings.js';
import { classifier as style } from './styles.js';

/** @typedef {import('../clipside.js').ImageInput} ImageInput */
/** @typedef {import('../clipside.js').Label} Label */

/** Pixels of a thumbnail's longer side; twice what it is shown at. */
const thumbnailSide = 480;

/** A question of so many prompts and more takes a while, and the picture tells how far it is. */
const longQuestion = 200;

/**
 * A picture in the element.
 * @typedef {object} Card
 * @property {ImageInput} image
 * @property {string} name
 * @property {Label[] | undefined} result
 * @property {boolean} answered whether it shows what is known of it: its labels, or that it cannot be read
 * @property {HTMLLIElement} item
 * @property {HTMLCanvasElement} thumbnail hidden until it is drawn
 * @property {HTMLElement} content
 */

/**
 * Says which of its labels fits a picture that the visitor drops, chooses or pastes.
 *
 * ```html
 * <clip-classifier labels="a cat, a dog, something else"></clip-classifier>
 * ```
 *
 * In a form it takes part under its name with the best label as value, like an input.
 *
 * @tagname clip-classifier
 * @attr {string} labels - what to choose from: separated by commas, or a JSON array
 * @attr {string} template - the sentence around a label, at its {}; default 'a photo of a {}.'
 * @attr {number} top-k - how many of the best to show; default all
 * @attr {boolean} multiple - takes several pictures
 * @attr {string} name - in a form, the name of the value
 * @attr {boolean} disabled - takes no pictures
 *
 * @fires {CustomEvent<ClipInfo>} clip-ready - the model is there
 * @fires {CustomEvent<ClipProgress>} clip-progress - so much of the model is there
 * @fires {CustomEvent<{ image: ImageInput, name: string, result: Label[] }>} clip-result - a picture has its labels, best first
 * @fires {CustomEvent<{ error: Error, image?: ImageInput, name?: string }>} clip-error - what the element shows as an error; with image, a picture's own
 *
 * @csspart base - all of it
 * @csspart drop - where pictures are dropped
 * @csspart input - the file input, which lies over drop and cannot be seen
 * @csspart title - the words in drop
 * @csspart hint - the words below
 * @csspart button - each button
 * @csspart choose - the button in drop
 * @csspart status - the strip of progress and errors
 * @csspart progress - the bar of the download
 * @csspart message - the words below the bar, or the error
 * @csspart retry - the button below an error
 * @csspart results - the list of pictures
 * @csspart result - a picture with its labels
 * @csspart thumbnail - the picture
 * @csspart body - what is beside it
 * @csspart name - the picture's name
 * @csspart bars - the list of labels
 * @csspart bar - a label with its score
 * @csspart best - the best one
 * @csspart bar-fill - as long as the score is high
 * @csspart label - the label's text
 * @csspart score - the score's text
 * @csspart note - what is said of a picture that waits
 * @csspart error - what is said of a picture that cannot be read
 * @csspart detail - why it cannot
 * @csspart foot - the line with the button clear
 * @csspart link - each button that looks like a link
 * @csspart clear - the button that takes all pictures away
 *
 * @cssproperty --clip-surface - ground
 * @cssproperty --clip-ink - text, solid buttons, focus ring
 * @cssproperty --clip-ink-soft - lesser text
 * @cssproperty --clip-line - separating lines
 * @cssproperty --clip-line-strong - frames of what can be used
 * @cssproperty --clip-track - ground of bars
 * @cssproperty --clip-fill - bars
 * @cssproperty --clip-accent - highlight
 * @cssproperty --clip-accent-fill - bar of the best label
 * @cssproperty --clip-error - text of errors
 * @cssproperty --clip-radius - of corners; default 12px
 * @cssproperty --clip-gap - between things; default 16px
 * @cssproperty --clip-font - font-family
 * @cssproperty --clip-thumbnail-size - width of the pictures; default 9rem
 */
export class ClipClassifier extends ClipElement {
  static formAssociated = true;
  /** @override */
  static observedAttributes = [...ClipElement.observedAttributes, 'labels', 'template', 'top-k', 'multiple', 'disabled'];

  #internals;
  /** @type {readonly string[] | undefined} templates that were set as a list */
  #templates;
  /** @type {Card[]} */
  #cards = [];
  /** Ends the work on the pictures that are there. */
  #work = new AbortController();
  #taken = 0;

  #drop;
  #input;
  #title;
  #hint;
  #choose;
  #list;
  #foot;
  #clear;

  constructor() {
    super(style);
    this.#internals = this.attachInternals();
    this.#input = make('input', 'input', { type: 'file', id: 'input', accept: 'image/*', 'aria-describedby': 'hint' });
    this.#title = make('label', 'title', { for: 'input' });
    this.#hint = make('p', 'hint', { id: 'hint' });
    this.#choose = make('span', 'button choose', { 'aria-hidden': 'true' });
    this.#choose.classList.add('solid');
    this.#drop = make('div', 'drop', {}, this.#input, this.#title, this.#hint, this.#choose);
    this.#list = make('ol', 'results');
    this.#clear = make('button', 'link clear', { type: 'button' });
    this.#foot = make('p', 'foot', {}, this.#clear);
    this.base.append(this.#drop, this.statusStrip, this.#list, this.#foot);

    this.#input.addEventListener('change', () => {
      const files = [...(this.#input.files ?? [])];
      this.#input.value = ''; // so that the same file may be chosen again
      this.#take(files, '');
    });
    this.#clear.addEventListener('click', () => {
      this.reset();
      this.#input.focus();
    });
    this.#drop.addEventListener('dragover', (event) => this.#onDrag(event));
    this.#drop.addEventListener('dragleave', () => this.#drop.classList.remove('over'));
    this.#drop.addEventListener('drop', (event) => {
      this.#onDrag(event);
      this.#drop.classList.remove('over');
      this.#take(filesOf(event.dataTransfer), '');
    });
    this.addEventListener('paste', (event) => {
      const files = filesOf(event.clipboardData);
      if (files.length === 0) return;
      event.preventDefault();
      this.#take(files, this.words.pasted);
    });
    this.#layOut();
  }

  /**
   * What to choose from.
   * @returns {string[]}
   */
  get labels() {
    return parseList(this.getAttribute('labels'));
  }

  /** @param {string | readonly string[]} value */
  set labels(value) {
    this.reflect('labels', typeof value === 'string' ? value : formatList([...(value ?? [])].map(String)));
  }

  /**
   * The sentence around a label, at its {}; of several the mean is taken.
   * @returns {string | readonly string[]}
   */
  get template() {
    return this.#templates ?? this.getAttribute('template') ?? '';
  }

  set template(value) {
    const before = JSON.stringify(this.#templates);
    this.#templates = Array.isArray(value) ? [...value] : undefined;
    this.reflect('template', typeof value === 'string' ? value : '');
    if (JSON.stringify(this.#templates) !== before) this.renew(); // React sets an equal list at each rendering
  }

  /**
   * How many of the best labels to show; 0 for all.
   * @returns {number}
   */
  get topK() {
    const value = Number(this.getAttribute('top-k'));
    return Number.isSafeInteger(value) && value > 0 ? value : 0;
  }

  set topK(value) {
    if (value > 0) this.setAttribute('top-k', String(value));
    else this.removeAttribute('top-k');
  }

  /** @returns {boolean} */
  get multiple() {
    return this.hasAttribute('multiple');
  }

  set multiple(value) {
    this.toggleAttribute('multiple', Boolean(value));
  }

  /** @returns {string} */
  get name() {
    return this.getAttribute('name') ?? '';
  }

  set name(value) {
    this.reflect('name', value);
  }

  /** @returns {boolean} */
  get disabled() {
    return this.hasAttribute('disabled');
  }

  set disabled(value) {
    this.toggleAttribute('disabled', Boolean(value));
  }

  /** The best label of the last picture, '' where there is none. @returns {string} */
  get value() {
    return this.#cards.at(-1)?.result?.[0]?.label ?? '';
  }

  /** The form that the element takes part in. @returns {HTMLFormElement | null} */
  get form() {
    return this.#internals.form;
  }

  /**
   * The pictures and what was found, in the order in which they came.
   * @returns {{ image: ImageInput, name: string, result: Label[] | undefined }[]}
   */
  get results() {
    return this.#cards.map(({ image, name, result }) => ({ image, name, result }));
  }

  /**
   * Shows a picture and classifies it, as if the visitor had dropped it.
   * @param {ImageInput} image
   * @param {{ name?: string }} [options] how to call it; default: the file's name
   * @returns {Promise<Label[]>} best first. Rejects as Clip.classify does; what is shown and told by event does not depend on it
   */
  classify(image, { name } = {}) {
    return this.#add(image, name ?? (image instanceof File ? image.name : ''));
  }

  /** Takes all pictures away and ends the work on them. The model stays. */
  reset() {
    this.#stopWork('The element was reset.');
    this.#cards = [];
    this.#list.replaceChildren();
    if (this.state !== 'loading') this.say('');
    this.announce('');
    this.#layOut();
  }

  formResetCallback() {
    this.reset();
  }

  /** @param {boolean} disabled */
  formDisabledCallback(disabled) {
    this.#input.disabled = this.#clear.disabled = disabled;
  }

  /**
   * @override
   * @param {string} name
   * @param {string | null} old
   * @param {string | null} value
   */
  attributeChangedCallback(name, old, value) {
    super.attributeChangedCallback(name, old, value);
    if (old === value) return;
    if (name === 'multiple') {
      this.#input.multiple = this.multiple;
      this.localise();
    }
    if (name === 'template' && value !== null) this.#templates = undefined;
    if (['labels', 'template', 'top-k', 'model', 'device', 'worker'].includes(name)) this.renew();
  }

  /**
   * @protected
   * @override
   */
  localise() {
    super.localise();
    const { words, multiple } = this;
    this.base.setAttribute('aria-label', words.classifier);
    this.#title.textContent = multiple ? words.dropMany : words.drop;
    this.#hint.textContent = multiple ? words.hintMany : words.hint;
    this.#choose.textContent = multiple ? words.chooseMany : words.choose;
    this.#list.setAttribute('aria-label', words.results);
    this.#clear.textContent = words.clear;
    for (const card of this.#cards) if (card.result) this.#showResult(card, card.result);
  }

  /**
   * @protected
   * @override
   */
  stopped() {
    this.#stopWork('The element has left the page, or its model has changed.');
    if (this.#cards.some(({ answered }) => !answered)) this.renew();
  }

  /**
   * @protected
   * @override
   */
  retry() {
    if (this.#cards.some(({ result }) => !result)) this.renew();
    else super.retry();
  }

  /**
   * @protected
   * @override
   */
  renewed() {
    if (this.#cards.length === 0) return;
    this.#stopWork('The labels have changed.');
    if (this.state !== 'loading') this.say('');
    for (const card of this.#cards) this.#run(card).catch(() => {}); // it has been shown and told
  }

  /** @param {string} why */
  #stopWork(why) {
    this.#work.abort(new DOMException(why, 'AbortError'));
    this.#work = new AbortController();
  }

  /** @param {DragEvent} event */
  #onDrag(event) {
    if (this.#input.disabled || !event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    this.#drop.classList.add('over');
  }

  /**
   * What the visitor gave.
   * @param {File[]} files
   * @param {string} name instead of the files' own
   */
  #take(files, name) {
    if (this.#input.disabled) return;
    const pictures = files.filter(maybePicture);
    const other = files.find((file) => !maybePicture(file));
    if (other && pictures.length === 0) {
      const error = new TypeError(fill(this.words.notPicture, { name: other.name }));
      this.say(error.message, { error: true });
      this.announce(error.message);
      this.tell('clip-error', { error, image: other, name: other.name });
      return;
    }
    for (const picture of this.multiple ? pictures : pictures.slice(0, 1)) {
      this.#add(picture, name || picture.name).catch(() => {}); // it has been shown and told
    }
  }

  /**
   * @param {ImageInput} image
   * @param {string} given
   * @returns {Promise<Label[]>}
   */
  #add(image, given) {
    this.renewNow();
    this.#taken++;
    const name = given || fill(this.words.picture, { number: this.#taken });
    if (!this.multiple) {
      this.#stopWork('Another picture took its place.');
      this.#cards = [];
      this.#list.replaceChildren();
    }
    const content = make('div', 'body');
    const thumbnail = make('canvas', 'thumbnail', { role: 'img', 'aria-label': name });
    thumbnail.hidden = true;
    /** @type {Card} */
    const card = {
      image,
      name,
      result: undefined,
      answered: false,
      item: make('li', 'result', {}, thumbnail, content),
      thumbnail,
      content,
    };
    this.#cards.push(card);
    this.#list.append(card.item);
    this.#layOut();
    return this.#run(card);
  }

  /**
   * Classifies a card's picture with the labels of now.
   * @param {Card} card
   * @returns {Promise<Label[]>}
   */
  async #run(card) {
    const { words, template } = this;
    const labels = this.labels;
    const { signal } = this.#work;
    card.answered = false;
    if (card.thumbnail.hidden) showThumbnail(card.thumbnail, card.image); // also where it could not be fetched before
    if (!this.isConnected) this.renew(); // once it is
    if (!card.result) this.#showNote(card, this.state === 'ready' ? words.working : words.waiting);
    let loaded = true;
    try {
      if (labels.length === 0) throw new TypeError(words.noLabels);
      checkImage(card.image, 'The picture'); // a Clip would take an array
      loaded = false;
      const clip = await this.ready();
      loaded = true;
      signal.throwIfAborted();
      if (!card.result) this.#showNote(card, words.working);
      const result = await clip.classify(card.image, labels, {
        signal,
        onProgress: ({ loaded, total }) => {
          if (total >= longQuestion && !card.result) this.#showNote(card, `${words.working} ${this.percent(loaded / total)}`);
        },
        ...(template.length > 0 && { template }),
        ...(this.topK > 0 && { topK: Math.min(this.topK, labels.length) }),
      });
      signal.throwIfAborted();
      card.result = result;
      card.answered = true;
      this.#showResult(card, result);
      if (this.state === 'ready') this.say('');
      this.announce(fill(words.announced, { name: card.name, label: result[0].label, score: this.percent(result[0].score) }));
      this.#internals.setFormValue(this.value);
      this.tell('clip-result', { image: card.image, name: card.name, result });
      return result;
    } catch (error) {
      if (signal.aborted || !this.#cards.includes(card)) throw error;
      card.result = undefined;
      this.#internals.setFormValue(this.value);
      // What keeps the model from being loaded the strip tells, for all pictures at once; they are tried again with it.
      if (loaded) this.#showFailure(card, error);
      else this.#showNote(card, words.waiting);
      throw error;
    }
  }

  /**
   * @param {Card} card
   * @param {unknown} error
   */
  #showFailure(card, error) {
    if (/** @type {Error} */ (error).name !== 'ImageDecodeError') {
      this.#showNote(card, '');
      if (this.state === 'error' && !(error instanceof TypeError)) return; // told of the first of those that were under way
      this.lost(error);
      this.fail(error, error instanceof TypeError ? undefined : () => this.renew());
      return;
    }
    card.answered = true;
    const text = make('p', 'error');
    text.textContent = this.words.unreadable;
    const detail = make('p', 'detail', { lang: 'en' }, /** @type {Error} */ (error).message);
    card.content.replaceChildren(this.#nameOf(card), text, detail);
    this.announce(`${card.name}: ${this.words.unreadable}`);
    this.tell('clip-error', { error, image: card.image, name: card.name });
  }

  #layOut() {
    const empty = this.#cards.length === 0;
    this.#drop.classList.toggle('compact', !empty);
    this.#list.hidden = this.#foot.hidden = empty;
    this.#internals.setFormValue(this.value);
  }

  /** @param {Card} card */
  #nameOf(card) {
    const name = make('p', 'name', { title: card.name });
    name.textContent = card.name;
    return name;
  }

  /**
   * @param {Card} card
   * @param {string} text
   */
  #showNote(card, text) {
    const note = make('p', 'note');
    note.textContent = text;
    card.content.replaceChildren(this.#nameOf(card), note);
  }

  /**
   * @param {Card} card
   * @param {Label[]} result
   */
  #showResult(card, result) {
    const fills = /** @type {HTMLElement[]} */ ([]);
    const bars = result.map(({ label, score }, i) => {
      const fillBar = make('span', 'bar-fill', { 'aria-hidden': 'true' });
      fills.push(fillBar);
      const text = make('span', 'label');
      text.textContent = label;
      const number = make('span', 'score');
      number.textContent = this.percent(score);
      return make('li', i === 0 ? 'bar best' : 'bar', {}, fillBar, text, number);
    });
    card.content.replaceChildren(this.#nameOf(card), make('ol', 'bars', {}, ...bars));
    card.content.getBoundingClientRect(); // lays the bars out empty, so that they grow
    result.forEach(({ score }, i) => fills[i].style.setProperty('inline-size', `${score * 100}%`));
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ImageInput} image
 */
async function showThumbnail(canvas, image) {
  try {
    await drawThumbnail(canvas, image, thumbnailSide);
    canvas.hidden = false;
  } catch {
    // What is wrong with the picture is told by the call that classifies it.
  }
}
