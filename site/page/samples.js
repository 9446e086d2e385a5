/**
 * The four sample photos. Each is fetched once, when the page opens, and its
 * bytes serve both the thumbnail and the model: trying one asks the network
 * for nothing.
 *
 * @param {{
 *   list: HTMLElement,
 *   message: HTMLElement,
 *   onPicture: (picture: {blob: Blob, name: string}) => void,
 * }} parts
 */
export function createSamples({ list, message, onPicture }) {
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (list.querySelectorAll('[data-sample]'))) {
    const file = button.dataset.sample ?? '';
    const image = button.querySelector('img');
    if (image) image.draggable = false; // it would arrive without its name
    /** @type {Promise<Blob>|null} */
    let bytes = null;

    const get = () => {
      bytes ??= fetchSample(file).catch((error) => {
        bytes = null;
        throw error;
      });
      return bytes;
    };

    /** @param {Blob} blob */
    const show = (blob) => {
      if (image && !image.src) image.src = URL.createObjectURL(blob);
    };

    button.addEventListener('click', async () => {
      try {
        const blob = await get();
        show(blob);
        message.hidden = true;
        onPicture({ blob, name: file });
      } catch {
        message.textContent = `The sample ${file} could not be fetched. Check the connection and press it again.`;
        message.hidden = false;
      }
    });
    get().then(show, () => {
      // Told when the person asks for it, and tried again then.
    });
  }
}

/** @param {string} file */
async function fetchSample(file) {
  const response = await fetch(`photos/${file}`, { priority: 'low' });
  if (!response.ok) throw new Error(`fetching photos/${file}: status ${response.status}`);
  return response.blob();
}
