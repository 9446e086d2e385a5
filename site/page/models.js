import { deleteModel, persistModels, storageEstimate } from '../clipside/store.js';
import { announce } from './announce.js';
import { button, byId, element } from './dom.js';
import { explainModelError, isAbort } from './errors.js';
import { megabytes, plural } from './format.js';
import { isOutdated, isWhole, keptModels, missingBytes, modelAddress, offeredModels } from './kept.js';
import { createMessage } from './message.js';

/** @typedef {import('../clipside.js').StoredModel} StoredModel */

/**
 * A model that can be kept or is.
 *
 * @typedef {object} Entry
 * @property {string} name
 * @property {string} url
 * @property {string} query that opens the page with it; empty where this site does not have it
 * @property {number} bytes of all of it
 * @property {string} license
 * @property {StoredModel} [kept]
 */

/**
 * The panel of models: which this browser keeps, how much room each takes, and
 * buttons to keep or delete it.
 *
 * @param {{inUse: () => string, device: import('../clipside.js').Device, engine: () => Promise<typeof import('../clipside.js')>, renew: () => Promise<import('../clipside.js').ClipInfo['storage']|undefined>, use: (query: string) => void, onChange: () => void}} parts inUse is the address of the model that answers, or is to; renew loads it anew, unless it is just coming, and tells whether it is kept then, or nothing if it did not come; use takes another; onChange is called when something was kept or deleted
 */
export function createModels({ inUse, device, engine, renew, use, onChange }) {
  const dialog = byId('models', HTMLDialogElement);
  const list = byId('models-list', HTMLUListElement);
  const room = byId('models-room', HTMLSpanElement);
  const protect = byId('models-protect', HTMLButtonElement);
  const close = byId('models-close', HTMLButtonElement);
  const message = createMessage(byId('models-message', HTMLParagraphElement));

  /** Downloads under way, by address; one that the page needs itself has no stop. @type {Map<string, {stop?: AbortController, line: HTMLElement}>} */
  const fetching = new Map();
  /** Addresses of kept models that the site has a newer version of. @type {Set<string>} */
  const outdated = new Set();

  /** @returns {Promise<Entry[]>} */
  async function entries() {
    const [offered, kept] = await Promise.all([offeredModels(), keptModels()]);
    /** @type {Entry[]} */
    const all = offered.map(({ name, path, bytes, license = '' }) => {
      const url = modelAddress(path);
      const query = new URLSearchParams({ model: path.replace(/\/$/, '') });
      if (device !== 'auto') query.set('device', device);
      return { name, url, query: `?${query}`, bytes, license };
    });
    for (const model of kept) {
      const known = all.find(({ url }) => url === model.url);
      if (known) known.kept = model;
      else all.push({ name: model.name, url: model.url, query: '', bytes: model.total, license: model.license ?? '', kept: model });
    }
    return all;
  }

  /** @param {Entry} entry */
  function describe({ kept, bytes, license, url }) {
    const own = license ? `, ${license}` : '';
    if (!kept) return `${megabytes(bytes)} MB, not kept${own}`;
    if (!isWhole(kept)) {
      const missing = kept.missing.length > 0 ? `: ${plural(kept.missing.length, 'file')} missing` : '';
      return `${megabytes(kept.bytes)} of ${megabytes(Math.max(bytes, kept.total))} MB kept${missing}${own}`;
    }
    return `${megabytes(kept.bytes)} MB kept${outdated.has(url) ? '; the site has a newer version' : ''}${own}`;
  }

  /** @param {Entry} entry */
  function row(entry) {
    const { name, url, query, bytes, kept } = entry;
    const title = element('h3', { class: 'model-name' }, name);
    if (url === inUse()) title.append(' ', element('span', { class: 'tag', text: 'in use' }));
    else if (query) {
      const link = element('a', { class: 'model-use', text: 'Use it', testid: 'model-use', attributes: { href: query } });
      link.setAttribute('aria-label', `Use it: ${name}`);
      link.addEventListener('click', (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return; // in a page of its own
        event.preventDefault();
        dialog.close();
        if (url !== inUse()) use(query);
      });
      title.append(' ', link);
    }
    const line = element('p', { class: 'model-line', text: describe(entry), testid: 'model-line' });
    const actions = element('div', { class: 'model-actions' });

    /** @param {string} label @param {string} testid @param {() => void} onClick */
    const action = (label, testid, onClick) => {
      const made = button('button button-small', label, onClick);
      made.dataset.testid = testid;
      made.setAttribute('aria-label', `${label}: ${name}`);
      actions.append(made);
    };
    const under = fetching.get(url);
    if (under) {
      line.textContent = under.line.textContent;
      under.line = line;
      const { stop } = under;
      if (stop) action('Stop', 'model-stop', () => stop.abort());
    } else {
      if (!kept) action('Keep', 'model-keep', () => void keep(entry));
      else if (!isWhole(kept)) {
        const rest = missingBytes(kept) || bytes - kept.bytes;
        action(`Get the missing ${megabytes(rest)} MB`, 'model-keep', () => void keep(entry));
      } else if (outdated.has(url)) action('Update', 'model-keep', () => void keep(entry));
      if (kept) action('Delete', 'model-delete', () => void remove(entry));
    }
    const made = element('li', { class: 'model', testid: 'model' }, element('div', { class: 'model-words' }, title, line), actions);
    made.dataset.name = name;
    return made;
  }

  async function show() {
    if (!dialog.open) return;
    const [all, { usage, quota, persisted }] = await Promise.all([entries(), storageEstimate()]);
    const focused = /** @type {HTMLElement|null} */ (document.activeElement);
    /** @type {HTMLElement|null|undefined} */
    const left = focused?.closest('.model');
    list.replaceChildren(...all.map(row));
    if (focused && left) {
      // The row that takes the place of the one with the focus takes that too, where it does the same.
      const next = list.querySelector(`[data-name="${CSS.escape(left.dataset.name ?? '')}"]`);
      /** @type {HTMLElement|null|undefined} */
      const again = next?.querySelector(`[data-testid="${focused.dataset.testid}"]`);
      (again ?? (next ?? list).querySelector('button') ?? close).focus();
    }
    const keeps = quota > 0;
    room.textContent = keeps
      ? `${megabytes(usage)} MB of the ${Math.round(quota / 1e9)} GB that this browser allows are used, with the page itself. ${
          persisted ? 'It will not clear them by itself.' : 'It may clear them when the disk runs short.'
        }`
      : 'This browser keeps no models, or not for sites without HTTPS or whose data it blocks.';
    if (document.activeElement === protect && persisted) close.focus();
    protect.hidden = !keeps || persisted;
  }

  /** A modal dialog silences the page's live region. @param {string} words */
  function tell(words) {
    announce(words);
    message.notice(words);
  }

  /** @param {Entry} entry */
  async function keep(entry) {
    if (fetching.has(entry.url)) return; // pressed twice
    message.hint('');
    if (entry.url === inUse()) {
      // In memory it is shared with whoever asks for it; only loaded anew does it go through the store.
      fetching.set(entry.url, { line: element('p', { text: 'On its way' }) });
      await show();
      const storage = await renew();
      if (storage?.kept) outdated.delete(entry.url);
      else message.error(storage?.reason ?? `${entry.name} could not be loaded; the page says why.`);
    } else {
      await fetchOther(entry);
    }
    fetching.delete(entry.url);
    onChange();
    await show();
  }

  /** @param {Entry} entry */
  async function fetchOther({ url, name }) {
    const under = { stop: new AbortController(), line: element('p', { text: 'Starting…' }) };
    fetching.set(url, under);
    await show();
    try {
      const { createClip } = await engine();
      const clip = await createClip({
        model: url,
        device,
        signal: under.stop.signal,
        onProgress({ loaded, total }) {
          under.line.textContent = `${megabytes(loaded)} of ${megabytes(total)} MB`;
        },
      });
      const { kept, reason } = clip.info.storage;
      await clip.dispose();
      if (!kept) return message.error(reason);
      outdated.delete(url);
      tell(`${name} is kept.`);
    } catch (error) {
      if (isAbort(error)) return;
      const { what, remedy } = explainModelError(error, name);
      message.error(`${what} ${remedy}`);
    }
  }

  /** @param {Entry} entry */
  async function remove({ url, name }) {
    try {
      await deleteModel(url);
      tell(`${name} is deleted.`);
    } catch {
      message.error(`${name} is just being loaded, here or in another tab: delete it when that is done.`);
    }
    onChange();
    await show();
  }

  async function lookForVersions() {
    for (const kept of await keptModels()) {
      if (isWhole(kept) && (await isOutdated(kept))) outdated.add(kept.url);
    }
    if (outdated.size > 0) await show();
  }

  protect.addEventListener('click', async () => {
    if (await persistModels()) message.hint('');
    else message.notice('The browser does not promise that yet; it does for pages that are installed or often used.');
    await show();
  });
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => message.hint('')); // it was seen; what comes later is seen when it opens again

  const panel = {
    open() {
      dialog.showModal();
      void show();
      void lookForVersions();
    },
    /** Whether one is on its way here that the page does not use. */
    isFetching: () => fetching.size > 0,
    /** What is kept has changed. */
    changed: () => void show(),
  };
  byId('models-open', HTMLButtonElement).addEventListener('click', panel.open);
  return panel;
}
