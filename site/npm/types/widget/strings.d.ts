/**
 * Adds a language, or replaces some strings of one, for all elements that are rendered from now on.
 * @param {string} lang a BCP 47 tag, such as 'fr' or 'pt-BR'
 * @param {Partial<Strings>} strings those that are missing stay English, or as they were
 */
export function registerStrings(lang: string, strings: Partial<Strings>): void;
/**
 * @param {string} lang
 * @param {Partial<Strings>} own an element's own, which come first
 * @returns {Strings}
 */
export function stringsFor(lang: string, own: Partial<Strings>): Strings;
/**
 * @param {string} text
 * @param {Record<string, string | number>} values
 * @returns {string}
 */
export function fill(text: string, values: Record<string, string | number>): string;
export type Strings = typeof english;
declare namespace english {
    let classifier: string;
    let drop: string;
    let dropMany: string;
    let hint: string;
    let hintMany: string;
    let choose: string;
    let chooseMany: string;
    let clear: string;
    let retry: string;
    let loading: string;
    let checking: string;
    let ready: string;
    let progress: string;
    let waiting: string;
    let working: string;
    let results: string;
    let pasted: string;
    let picture: string;
    let announced: string;
    let noLabels: string;
    let notPicture: string;
    let unreadable: string;
    let failed: string;
    let failedOffline: string;
    let noWebGPU: string;
    let damaged: string;
    let lost: string;
    let stopped: string;
    let noMemory: string;
    let unknown: string;
    let searcher: string;
    let query: string;
    let search: string;
    let example: string;
    let indexing: string;
    let similar: string;
    let found: string;
    let foundSimilar: string;
    let announcedSearch: string;
    let noPictures: string;
    let skipped: string;
}
export {};
