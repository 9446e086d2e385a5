declare global {
  interface HTMLElementTagNameMap {
    'clip-classifier': ClipClassifier;
    'clip-search': ClipSearch;
  }

  interface HTMLElementEventMap {
    'clip-ready': CustomEvent<import('./clipside.js').ClipInfo>;
    'clip-progress': CustomEvent<import('./clipside.js').ClipProgress>;
    'clip-result': CustomEvent<ClipClassifierResult | ClipSearchResult>;
    'clip-error': CustomEvent<{ error: Error; image?: import('./clipside.js').ImageInput; name?: string }>;
  }
}

/** The detail of a clip-classifier's clip-result. */
export interface ClipClassifierResult {
  image: import('./clipside.js').ImageInput;
  name: string;
  result: import('./clipside.js').Label[];
}

/** The detail of a clip-search's clip-result. */
export interface ClipSearchResult {
  query: string | import('./clipside.js').ImageInput;
  matches: import('./widget/search.js').Match[];
}
