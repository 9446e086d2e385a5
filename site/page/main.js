import { announce } from './announce.js';
import { createCamera } from './camera.js';
import { createCards } from './cards.js';
import { createChips } from './chips.js';
import { byId } from './dom.js';
import { createDropzone } from './dropzone.js';
import { explainModelError } from './errors.js';
import { plural } from './format.js';
import { createMessage } from './message.js';
import { readParameters } from './parameters.js';
import { createPresets, presets } from './presets.js';
import { createProgress } from './progress.js';
import { createRanking } from './ranking.js';
import { createSamples } from './samples.js';
import { createStatus } from './status.js';
import { createTemplate } from './template.js';

const parameters = readParameters(location.search);

/** @type {import('../clipside.js').Clip|null} */
let clip = null;

const status = createStatus(byId('model-status', HTMLParagraphElement));
const progress = createProgress({
  bar: byId('model-progress', HTMLProgressElement),
  text: byId('model-text', HTMLParagraphElement),
  error: byId('model-error', HTMLDivElement),
  model: parameters.model,
});

const cards = createCards({
  list: byId('cards', HTMLOListElement),
  clear: byId('clear', HTMLButtonElement),
  title: byId('results-title', HTMLHeadingElement),
  onRetry: (card) => ranking.retry(card),
  onRemove: () => {},
});

const ranking = createRanking({
  cards: () => cards.all,
  question: () => {
    const { labels } = chips;
    const template = templateField.value;
    return labels.length > 0 && template !== null ? { labels, template } : null;
  },
  onRanked: showStatus,
  onTruncated([first, ...others]) {
    const subject = others.length === 0 ? `“${first}” is` : `“${first}” and ${others.length} more are`;
    labelsMessage.notice(`In this template ${subject} longer than the model reads, so the end was left out.`);
  },
  onEngineLost: fail,
});

const templateField = createTemplate({
  field: byId('template', HTMLInputElement),
  reset: byId('template-reset', HTMLButtonElement),
  message: createMessage(byId('template-message', HTMLParagraphElement), byId('template', HTMLInputElement)),
  onChange: () => ranking.asked(),
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
    ranking.asked();
  },
});
chips.replace(presets[0].labels);

/** @param {{blob: Blob, name: string}[]} pictures */
function addPictures(pictures) {
  cards.add(pictures);
  if (!clip) announce(`${plural(pictures.length, 'picture')} waiting for the model.`);
  ranking.added();
}

const dropInput = byId('files', HTMLInputElement);
createDropzone({
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
createCamera(addPictures);

/**
 * What model it is. The note in index.html is the starter's.
 *
 * @param {import('../clipside.js').ModelInfo} [info] once the model is there
 */
function showNote(info) {
  if (parameters.model === 'starter') return;
  const parts = info ? [info.name, info.source && info.source !== info.name ? `from ${info.source}` : '', info.license] : [];
  byId('model-note', HTMLParagraphElement).textContent = info ? `Model: ${parts.filter(Boolean).join(', ')}.` : '';
}

function showStatus() {
  if (clip) status.show(clip.info, parameters.complaints);
}

/** @param {unknown} error */
function fail(error) {
  void clip?.dispose();
  clip = null;
  delete document.documentElement.dataset.ready;
  status.hide();
  progress.fail(explainModelError(error, parameters.model), () => void start());
  ranking.setClip(null, 'Waiting: the model is not here');
}

async function start() {
  status.hide();
  progress.start();
  ranking.setClip(null);
  try {
    // Imported late, so that a page whose engine does not come still works.
    const { createClip } = await import('../clipside.js');
    clip = await createClip({
      model: new URL(`models/${parameters.model}/`, document.baseURI),
      device: parameters.device,
      onProgress: (told) => progress.update(told),
    });
  } catch (error) {
    fail(error);
    return;
  }
  progress.done();
  showNote(clip.info.model);
  showStatus();
  document.documentElement.dataset.ready = 'true';
  ranking.setClip(clip);
}

showNote();
void start();
