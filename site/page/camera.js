import { byId } from './dom.js';
import { createMessage } from './message.js';

/** @param {unknown} error */
function explainCamera(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'The camera is blocked for this page. Allow it in the browser’s site settings, then open this again.';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'No camera was found. Connect one, then open this again.';
    case 'NotReadableError':
    case 'AbortError':
      return 'The camera is busy: close the other program that uses it, then open this again.';
    default:
      return 'The camera did not start. Choose a picture from a file instead.';
  }
}

/** @param {Date} when */
const photoName = (when) => `Photo, ${when.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' })}`;

/**
 * Photos from a camera. A phone or tablet gets its own camera application,
 * through an input with `capture`; a computer that has a camera gets a dialog
 * with the live picture; anything else gets no button.
 *
 * @param {(pictures: {blob: Blob, name: string}[]) => void} onPictures
 * @param {boolean} atOnce whether the person asked for it as they opened the page; a camera application needs their press all the same
 */
export function createCamera(onPictures, atOnce) {
  if (matchMedia('(pointer: coarse) and (hover: none)').matches) {
    capture(onPictures);
    if (atOnce) byId('capture', HTMLInputElement).focus();
  } else void live(onPictures, atOnce);
}

/** @param {(pictures: {blob: Blob, name: string}[]) => void} onPictures */
function capture(onPictures) {
  const input = byId('capture', HTMLInputElement);
  byId('capture-label', HTMLLabelElement).hidden = false;
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    input.value = '';
    onPictures(files.map((file) => ({ blob: file, name: photoName(new Date()) })));
  });
}

/**
 * @param {(pictures: {blob: Blob, name: string}[]) => void} onPictures
 * @param {boolean} atOnce
 */
async function live(onPictures, atOnce) {
  // Absent where the page does not come over a secure connection.
  const media = /** @type {MediaDevices|undefined} */ (navigator.mediaDevices);
  if (!media) return;

  const open = byId('camera-open', HTMLButtonElement);
  const dialog = byId('camera', HTMLDialogElement);
  const video = byId('camera-video', HTMLVideoElement);
  const take = byId('camera-take', HTMLButtonElement);
  const close = byId('camera-close', HTMLButtonElement);
  const message = createMessage(byId('camera-message', HTMLParagraphElement));
  /** @type {MediaStream|null} */
  let stream = null;
  /** Which opening of the dialog is the present one: a camera that comes for an earlier one is let go of. */
  let opening = 0;

  async function showWherePresent() {
    // Kinds are told without a permission; names are not, and nobody needs them.
    const devices = await media?.enumerateDevices().catch(() => []);
    open.hidden = !devices?.some((device) => device.kind === 'videoinput');
  }

  function stop() {
    opening++;
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    take.disabled = true;
  }

  open.addEventListener('click', async () => {
    const own = ++opening;
    message.hint('Starting the camera…');
    dialog.showModal();
    try {
      const started = await media.getUserMedia({ video: { width: { ideal: 1280 }, facingMode: 'environment' } });
      if (own !== opening) {
        started.getTracks().forEach((track) => track.stop());
        return;
      }
      stream = started;
      started.getVideoTracks()[0].addEventListener('ended', () => {
        if (own !== opening) return;
        stop();
        close.focus();
        message.error('The camera has stopped. Connect or allow it, then open this again.');
      });
      video.srcObject = started;
      await video.play();
      message.hint('The photo stays in this page.');
      take.disabled = false;
      take.focus();
    } catch (error) {
      // Closing the dialog stops the stream, which breaks off play().
      if (own !== opening) return;
      stop();
      message.error(explainCamera(error));
    }
  });

  take.addEventListener('click', () => {
    take.disabled = true; // one press, one photo
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext('2d')?.drawImage(video, 0, 0);
    // Without loss: compression would be one more thing between lens and model.
    canvas.toBlob((blob) => {
      dialog.close();
      if (blob) onPictures([{ blob, name: photoName(new Date()) }]);
    }, 'image/png');
  });
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', stop);

  media.addEventListener('devicechange', () => void showWherePresent());
  await showWherePresent();
  if (atOnce && !open.hidden) open.click();
}
