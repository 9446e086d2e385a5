export { registerStrings } from "./widget/strings.js";
export type ClipInfo = import("./clipside.js").ClipInfo;
export type ClipProgress = import("./clipside.js").ClipProgress;
export type Device = import("./clipside.js").Device;
export type ImageInput = import("./clipside.js").ImageInput;
export type Label = import("./clipside.js").Label;
export type ClipState = import("./widget/element.js").ClipState;
export type Match = import("./widget/search.js").Match;
export type SearchImage = import("./widget/search.js").SearchImage;
export type Strings = import("./widget/strings.js").Strings;
import { ClipClassifier } from './widget/classifier.js';
import { ClipSearch } from './widget/search.js';
export { ClipClassifier, ClipSearch };
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

interface ClipClassifierEventMap extends HTMLElementEventMap {
  'clip-result': CustomEvent<ClipClassifierResult>;
}

interface ClipSearchEventMap extends HTMLElementEventMap {
  'clip-result': CustomEvent<ClipSearchResult>;
}

// As TypeScript has it for the elements of HTML.

declare module './widget/classifier.js' {
  interface ClipClassifier {
    addEventListener<K extends keyof ClipClassifierEventMap>(
      type: K,
      listener: (this: ClipClassifier, event: ClipClassifierEventMap[K]) => unknown,
      options?: boolean | AddEventListenerOptions,
    ): void;
    addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
    removeEventListener<K extends keyof ClipClassifierEventMap>(
      type: K,
      listener: (this: ClipClassifier, event: ClipClassifierEventMap[K]) => unknown,
      options?: boolean | EventListenerOptions,
    ): void;
    removeEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions): void;
  }
}

declare module './widget/search.js' {
  interface ClipSearch {
    addEventListener<K extends keyof ClipSearchEventMap>(
      type: K,
      listener: (this: ClipSearch, event: ClipSearchEventMap[K]) => unknown,
      options?: boolean | AddEventListenerOptions,
    ): void;
    addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
    removeEventListener<K extends keyof ClipSearchEventMap>(
      type: K,
      listener: (this: ClipSearch, event: ClipSearchEventMap[K]) => unknown,
      options?: boolean | EventListenerOptions,
    ): void;
    removeEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions): void;
  }
}
