// The elements <clip-classifier> and <clip-search>. Importing this module defines them.
//
//	<script type="module" src="widget.js"></script>
//	<clip-classifier labels="a cat, a dog, something else"></clip-classifier>

import { ClipClassifier } from './widget/classifier.js';
import { ClipSearch } from './widget/search.js';

/** @typedef {import('./clipside.js').ClipInfo} ClipInfo */
/** @typedef {import('./clipside.js').ClipProgress} ClipProgress */
/** @typedef {import('./clipside.js').Device} Device */
/** @typedef {import('./clipside.js').ImageInput} ImageInput */
/** @typedef {import('./clipside.js').Label} Label */
/** @typedef {import('./widget/element.js').ClipState} ClipState */
/** @typedef {import('./widget/search.js').Match} Match */
/** @typedef {import('./widget/search.js').SearchImage} SearchImage */
/** @typedef {import('./widget/strings.js').Strings} Strings */

export { ClipClassifier, ClipSearch };
export { registerStrings } from './widget/strings.js';

// A page may load two copies of this module, say its own and a dependency's. The first one counts. A server that renders
// the page has no registry, and leaves it to the page.
const has = (/** @type {string} */ tag) => !globalThis.customElements || customElements.get(tag);
if (!has('clip-classifier')) customElements.define('clip-classifier', ClipClassifier);
if (!has('clip-search')) customElements.define('clip-search', ClipSearch);
