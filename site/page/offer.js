import { megabytes, plural } from './format.js';
import { missingBytes } from './kept.js';

/**
 * What to say while the model is not here and nothing fetches it, and what the
 * button does that does; without one nothing can be done for now.
 *
 * @param {{
 *   model: string,
 *   size: number,
 *   kept: import('../clipside.js').StoredModel|undefined,
 *   online: boolean,
 *   metered: boolean,
 * }} situation size is 0 where it is not known
 * @returns {{text: string, action: string}}
 */
export function describeOffer({ model, size, kept, online, metered }) {
  if (kept && kept.missing.length > 0) {
    const files = kept.missing.length;
    const missing = `${plural(files, 'file')} of the ${model} model ${files === 1 ? 'is' : 'are'} missing here`;
    const amount = `${megabytes(missingBytes(kept))} MB`;
    return online
      ? { text: `${missing}.`, action: `Get the missing ${amount}` }
      : { text: `This machine is offline, and ${missing}: connect it once to fetch ${amount}.`, action: '' };
  }
  // A download that was broken off goes on; of which version its files are is not known before.
  const rest = kept && kept.integrity === '' && kept.bytes < size ? size - kept.bytes : 0;
  const amount = size > 0 ? ` (${megabytes(size)} MB)` : '';
  if (!online) {
    return { text: `This machine is offline, and the ${model} model${amount} is not here: connect it once to fetch it.`, action: '' };
  }
  return {
    text: metered
      ? `This connection saves data, so the ${model} model waits for your word.`
      : `The ${model} model is fetched with your first picture, or now.`,
    action: rest > 0 ? `Get the missing ${megabytes(rest)} MB` : `Get the model${amount}`,
  };
}

/** Whether the person, or the connection, asks to be sparing with data. */
export function isMetered() {
  // Not in every browser, and so not among TypeScript's types.
  const { connection } = /** @type {{connection?: {saveData?: boolean}}} */ (/** @type {unknown} */ (navigator));
  return connection?.saveData === true;
}
