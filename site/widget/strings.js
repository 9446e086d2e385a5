// What the elements say. {name} stands for what is filled in.

/** @typedef {typeof english} Strings */

const english = {
  classifier: 'Picture classifier',
  drop: 'Drop a picture here',
  dropMany: 'Drop pictures here',
  hint: 'or paste it. It stays on this device.',
  hintMany: 'or paste them. They stay on this device.',
  choose: 'Choose a picture',
  chooseMany: 'Choose pictures',
  clear: 'Clear',
  retry: 'Try again',
  loading: 'Fetching the model: {loaded} of {total} MB',
  checking: 'Checking this device…',
  ready: 'The model is ready.',
  progress: 'Model download',
  waiting: 'Waiting for the model…',
  working: 'Looking…',
  results: 'Results',
  pasted: 'Pasted picture',
  picture: 'Picture {number}',
  announced: '{name}: {label}, {score}.',
  noLabels: 'There are no labels to choose from.',
  notPicture: '“{name}” is not a picture.',
  unreadable: 'This picture could not be read. Save it as JPEG or PNG and try that.',
  failed: 'The model could not be loaded.',
  failedOffline: 'The model could not be loaded: this device is offline.',
  noWebGPU: 'This browser offers no usable WebGPU.',
  damaged: 'The model arrived damaged and was not used.',
  lost: 'The graphics device was lost.',
  stopped: 'The engine could not start, or has stopped.',
  noMemory: 'There is not enough memory.',
  unknown: 'Something went wrong.',
  searcher: 'Picture search',
  query: 'Describe a picture',
  search: 'Search',
  example: 'Search by a picture',
  indexing: 'Looking at the pictures: {done} of {total}',
  similar: 'Show similar pictures',
  found: 'Best matches for “{query}”',
  foundSimilar: 'Most like {name}',
  announcedSearch: '{heading}: {name} first, of {count}.',
  noPictures: 'There are no pictures to search.',
  skipped: 'Could not be read: {names}.',
};

/** @type {Strings} */
const german = {
  classifier: 'Bild einordnen',
  drop: 'Bild hier ablegen',
  dropMany: 'Bilder hier ablegen',
  hint: 'oder einfügen. Es bleibt auf diesem Gerät.',
  hintMany: 'oder einfügen. Sie bleiben auf diesem Gerät.',
  choose: 'Bild auswählen',
  chooseMany: 'Bilder auswählen',
  clear: 'Leeren',
  retry: 'Noch einmal versuchen',
  loading: 'Modell wird geladen: {loaded} von {total} MB',
  checking: 'Dieses Gerät wird geprüft …',
  ready: 'Das Modell ist bereit.',
  progress: 'Modell laden',
  waiting: 'Wartet auf das Modell …',
  working: 'Wird angesehen …',
  results: 'Ergebnisse',
  pasted: 'Eingefügtes Bild',
  picture: 'Bild {number}',
  announced: '{name}: {label}, {score}.',
  noLabels: 'Es gibt keine Begriffe zur Auswahl.',
  notPicture: '„{name}“ ist kein Bild.',
  unreadable: 'Dieses Bild lässt sich nicht lesen. Speichern Sie es als JPEG oder PNG und versuchen Sie es damit.',
  failed: 'Das Modell konnte nicht geladen werden.',
  failedOffline: 'Das Modell konnte nicht geladen werden: Dieses Gerät ist offline.',
  noWebGPU: 'Dieser Browser bietet kein brauchbares WebGPU.',
  damaged: 'Das Modell kam beschädigt an und wurde nicht verwendet.',
  lost: 'Die Verbindung zur Grafikkarte ging verloren.',
  stopped: 'Die Berechnung konnte nicht beginnen oder brach ab.',
  noMemory: 'Der Speicher reicht nicht aus.',
  unknown: 'Etwas ist schiefgegangen.',
  searcher: 'Bilder suchen',
  query: 'Ein Bild beschreiben',
  search: 'Suchen',
  example: 'Mit einem Bild suchen',
  indexing: 'Bilder werden angesehen: {done} von {total}',
  similar: 'Ähnliche Bilder zeigen',
  found: 'Am besten passend zu „{query}“',
  foundSimilar: 'Am ähnlichsten zu {name}',
  announcedSearch: '{heading}: {name} zuerst, von {count}.',
  noPictures: 'Es gibt keine Bilder zum Durchsuchen.',
  skipped: 'Nicht lesbar: {names}.',
};

/** @type {Map<string, Partial<Strings>>} by lower-case language tag */
const languages = new Map([
  ['en', english],
  ['de', german],
]);

/**
 * Adds a language, or replaces some strings of one, for all elements that are rendered from now on.
 * @param {string} lang a BCP 47 tag, such as 'fr' or 'pt-BR'
 * @param {Partial<Strings>} strings those that are missing stay English, or as they were
 */
export function registerStrings(lang, strings) {
  const tag = lang.toLowerCase();
  languages.set(tag, { ...languages.get(tag), ...strings });
}

/**
 * @param {string} lang
 * @param {Partial<Strings>} own an element's own, which come first
 * @returns {Strings}
 */
export function stringsFor(lang, own) {
  const parts = lang.toLowerCase().split('-');
  const known = parts.map((_, i) => languages.get(parts.slice(0, i + 1).join('-'))); // zh, zh-hant, zh-hant-tw
  return Object.assign({}, english, ...known, own);
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} values
 * @returns {string}
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
