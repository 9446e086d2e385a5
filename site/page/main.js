import { announce } from './announce.js';
import { createCamera } from './camera.js';
import { createCards } from './cards.js';
import { createChips } from './chips.js';
import { byId } from './dom.js';
import { createDropzone } from './dropzone.js';
import { explainModelError } from './errors.js';
import { plural, quoted } from './format.js';
import { createIncoming } from './incoming.js';
import { createInstall } from './install.js';
import { findKept, isWhole, modelAddress, offeredModels } from './kept.js';
import { createMessage } from './message.js';
import { createModels } from './models.js';
import { describeOffer, isMetered } from './offer.js';
import { createOffline } from './offline.js';
import { readParameters } from './parameters.js';
import { areOwn, createPresets, presets } from './presets.js';
import { createProgress } from './progress.js';
import { createRanking } from './ranking.js';
import { createResults } from './results.js';
import { createSamples } from './samples.js';
import { createStatus } from './status.js';
import { createTemplate } from './template.js';

/** The address's query that names the models below. */
let named = location.search;
let parameters = readParameters(named);

let address = modelAddress(parameters.model);

/** @type {import('../clipside.js').Clip|null} */
let clip = null;
/** Whether the model was asked for. If it failed to come, it is retried when the person says so. */
let started = false;
/**
 * What is on its way; pinned to the version that is kept, or the site's. It is stopped when another model is to come.
 * @type {{pinned: boolean, stop: AbortController, done: Promise<void>}|null}
 */
let loading = null;
/** Whether pictures wait for the model. */
let wanted = false;

const status = createStatus(byId('model-status', HTMLParagraphElement));
const progress = createProgress({
  strip: byId('engine', HTMLElement),
  bar: byId('model-progress', HTMLProgressElement),
  text: byId('model-text', HTMLParagraphElement),
  get: byId('model-get', HTMLButtonElement),
  error: byId('model-error', HTMLDivElement),
  onGet: () => void start(),
});

const cards = createCards({
  list: byId('cards', HTMLOListElement),
  clear: byId('clear', HTMLButtonElement),
  title: byId('results-title', HTMLHeadingElement),
  onRetry: (card) => ranking.retry(card),
  onRemove() {
    ranking.removed();
    results.changed();
  },
});

const ranking = createRanking({
  cards: () => cards.all,
  question: () => {
    const { labels } = chips;
    const template = templateField.value;
    if (labels.length === 0) return 'Waiting for labels';
    return template === null ? 'Waiting for a template' : { labels, template };
  },
  onSettled() {
    showStatus();
    results.changed();
  },
  onTruncated([first, ...others]) {
    const subject = others.length === 0 ? `${quoted(first)} is` : `${quoted(first)} and ${others.length} more are`;
    labelsMessage.notice(`In this template ${subject} longer than the model reads, so the end was left out.`);
  },
  onEngineLost(error) {
    // Without one it was let go of on purpose, and the next is on its way.
    if (clip) fail(error);
  },
});

const results = createResults({
  collect: () => ({
    model: clip?.info.model.name ?? parameters.model,
    template: templateField.value ?? '',
    pictures: cards.all
      .filter(({ state, current }) => state === 'done' && current)
      .map(({ name, scores }) => ({ picture: name, scores: [...scores] })),
  }),
  state() {
    if (cards.all.some(({ current }) => !current)) return 'partial';
    return cards.all.some(({ state }) => state === 'done') ? 'whole' : 'none';
  },
});

const templateField = createTemplate({
  field: byId('template', HTMLInputElement),
  reset: byId('template-reset', HTMLButtonElement),
  message: createMessage(byId('template-message', HTMLParagraphElement), byId('template', HTMLInputElement)),
  onChange: asked,
});

const presetRow = createPresets(byId('presets', HTMLDivElement), (labels, name) => chips.replace(labels, name));

const labelInput = byId('label-input', HTMLInputElement);
const labelsMessage = createMessage(byId('labels-message', HTMLParagraphElement), labelInput);
const chips = createChips({
  field: byId('chips-field', HTMLDivElement),
  list: byId('chips', HTMLUListElement),
  input: labelInput,
  message: labelsMessage,
  onChange(labels) {
    presetRow.show(labels);
    templateField.setExample(labels[0]);
    cards.setLabels(labels);
    asked();
  },
});
chips.replace(presets[0].labels);

/** What is asked has changed. */
function asked() {
  chips.hint(); // what was said of the question before is over
  ranking.asked();
  results.changed();
}

/** @param {{blob: Blob, name: string}[]} pictures */
function addPictures(pictures) {
  cards.add(pictures);
  if (!clip) {
    announce(`${plural(pictures.length, 'picture')} waiting for the model.`);
    wanted = true;
    void look();
  }
  ranking.added();
  results.changed();
}

const dropInput = byId('files', HTMLInputElement);
const dropzone = createDropzone({
  zone: byId('drop', HTMLDivElement),
  input: dropInput,
  message: createMessage(byId('drop-message', HTMLParagraphElement), dropInput),
  pasteKeys: byId('paste-keys', HTMLSpanElement),
  onPictures: addPictures,
});
createSamples({
  list: byId('samples', HTMLUListElement),
  message: byId('samples-message', HTMLParagraphElement),
  onPicture(picture) {
    const there = cards.all.find((card) => card.blob === picture.blob);
    if (there) there.reveal(true);
    else addPictures([picture]);
  },
});
createCamera(addPictures, parameters.open === 'camera');
createIncoming({ onFiles: dropzone.take, onFailure: dropzone.refuse });
named = location.search; // without what was shared
createInstall(byId('install', HTMLButtonElement));

const offline = createOffline({
  hasModel: async () => isWhole(await findKept(address)),
  // What a reload would not bring back: pictures, labels of one's own, a model that is on its way.
  hasWork: () => cards.all.length > 0 || areOwn(chips.labels) || loading !== null || models.isFetching(),
});
const models = createModels({
  inUse: () => clip?.info.url ?? address,
  device: parameters.device,
  engine: offline.engine,
  renew,
  use(query) {
    history.pushState(null, '', query);
    void goOver();
  },
  onChange() {
    offline.changed();
    void look();
  },
});

const note = byId('model-note', HTMLParagraphElement);
const starterNote = [...note.childNodes];

/** What model answers. The note in index.html is the starter's. */
function showNote() {
  const url = clip?.info.url ?? address;
  if (url === modelAddress('starter')) return note.replaceChildren(...starterNote);
  const parts = [];
  if (clip) {
    const { name, source = '', license } = clip.info.model;
    parts.push(name, source === name || source === '' ? '' : `from ${source}`, license);
  }
  note.style.minHeight = `${note.getBoundingClientRect().height}px`; // so that nothing moves
  note.textContent = clip ? `Model: ${parts.filter(Boolean).join(', ')}.` : '';
}

function showStatus() {
  if (clip) status.show(clip.info, parameters.complaints);
}

/** @param {unknown} error @param {string} [model] */
function fail(error, model = parameters.model) {
  void clip?.dispose();
  clip = null;
  delete document.documentElement.dataset.ready;
  status.hide();
  progress.fail(explainModelError(error, model), () => void start());
  ranking.setClip(null, 'Waiting: the model is not here');
}

/**
 * Weights are fetched only when the person asks for them, by adding a picture
 * or by pressing a button; over a connection that saves data, only by the
 * button. A model that is here already needs no asking.
 */
async function look() {
  const about = address;
  const over = () => started || about !== address;
  if (over()) return;
  const kept = await findKept(address);
  if (over()) return;
  const online = navigator.onLine;
  const metered = isMetered();
  const larger = parameters.larger.map(modelAddress);
  const rest = await Promise.all(larger.map(findKept));
  if (over()) return;
  // Pinned to the version that is kept, it asks the network for nothing; offline, larger ones are not waited for.
  if (kept && isWhole(kept) && (!online || rest.every(isWhole))) return start(kept.integrity);
  if (wanted && online && !metered) return start();
  // Larger ones come along with it.
  const absent = [address, ...larger].filter((_, i) => !isWhole([kept, ...rest][i]));
  const size = (await offeredModels()).reduce((sum, { path, bytes }) => sum + (absent.includes(modelAddress(path)) ? bytes : 0), 0);
  if (over()) return;
  const offer = describeOffer({ model: parameters.model, size, kept, online, metered });
  progress.offer(offer);
  if (wanted) announce(offer.text);
}

/**
 * @param {string} [integrity] of the version to take
 * @param {string[]} [names] of the models, the smallest first
 */
async function start(integrity, names = [parameters.model, ...parameters.larger]) {
  loading?.stop.abort();
  started = true;
  const stop = new AbortController();
  loading = { pinned: integrity !== undefined, stop, done: load(stop.signal, names, integrity) };
  await loading.done;
}

/**
 * @param {AbortSignal} signal
 * @param {string[]} names
 * @param {string} [integrity] of the first
 */
async function load(signal, names, integrity) {
  const addresses = names.map(modelAddress);
  status.hide();
  progress.start(names[0]);
  ranking.setClip(null);
  offline.allow();
  /** @type {import('../clipside.js').Clip} */
  let made;
  try {
    const { createClip } = await offline.engine();
    made = await createClip({
      model: addresses,
      integrity: integrity && addresses.map((_, i) => (i === 0 ? integrity : undefined)),
      device: parameters.device,
      signal,
      onProgress: (told) => void (signal.aborted || (told.model === addresses[0] ? progress.update(told) : progress.follow(told))),
    });
  } catch (error) {
    if (signal.aborted) return;
    loading = null;
    return fail(error, names[0]);
  }
  if (signal.aborted) return void made.dispose();
  loading = null;
  clip = made;
  clip.addEventListener('upgrade', () => {
    progress.followed();
    showNote();
    showStatus();
    models.changed();
    asked(); // the cards stay as they are until the better answers come
    announce('A larger model is ready and looks at the pictures again.');
  });
  clip.addEventListener('upgradeerror', (event) => {
    progress.followed();
    parameters.complaints.push(`The larger model could not be had: ${event instanceof ErrorEvent ? event.message : ''}`);
    showStatus();
  });
  progress.done();
  showNote();
  showStatus();
  document.documentElement.dataset.ready = 'true';
  ranking.setClip(clip);
  offline.changed();
  models.changed();
}

/** Goes over to the model that the address names now, and keeps the pictures and what is asked of them. */
async function goOver() {
  if (location.search === named) return; // a step in the history that is none between models
  loading?.stop.abort();
  loading = null;
  void clip?.dispose();
  clip = null;
  started = false;
  named = location.search;
  parameters = readParameters(named);
  address = modelAddress(parameters.model);
  wanted = cards.all.length > 0;
  delete document.documentElement.dataset.ready;
  status.hide();
  showNote();
  ranking.setClip(null);
  asked();
  offline.changed();
  await look();
}

/** Loads the site's version of the model in use, unless that is on its way, and so has it kept. */
async function renew() {
  const about = address;
  const names = [parameters.model, ...parameters.larger];
  const used = clip ? names.findIndex((name) => modelAddress(name) === clip?.info.url) : 0;
  const coming = loading !== null && !loading.pinned;
  await loading?.done;
  if (!coming && about === address) {
    const before = clip;
    clip = null;
    await before?.dispose();
    if (about === address) await start(undefined, names.slice(used)); // what it has taken over from is not needed
  }
  return /** @type {import('../clipside.js').Clip|null} */ (clip)?.info.storage;
}

showNote();
for (const event of ['online', 'offline']) addEventListener(event, () => void look());
addEventListener('popstate', () => void goOver());
if (parameters.open === 'models') models.open();
void look();
