// What both elements have in common: the shadow tree's frame, the model and its progress, errors, language.

import { createClip } from '../clipside.js';
import { make } from './dom.js';
import { fill, stringsFor } from './strings.js';
import { shared } from './styles.js';

/** @typedef {import('../clipside.js').Clip} Clip */
/** @typedef {import('../clipside.js').ClipInfo} ClipInfo */
/** @typedef {import('../clipside.js').ClipProgress} ClipProgress */
/** @typedef {import('../clipside.js').Device} Device */
/** @typedef {import('./strings.js').Strings} Strings */

/** @typedef {'idle' | 'loading' | 'ready' | 'error'} ClipState of the element's model */

/** So many percent of the download are announced to screen readers; every step would drown out all else. */
const milestones = [25, 50, 75];

/** What is to be said comes together for so many milliseconds, so that nothing is said over, and of many the last few. */
const settleMs = 150;
const spokenAtMost = 5;

const mega = 1e6;

/** A server that renders the page imports this module and has no elements. */
const HTMLElement = globalThis.HTMLElement ?? class {};

/**
 * The base of the elements, which load a model when they first need it and give it back when they leave the page.
 *
 * @attr {string} model - the bundle's directory; default: models/starter/ beside the module
 * @attr {'auto' | 'webgpu' | 'cpu'} device - what to compute on; default auto
 * @attr {string} worker - see createClip's option of this name: only where the module comes from another origin
 * @attr {boolean} auto-load - fetches the model at once; without it, when the visitor first needs it
 * @attr {string} lang - language of the element's own words; default: that of the page around it
 */
export class ClipElement extends HTMLElement {
  static observedAttributes = ['model', 'device', 'worker', 'auto-load', 'lang'];

  /** @type {Partial<Strings>} */
  #strings = {};
  /** @type {ClipState} */
  #state = 'idle';
  /** @type {Promise<Clip> | undefined} settled or not */
  #loading;
  /** @type {Clip | undefined} */
  #clip;
  /** Ends the loading, or what goes on with the loaded model. */
  #tenancy = new AbortController();
  #told = 0;
  /** Whether what is shown is to be computed anew. */
  #stale = false;
  #progress;
  #message;
  #retry;
  #status;
  #live;
  /** What a screen reader is about to say. @type {string[]} */
  #unsaid = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #settling;
  /** @type {(() => void) | undefined} */
  #onRetry;

  /**
   * @protected
   * @type {HTMLDivElement}
   */
  base;

  /** @param {CSSStyleSheet} own */
  constructor(own) {
    super();
    const root = this.attachShadow({ mode: 'open', delegatesFocus: true });
    root.adoptedStyleSheets = [shared, own];
    this.#progress = make('progress', 'progress', { max: '1', value: '0' });
    this.#message = make('p', 'message');
    this.#retry = make('button', 'button retry', { type: 'button' });
    this.#retry.addEventListener('click', () => this.#onRetry?.());
    this.#status = make('div', 'status', {}, this.#progress, this.#message, this.#retry);
    this.#status.hidden = true;
    this.#live = make('p', '', { role: 'status' });
    this.#live.className = 'live';
    this.base = make('div', 'base', { role: 'group' });
    root.append(this.base, this.#live);
  }

  /**
   * The strip that shows progress and errors, for the element to place.
   * @protected
   */
  get statusStrip() {
    return this.#status;
  }

  /** @returns {string} */
  get model() {
    return this.getAttribute('model') ?? '';
  }

  set model(value) {
    this.reflect('model', value);
  }

  /** @returns {Device} */
  get device() {
    const device = this.getAttribute('device');
    return device === 'webgpu' || device === 'cpu' ? device : 'auto';
  }

  set device(value) {
    this.reflect('device', value);
  }

  /** @returns {string} */
  get worker() {
    return this.getAttribute('worker') ?? '';
  }

  set worker(value) {
    this.reflect('worker', value);
  }

  /** @returns {boolean} */
  get autoLoad() {
    return this.hasAttribute('auto-load');
  }

  set autoLoad(value) {
    this.toggleAttribute('auto-load', Boolean(value));
  }

  /**
   * Strings to be used instead of the language's own; those that are missing stay.
   * @returns {Partial<Strings>}
   */
  get strings() {
    return this.#strings;
  }

  set strings(value) {
    const before = JSON.stringify(this.#strings);
    this.#strings = { ...value };
    if (this.isConnected && JSON.stringify(this.#strings) !== before) this.localise(); // React sets equal ones at each rendering
  }

  /** Whether the model is there. @returns {ClipState} */
  get state() {
    return this.#state;
  }

  /** What the loaded model is and runs on. @returns {ClipInfo | undefined} */
  get info() {
    return this.#clip?.info;
  }

  /**
   * Loads the model, unless that is done or under way.
   * @returns {Promise<ClipInfo>} rejects as createClip does, and with a DOMException named InvalidStateError while the element is in no document
   */
  async load() {
    return (await this.ready()).info;
  }

  connectedCallback() {
    this.#upgradeProperties();
    this.localise();
    if (this.autoLoad) this.#loadQuietly();
    if (this.#stale) this.renew();
  }

  disconnectedCallback() {
    // An element that is moved is taken out and put in again; only one that stays out gives its model back.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#giveUp();
      clearTimeout(this.#settling); // nobody hears an element that has gone
      this.#unsaid = [];
    });
  }

  /**
   * @param {string} name
   * @param {string | null} old
   * @param {string | null} value
   */
  attributeChangedCallback(name, old, value) {
    if (old === value) return;
    if (name === 'model' || name === 'device' || name === 'worker') this.#giveUp(); // also on the way to another place
    if (!this.isConnected) return;
    if (name === 'lang') this.localise();
    if (name !== 'lang' && this.autoLoad) this.#loadQuietly();
  }

  /**
   * Writes every string anew. Elements extend it.
   * @protected
   */
  localise() {
    this.#progress.setAttribute('aria-label', this.words.progress);
    this.#retry.textContent = this.words.retry;
  }

  /**
   * The work that is under way is of no use any more: the model goes. Elements extend it.
   * @protected
   */
  stopped() {}

  /**
   * Has what is shown computed anew, once everything that is being changed has been, and once the element is on a page.
   * @protected
   */
  renew() {
    this.#stale = true;
    queueMicrotask(() => this.renewNow());
  }

  /**
   * Does what renew has put off, before something else is begun.
   * @protected
   */
  renewNow() {
    if (!this.#stale || !this.isConnected) return;
    this.#stale = false;
    this.renewed();
  }

  /**
   * Computes anew what is shown. Elements extend it.
   * @protected
   */
  renewed() {}

  /** @protected @returns {Strings} */
  get words() {
    return stringsFor(this.language, this.#strings);
  }

  /** @protected @returns {string} a BCP 47 tag */
  get language() {
    /** @type {Element | null} */
    let at = this;
    while (at) {
      const found = at.closest('[lang]');
      if (found) return canonical(found.getAttribute('lang') ?? '');
      const root = at.getRootNode();
      at = root instanceof ShadowRoot ? root.host : null;
    }
    return 'en';
  }

  /**
   * @protected
   * @param {number} score from 0 to 1
   */
  percent(score) {
    return new Intl.NumberFormat(this.language, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(score);
  }

  /**
   * Fires when the model goes.
   * @protected
   */
  get tenancy() {
    return this.#tenancy.signal;
  }

  /**
   * The model, loaded if need be. Tells of failures by event and on the element.
   * @protected
   * @returns {Promise<Clip>}
   */
  ready() {
    if (!this.isConnected) return Promise.reject(new DOMException('The element is in no document.', 'InvalidStateError'));
    return (this.#loading ??= this.#load(this.#tenancy.signal));
  }

  /**
   * Says something to a screen reader, politely.
   * @protected
   * @param {string} text empty to take back what has not been said yet
   */
  announce(text) {
    if (text) this.#unsaid.push(text);
    else this.#unsaid = [];
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#live.textContent = this.#unsaid.slice(-spokenAtMost).join(' ');
      this.#unsaid = [];
    }, settleMs);
  }

  /**
   * @protected
   * @param {string} type
   * @param {unknown} detail
   */
  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  /**
   * Shows a message in the strip, in place of what is there.
   * @protected
   * @param {string} text '' for none
   * @param {{ share?: number, error?: boolean, detail?: string, retry?: () => void }} [options] share from 0 to 1 shows the bar; detail is an error's message, which is in English
   */
  say(text, { share, error = false, detail = '', retry } = {}) {
    this.#status.hidden = text === '';
    this.#status.dataset.kind = error ? 'error' : '';
    this.#message.textContent = text;
    if (detail) this.#message.append(' ', make('span', 'detail', { lang: 'en' }, detail));
    this.#progress.hidden = share === undefined;
    this.#progress.value = share ?? 0;
    this.#onRetry = retry;
    if (!retry && this.shadowRoot?.activeElement === this.#retry) {
      this.#retry.blur(); // else focus() would find the focus in here already
      this.focus({ preventScroll: true });
    }
    this.#retry.hidden = !retry;
  }

  /**
   * Shows and tells an error.
   * @protected
   * @param {unknown} error
   * @param {() => void} [retry]
   */
  fail(error, retry) {
    const { said, detail } = this.explain(error);
    this.say(said, { error: true, detail, retry });
    this.announce(said);
    this.tell('clip-error', { error });
  }

  /**
   * @protected
   * @param {unknown} error
   * @returns {{ said: string, detail: string }} what a visitor can make of it, and the message for whoever built the page
   */
  explain(error) {
    const { words } = this;
    const { name, message } = /** @type {Error} */ (
      error instanceof Error || error instanceof DOMException ? error : new Error(String(error))
    );
    if (name === 'TypeError') return { said: message, detail: '' }; // of an attribute or argument: the message is all there is to say
    const said =
      {
        ModelError: navigator.onLine ? words.failed : words.failedOffline,
        EngineError: words.stopped,
        QuotaError: words.noMemory,
        IntegrityError: words.damaged,
        WebGPUUnavailableError: words.noWebGPU,
        DeviceLostError: words.lost,
      }[name] ?? words.unknown;
    return { said, detail: message };
  }

  /** @param {AbortSignal} signal */
  async #load(signal) {
    this.#state = 'loading';
    this.#told = 0;
    this.say(fill(this.words.loading, { loaded: '0', total: '…' }), { share: 0 });
    try {
      const clip = await createClip({
        ...(this.model && { model: this.model }),
        ...(this.worker && { worker: this.worker }),
        device: this.device,
        signal,
        onProgress: (progress) => this.#onProgress(signal, progress),
      });
      if (signal.aborted) {
        clip.dispose();
        signal.throwIfAborted();
      }
      this.#clip = clip;
      this.#state = 'ready';
      this.say('');
      this.announce(this.words.ready);
      this.tell('clip-ready', clip.info);
      return clip;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#state = 'error';
      this.#loading = undefined; // the next need tries again
      this.fail(error, () => this.retry());
      throw error;
    }
  }

  /**
   * What the button beneath an error does.
   * @protected
   */
  retry() {
    this.#loadQuietly();
  }

  /**
   * To be called with what a call on the model rejected with: a model that is lost makes room for the next.
   * @protected
   * @param {unknown} error
   * @returns {boolean} whether it is lost
   */
  lost(error) {
    const { name } = /** @type {Error} */ (error);
    if (name !== 'DeviceLostError' && name !== 'EngineError') return false;
    this.#clip?.dispose();
    this.#clip = undefined;
    this.#loading = undefined;
    this.#state = 'error';
    return true;
  }

  /**
   * @protected
   * @param {string} name
   * @param {unknown} value undefined, null and '' take the attribute away
   */
  reflect(name, value) {
    if (value === undefined || value === null || value === '') this.removeAttribute(name);
    else this.setAttribute(name, String(value));
  }

  #loadQuietly() {
    this.ready().catch(() => {}); // it has been shown and told
  }

  /**
   * @param {AbortSignal} signal
   * @param {ClipProgress} progress
   */
  #onProgress(signal, progress) {
    if (signal.aborted || this.#state !== 'loading') return;
    const { phase, loaded, total } = progress;
    const share = total > 0 ? loaded / total : 0;
    if (phase === 'download') {
      const format = new Intl.NumberFormat(this.language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
      const text = fill(this.words.loading, { loaded: format.format(loaded / mega), total: format.format(total / mega) });
      this.say(text, { share });
      const reached = milestones.findLast((milestone) => share * 100 >= milestone) ?? 0;
      if (reached > this.#told) {
        this.#told = reached;
        this.announce(text);
      }
    } else if (phase !== 'ready') {
      this.say(this.words.checking, { share: 1 });
    }
    this.tell('clip-progress', progress);
  }

  /** Properties that were set before the element was defined lie on the instance, where they hide the accessors. */
  #upgradeProperties() {
    const own = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (this));
    for (const name of Object.keys(this)) {
      if (name === 'base' || !(name in Object.getPrototypeOf(this))) continue;
      const value = own[name];
      delete own[name];
      own[name] = value;
    }
  }

  #giveUp() {
    this.#tenancy.abort(new DOMException('The element has left the page, or its model has changed.', 'AbortError'));
    this.#tenancy = new AbortController();
    this.#clip?.dispose();
    this.#clip = undefined;
    this.#loading = undefined;
    this.#state = 'idle';
    this.say('');
    this.stopped();
  }
}

/**
 * @param {string} tag
 * @returns {string} a tag that Intl takes
 */
function canonical(tag) {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? 'en';
  } catch {
    return 'en';
  }
}
