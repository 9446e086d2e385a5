/**
 * What Chromium dispatches when the page can be installed.
 *
 * @typedef {Event & {prompt: () => Promise<unknown>}} InstallPrompt
 */

/**
 * Shows a button while the browser would install the page and is not told to
 * by a menu of its own alone.
 *
 * @param {HTMLButtonElement} button
 */
export function createInstall(button) {
  /** @type {InstallPrompt|null} */
  let prompt = null;

  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    prompt = /** @type {InstallPrompt} */ (event);
    button.hidden = false;
  });
  button.addEventListener('click', () => {
    // A prompt can be shown once; after a refusal the browser sends another when it sees fit.
    void prompt?.prompt();
    prompt = null;
    /** @type {HTMLElement} */ (button.nextElementSibling).focus();
    button.hidden = true;
  });
  addEventListener('appinstalled', () => {
    button.hidden = true;
  });
}
