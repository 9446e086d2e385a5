import { readFolders } from './folder.js';
import { plural } from './format.js';

/**
 * Where pictures come in: dropped anywhere on the page, alone or in folders,
 * pasted, or chosen. The
 * file input covers the zone, so that a click, a tap, Space and Enter on it
 * all open the browser's own picker.
 *
 * Nothing is ever fetched on behalf of a drop: a picture dragged in from
 * another site comes without its bytes where the browser gives only a link,
 * and is refused with a word on how to bring it in.
 *
 * @param {{
 *   zone: HTMLElement,
 *   input: HTMLInputElement,
 *   message: import('./message.js').Message,
 *   pasteKeys: HTMLElement,
 *   onPictures: (files: {blob: Blob, name: string}[]) => void,
 * }} parts
 */
export function createDropzone({ zone, input, message, pasteKeys, onPictures }) {
  /** @param {readonly File[]} files */
  function take(files) {
    // Browsers leave the type empty for formats that they don't know by name,
    // and those deserve a try: the decoder has the last word.
    const pictures = files.filter((file) => file.type === '' || file.type.startsWith('image/'));
    const others = files.filter((file) => !pictures.includes(file));
    if (others.length === 1) message.error(`“${others[0].name}” is not a picture. JPEG, PNG, WebP, GIF and AVIF all work.`);
    else if (others.length > 1) message.error(`${plural(others.length, 'file')} were left out: they are not pictures.`);
    else message.hint('');
    if (pictures.length > 0) onPictures(pictures.map((file) => ({ blob: file, name: file.name })));
  }

  /** @param {readonly FileSystemEntry[]} entries */
  async function takeFolders(entries) {
    try {
      const { pictures, beyond, leftOut } = await readFolders(entries);
      const rest = beyond > 0 ? ` ${beyond} more are too many at once.` : '';
      const others = leftOut > 0 ? ` ${plural(leftOut, 'other file')} ${leftOut === 1 ? 'was' : 'were'} left out.` : '';
      if (pictures.length === 0) message.error('There is no picture in that folder.');
      else message.notice(`${plural(pictures.length, 'picture')} from the folder.${rest}${others}`);
      if (pictures.length > 0) onPictures(pictures.map((file) => ({ blob: file, name: file.name })));
    } catch {
      message.error('The folder could not be read. Drop the pictures that are in it.');
    }
  }

  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    // So that choosing the same file again is a change again.
    input.value = '';
    take(files);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    input.click();
  });

  /** The element that the drag entered last. Leaving that, it enters none: it leaves the page. @type {EventTarget|null} */
  let entered = null;
  /** @param {boolean} over */
  const mark = (over) => zone.classList.toggle('drop-over', over);

  /** Text dragged into a field is the field's own affair. @param {DragEvent} event */
  function concerns(event) {
    const types = event.dataTransfer?.types ?? [];
    if (types.includes('Files')) return true;
    return types.includes('text/uri-list') && !(event.target instanceof HTMLInputElement && event.target.type === 'text');
  }

  addEventListener('dragenter', (event) => {
    if (!concerns(event)) return;
    entered = event.target;
    mark(true);
  });
  addEventListener('dragleave', (event) => {
    if (event.target === entered) mark(false);
  });
  addEventListener('dragover', (event) => {
    if (!concerns(event) || !event.dataTransfer) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
  });
  addEventListener('drop', (event) => {
    if (!concerns(event) || !event.dataTransfer) return;
    event.preventDefault();
    mark(false);
    // Both lists are empty once this listener has returned.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry != null);
    if (entries.some((entry) => entry.isDirectory)) {
      void takeFolders(entries);
      return;
    }
    const files = [...event.dataTransfer.files];
    if (files.length === 0) message.error('That was only a link to a picture. Save the picture first, or copy it and paste it here.');
    else take(files);
  });

  addEventListener('paste', (event) => {
    if (event.defaultPrevented) return;
    const intoField = event.target instanceof HTMLInputElement && event.target.type === 'text';
    // What is copied from a spreadsheet or a text is there as a picture too.
    if (intoField && event.clipboardData?.types.includes('text/plain')) return;
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) {
      event.preventDefault();
      const images = files.filter((file) => file.type.startsWith('image/'));
      // A picture copied from an application is always called image.png.
      if (files.length === 1 && images.length === 1 && images[0].name === 'image.png') {
        message.hint('');
        onPictures([{ blob: images[0], name: 'Pasted picture' }]);
      } else take(files);
      return;
    }
    if (!intoField) message.error('There is no picture on the clipboard.');
  });

  // Named for a keyboard only where there is likely to be one.
  if (matchMedia('(hover: hover) and (pointer: fine)').matches) {
    const apple = /Mac|iPhone|iPad/.test(navigator.platform);
    pasteKeys.textContent = apple ? ' with ⌘V' : ' with Ctrl V';
  }

  return {
    /** Files that came another way. */
    take,
    /** @param {string} why nothing came that way */
    refuse: (why) => message.error(why),
  };
}
