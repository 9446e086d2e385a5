import { checkImage } from '../clipside/inputs.js';
import { readTemplates } from '../clipside/options.js';
import { drawThumbnail, filesOf, isDataURL, make, maybePicture } from './dom.js';
import { ClipElement } from './element.js';
import { parseList } from './lists.js';
import { fill } from './strings.js';
import { search as style } from './styles.js';

/** @typedef {import('../clipside.js').Clip} Clip */
/** @typedef {import('../clipside.js').ImageInput} ImageInput */

/**
 * A picture to search among.
 * @typedef {object} SearchImage
 * @property {ImageInput} image
 * @property {string} [name] what it is called; default: its file's name
 */

/** @typedef {{ image: ImageInput, name: string, index: number, score: number }} Match score is the cosine to the query, from -1 to 1 */

/**
 * A picture in the element.
 * @typedef {object} Tile
 * @property {ImageInput} image
 * @property {string} name
 * @property {HTMLLIElement} item
 * @property {HTMLImageElement | HTMLCanvasElement} shown
 * @property {HTMLElement} score
 * @property {Float32Array | undefined} embedding
 * @property {boolean} broken whether this search could not read it
 */

/** Pixels of a thumbnail's longer side; twice what it is shown at. */
const thumbnailSide = 480;

/**
 * Searches a list of pictures by words or by a picture that is like them.
 *
 * ```html
 * <clip-search>
 *   <img src="/cat.jpg" alt="Our cat">
 *   <img src="/boat.jpg" alt="The boat">
 * </clip-search>
 * ```
 *
 * The pictures are the img elements within it, or the attribute's, or the property's. They are looked at once, at the
 * first search.
 *
 * @tagname clip-search
 * @attr {string} images - addresses of pictures, separated by commas or as a JSON array; instead of img elements
 * @attr {string} template - the sentence around what is searched for, at its {}; default '{}'
 * @attr {number} top-k - how many to show after a search; default all
 *
 * @fires {CustomEvent<ClipInfo>} clip-ready - the model is there
 * @fires {CustomEvent<ClipProgress>} clip-progress - so much of the model is there
 * @fires {CustomEvent<{ query: string | ImageInput, matches: Match[] }>} clip-result - a search is done, best first
 * @fires {CustomEvent<{ error: Error, image?: ImageInput, name?: string }>} clip-error - what the element shows as an error; with image, a picture's own
 *
 * @csspart base - all of it
 * @csspart form - the line with the query
 * @csspart caption - the query's label
 * @csspart field - the query with its label
 * @csspart input - the query
 * @csspart actions - the buttons beside it
 * @csspart button - each button
 * @csspart example - the button that takes a picture
 * @csspart example-input - its file input, which cannot be seen
 * @csspart status - the strip of progress and errors
 * @csspart progress - the bar
 * @csspart message - the words below the bar, or the error
 * @csspart retry - the button below an error
 * @csspart heading - what was searched for
 * @csspart link - each button that looks like a link
 * @csspart clear - the button that ends the search
 * @csspart tiles - the list of pictures
 * @csspart result - an entry of the list
 * @csspart best - the best one
 * @csspart tile - the button that a picture is
 * @csspart thumbnail - the picture
 * @csspart tile-foot - the line below it
 * @csspart name - its name
 * @csspart score - its score
 *
 * @cssproperty --clip-surface - ground
 * @cssproperty --clip-ink - text, solid buttons, focus ring
 * @cssproperty --clip-ink-soft - lesser text
 * @cssproperty --clip-line - separating lines
 * @cssproperty --clip-line-strong - frames of what can be used
 * @cssproperty --clip-track - ground of tiles
 * @cssproperty --clip-fill - where a picture will be
 * @cssproperty --clip-accent-fill - the best match
 * @cssproperty --clip-error - text of errors
 * @cssproperty --clip-radius - of corners; default 12px
 * @cssproperty --clip-gap - between things; default 16px
 * @cssproperty --clip-font - font-family
 * @cssproperty --clip-thumbnail-size - least width of the pictures; default 9rem
 */
export class ClipSearch extends ClipElement {
  /** @override */
  static observedAttributes = [...ClipElement.observedAttributes, 'images', 'template', 'top-k'];

  /** @type {readonly (ImageInput | SearchImage)[] | undefined} */
  #given;
  /** @type {Tile[]} */
  #tiles = [];
  /** Ends the search that is under way. */
  #work = new AbortController();
  /** Whether one is under way. */
  #searching = false;
  /** @type {string | ImageInput | undefined} */
  #query;
  /** @type {string | undefined} of the picture that was searched for; undefined for words */
  #name;
  #observer = new MutationObserver(() => this.#collect());

  #form;
  #caption;
  #input;
  #go;
  #example;
  #exampleText;
  #exampleInput;
  #heading;
  #headingText;
  #clear;
  #list;
  #similar;

  constructor() {
    super(style);
    this.#caption = make('label', 'caption', { for: 'query' });
    this.#input = make('input', 'input', { type: 'search', id: 'query', autocomplete: 'off', enterkeyhint: 'search', maxlength: '1000' });
    this.#go = make('button', 'button', { type: 'submit' });
    this.#go.classList.add('solid');
    this.#exampleText = make('span', '', { 'aria-hidden': 'true' });
    this.#exampleInput = make('input', 'example-input', { type: 'file', accept: 'image/*' });
    this.#example = make('span', 'button example', {}, this.#exampleText, this.#exampleInput);
    this.#form = make(
      'form',
      'form',
      { role: 'search' },
      make('div', 'field', {}, this.#caption, this.#input),
      make('div', 'actions', {}, this.#go, this.#example),
    );
    this.#headingText = make('span', '');
    this.#clear = make('button', 'link clear', { type: 'button' });
    this.#heading = make('p', 'heading', {}, this.#headingText, this.#clear);
    this.#heading.hidden = true;
    this.#list = make('ol', 'tiles');
    this.#similar = make('p', '', { id: 'similar' });
    this.#similar.hidden = true; // its text describes the tiles' buttons all the same
    this.base.append(this.#form, this.statusStrip, this.#heading, this.#list, this.#similar);

    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const query = this.#input.value.trim();
      if (query === '') this.reset();
      else this.#searchQuietly(query);
    });
    this.#exampleInput.addEventListener('change', () => {
      const [file] = this.#exampleInput.files ?? [];
      this.#exampleInput.value = '';
      if (file) this.#searchQuietly(file, file.name);
    });
    this.#clear.addEventListener('click', () => {
      this.reset();
      this.#input.focus();
    });
    this.addEventListener('paste', (event) => {
      const file = filesOf(event.clipboardData).find(maybePicture);
      if (!file) return;
      event.preventDefault();
      this.#searchQuietly(file, this.words.pasted);
    });
  }

  /**
   * The pictures to search among.
   * @returns {readonly (ImageInput | SearchImage)[]}
   */
  get images() {
    return this.#given ?? this.#tiles.map(({ image, name }) => ({ image, name }));
  }

  /** @param {string | readonly (ImageInput | SearchImage)[]} value */
  set images(value) {
    const text = typeof value === 'string'; // React and Vue set as a property what is written as an attribute
    this.#given = value && !text ? [...value] : undefined;
    this.reflect('images', text ? value : '');
    this.#collect();
  }

  /** The sentence around what is searched for, at its {}. @returns {string} */
  get template() {
    return this.getAttribute('template') || '{}';
  }

  set template(value) {
    this.reflect('template', value);
  }

  /**
   * How many to show after a search; 0 for all.
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

  /** What was searched for last. @returns {string | ImageInput | undefined} */
  get query() {
    return this.#query;
  }

  /**
   * Searches, as if the visitor had.
   * @param {string | ImageInput} query words; a URL object, file or element for a picture
   * @param {{ name?: string }} [options] how to call a picture
   * @returns {Promise<Match[]>} best first
   */
  search(query, { name } = {}) {
    this.#input.value = typeof query === 'string' ? query : '';
    if (typeof query === 'string') return this.#search(query);
    return this.#search(query, name ?? (query instanceof File ? query.name : this.words.pasted));
  }

  /** Shows all pictures again, in their own order. What is known of them stays. */
  reset() {
    this.#stopWork('The element was reset.');
    this.#query = undefined;
    this.#input.value = '';
    this.#heading.hidden = true;
    if (this.state !== 'loading') this.say('');
    this.announce('');
    for (const tile of this.#tiles) {
      tile.item.hidden = tile.score.hidden = false;
      tile.score.textContent = '';
      markBest(tile, false);
    }
    this.#arrange(this.#tiles);
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    this.#observer.observe(this, { childList: true, subtree: true, attributes: true, attributeFilter: ['src', 'alt'] });
    this.#collect();
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
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
    if (name === 'images' && this.isConnected) this.#collect();
    if (['template', 'top-k', 'model', 'device', 'worker'].includes(name)) this.renew();
  }

  /**
   * @protected
   * @override
   */
  localise() {
    super.localise();
    const { words } = this;
    this.base.setAttribute('aria-label', words.searcher);
    this.#caption.textContent = words.query;
    this.#go.textContent = words.search;
    this.#exampleText.textContent = words.example;
    this.#exampleInput.setAttribute('aria-label', words.example);
    this.#list.setAttribute('aria-label', words.results);
    this.#clear.textContent = words.clear;
    this.#similar.textContent = words.similar;
  }

  /**
   * @protected
   * @override
   */
  stopped() {
    if (this.#searching) this.renew();
    this.#stopWork('The element has left the page, or its model has changed.');
    for (const tile of this.#tiles) tile.embedding = undefined; // another model sees otherwise
  }

  /**
   * @protected
   * @override
   */
  retry() {
    if (this.#query === undefined) super.retry();
    else this.renew();
  }

  /**
   * @protected
   * @override
   */
  renewed() {
    // A search that is under way minds by itself what has changed.
    if (this.#query !== undefined && !this.#searching) this.#searchQuietly(this.#query, this.#name);
  }

  /** @param {string} why */
  #stopWork(why) {
    this.#work.abort(new DOMException(why, 'AbortError'));
    this.#work = new AbortController();
    this.#searching = false;
  }

  /**
   * Has tiles for the pictures that there are now. Those of pictures that stay keep what is known of them, and if all stay,
   * so does the search.
   */
  #collect() {
    /** @type {SearchImage[]} */
    let wanted;
    if (this.#given) wanted = this.#given.map((one) => (isSearchImage(one) ? one : { image: one }));
    else if (this.hasAttribute('images')) wanted = parseList(this.getAttribute('images')).map((image) => ({ image }));
    else
      wanted = [...this.querySelectorAll('img')].filter((img) => img.getAttribute('src')).map((img) => ({ image: img.src, name: img.alt }));
    const before = this.#tiles;
    /** @type {Map<ImageInput, Tile[]>} a picture that is there twice has two tiles */
    const left = new Map();
    for (const tile of before) left.set(keyOf(tile.image), [...(left.get(keyOf(tile.image)) ?? []), tile]);
    const tiles = wanted.map(({ image, name }, i) => {
      const known = left.get(keyOf(image))?.shift();
      const called = name || nameOf(image) || fill(this.words.picture, { number: i + 1 });
      return known?.name === called ? known : this.#makeTile(image, called, known?.embedding);
    });
    if (tiles.length === before.length && tiles.every((tile, i) => tile === before[i])) return;
    this.#tiles = tiles;
    const staying = new Set(tiles);
    if (!before.every((tile) => staying.has(tile))) this.reset();
    else if (this.#query === undefined) this.#arrange(tiles);
    else this.renew();
  }

  /**
   * @param {ImageInput} image
   * @param {string} name
   * @param {Float32Array | undefined} embedding
   * @returns {Tile}
   */
  #makeTile(image, name, embedding) {
    const isAddress = typeof image === 'string' || image instanceof URL;
    const shown =
      isAddress && !isDataURL(image)
        ? make('img', 'thumbnail', { src: String(image), alt: '' })
        : make('canvas', 'thumbnail', { 'aria-hidden': 'true' });
    if (shown instanceof HTMLCanvasElement) drawThumbnail(shown, image, thumbnailSide).catch(() => {}); // the search tells it
    const label = make('span', 'name');
    label.textContent = name;
    const score = make('span', 'score');
    const foot = make('span', 'tile-foot', {}, label, score);
    const button = make('button', 'tile', { type: 'button', title: name, 'aria-describedby': 'similar' }, shown, foot);
    /** @type {Tile} */
    const tile = { image, name, item: make('li', 'result', {}, button), shown, score, embedding, broken: false };
    button.addEventListener('click', () => this.#searchQuietly(image, name));
    return tile;
  }

  /**
   * @param {string | ImageInput} query
   * @param {string} [name] of a picture
   */
  #searchQuietly(query, name) {
    this.#search(query, name).catch(() => {}); // it has been shown and told
  }

  /**
   * @param {string | ImageInput} query
   * @param {string} [name] of a picture
   * @returns {Promise<Match[]>}
   */
  async #search(query, name) {
    this.#stopWork('Another search took its place.');
    const { signal } = this.#work;
    this.#searching = true;
    this.#query = query;
    this.#name = name;
    const byWords = name === undefined; // also where the words are a picture's address
    const known = byWords ? undefined : this.#tiles.find(({ image }) => image === query);
    try {
      if (this.#tiles.length === 0) throw new TypeError(this.words.noPictures);
      if (!byWords) checkImage(query, 'The picture'); // a Clip would take an array
      const clip = await this.ready();
      signal.throwIfAborted();
      // What kept a picture from being read, or its thumbnail from being shown, may have passed.
      for (const tile of this.#tiles) {
        tile.broken = false;
        const { shown } = tile;
        if (shown instanceof HTMLImageElement && shown.complete && shown.naturalWidth === 0) shown.src = String(tile.image);
      }
      const ask = async () =>
        byWords
          ? clip.embedTexts(
              readTemplates(this.template)[0].replaceAll('{}', () => String(query)),
              { signal },
            )
          : (known?.embedding ?? (await clip.embedImages(query, { signal })));
      let { template } = this;
      let wanted = await ask();
      if (known) known.embedding = wanted;
      do {
        if (byWords && template !== this.template) {
          template = this.template;
          wanted = await ask();
        }
        await this.#index(clip, signal);
        // More pictures may have come meanwhile, or another template.
      } while (this.#missing().length > 0 || (byWords && template !== this.template));
      signal.throwIfAborted();
      const matches = this.#rank(wanted);
      const heading = byWords ? fill(this.words.found, { query: String(query) }) : fill(this.words.foundSimilar, { name });
      this.#show(matches, heading);
      this.tell('clip-result', { query, matches });
      return matches;
    } catch (error) {
      if (signal.aborted) throw error;
      // Of a model that could not be loaded the base has told.
      if (this.state === 'ready' || error instanceof TypeError) {
        this.lost(error);
        const picture = /** @type {Error} */ (error).name === 'ImageDecodeError';
        if (picture) this.fail(new TypeError(this.words.unreadable, { cause: error }));
        else this.fail(error, error instanceof TypeError ? undefined : () => this.retry());
      }
      throw error;
    } finally {
      if (!signal.aborted) this.#searching = false;
    }
  }

  /** Pictures that have not been embedded yet, and can be. */
  #missing() {
    return this.#tiles.filter(({ embedding, broken }) => !embedding && !broken);
  }

  /**
   * Embeds the pictures that have not been yet.
   * @param {Clip} clip
   * @param {AbortSignal} signal
   */
  async #index(clip, signal) {
    const tiles = this.#tiles;
    const missing = this.#missing();
    let done = tiles.length - missing.length;
    for await (const { index, result, error } of clip.embedEach(
      missing.map(({ image }) => image),
      { signal },
    )) {
      signal.throwIfAborted();
      const tile = missing[index];
      tile.embedding = result;
      done++;
      this.say(fill(this.words.indexing, { done, total: tiles.length }), { share: done / tiles.length });
      if (!error) continue;
      tile.broken = true;
      this.tell('clip-error', { error, image: tile.image, name: tile.name });
    }
    const broken = tiles.filter((tile) => tile.broken).map((tile) => tile.name);
    this.say(broken.length > 0 ? fill(this.words.skipped, { names: broken.join(', ') }) : '', { error: broken.length > 0 });
  }

  /**
   * @param {Float32Array} wanted L2-normalised, as the pictures' embeddings are
   * @returns {Match[]}
   */
  #rank(wanted) {
    /** @type {Match[]} */
    const matches = [];
    this.#tiles.forEach(({ image, name, embedding }, index) => {
      if (embedding) matches.push({ image, name, index, score: embedding.reduce((sum, value, i) => sum + value * wanted[i], 0) });
    });
    return matches.sort((a, b) => b.score - a.score).slice(0, this.topK || undefined);
  }

  /**
   * @param {Match[]} matches
   * @param {string} heading
   */
  #show(matches, heading) {
    const format = new Intl.NumberFormat(this.language, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
    this.#headingText.textContent = heading;
    this.#heading.hidden = false;
    const tiles = matches.map(({ index }) => this.#tiles[index]);
    tiles.forEach((tile, i) => {
      tile.score.textContent = format.format(matches[i].score);
      markBest(tile, i === 0);
    });
    this.#arrange(tiles);
    if (matches.length > 0) this.announce(fill(this.words.announcedSearch, { heading, name: matches[0].name, count: matches.length }));
  }

  /** @param {readonly Tile[]} tiles to show, in this order */
  #arrange(tiles) {
    const focused = /** @type {ShadowRoot} */ (this.shadowRoot).activeElement;
    this.#list.replaceChildren(...tiles.map(({ item }) => item));
    // Moving a button takes the focus from it.
    if (focused instanceof HTMLElement && this.#list.contains(focused)) focused.focus({ preventScroll: true });
  }
}

/**
 * @param {ImageInput | SearchImage} one
 * @returns {one is SearchImage}
 */
function isSearchImage(one) {
  return Object.prototype.toString.call(one) === '[object Object]' && typeof one === 'object' && 'image' in one;
}

/**
 * @param {ImageInput} image
 * @returns {ImageInput} the same for equal addresses: a component that writes a URL out makes another one at each rendering
 */
function keyOf(image) {
  return image instanceof URL ? image.href : image;
}

/**
 * @param {ImageInput} image
 * @returns {string} its file's name, '' if it has none
 */
function nameOf(image) {
  if (image instanceof File) return image.name;
  if ((typeof image !== 'string' && !(image instanceof URL)) || isDataURL(image)) return '';
  const last = String(image).split(/[?#]/)[0].split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/**
 * @param {Tile} tile
 * @param {boolean} best
 */
function markBest({ item }, best) {
  item.setAttribute('part', best ? 'result best' : 'result');
  item.classList.toggle('best', best);
}
