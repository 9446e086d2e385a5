/** @param {unknown} error */
const nameOf = (error) => (error instanceof Error || error instanceof DOMException ? error.name : '');

/** @param {unknown} error */
const detailOf = (error) => {
  const text = (error instanceof Error || error instanceof DOMException ? error.message : String(error)).trim();
  if (text === '') return '';
  return /[.!?]$/.test(text) ? text : `${text}.`;
};

/** @param {unknown} error */
export const isAbort = (error) => nameOf(error) === 'AbortError';

/** Whether no further call can succeed, until a new engine is made. @param {unknown} error */
export const isEngineLost = (error) => ['DeviceLostError', 'EngineError', 'InvalidStateError'].includes(nameOf(error));

/** Whether a picture itself is at fault, so that trying again would not help. @param {unknown} error */
export const isDecode = (error) => nameOf(error) === 'ImageDecodeError';

/**
 * Whether there is nothing at the model's address. Of a model that is replaced while it comes, a part may be gone too.
 *
 * @param {any} error
 */
const isNoModel = ({ url, status }) => /\/manifest\.json$/.test(url) && [200, 404, 410].includes(status);

/**
 * Why the model is not there, and what the person can do.
 *
 * @param {unknown} error
 * @param {string} model
 * @returns {{what: string, remedy: string, detail: string}}
 */
export function explainModelError(error, model) {
  const detail = detailOf(error);
  const said = (/** @type {string} */ what, /** @type {string} */ remedy) => ({ what, remedy, detail });
  switch (nameOf(error)) {
    case 'ModelError':
      return isNoModel(error)
        ? said(`There is no model “${model}” on this site.`, 'Check the name in the address, or put the packed model there and retry.')
        : said(`The model “${model}” could not be loaded.`, 'Check the connection and retry; if it comes back, pack the model again.');
    case 'IntegrityError':
      return said(`The model “${model}” arrived damaged and was not used.`, 'Retry to fetch the damaged part again.');
    case 'WebGPUUnavailableError':
      return said(
        'WebGPU is not available here, and the address asks for it.',
        'Leave ?device=webgpu out of the address to compute on the CPU, or use a current Chrome, Edge, Safari or Firefox.',
      );
    case 'DeviceLostError':
      return said('The graphics device was lost, as happens when a driver restarts.', 'Retry to start again; the pictures wait.');
    case 'QuotaError':
      return said('There is not enough memory or storage for the model.', 'Close other tabs or free some space, then retry.');
    case 'EngineError':
      return said('The engine could not start, or stopped.', 'Retry; if it comes back, reload the page.');
    case 'ReplacedError':
      return said('This page was updated in another tab.', 'Reload it to go on.');
    default:
      return navigator.onLine
        ? said('The model could not be started.', 'Retry; if it comes back, reload the page.')
        : said('This machine is offline.', 'Connect it once to fetch the model, then retry.');
  }
}

/**
 * Why one picture has no result, and what to do about it.
 *
 * @param {unknown} error
 */
export function explainPictureError(error) {
  // The engine names the file, what is wrong with it, and what to do.
  if (isDecode(error)) return detailOf(error);
  return `This picture could not be ranked. ${detailOf(error)}`.trim();
}
