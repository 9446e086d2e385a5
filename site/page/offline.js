import { announce } from './announce.js';
import { byId } from './dom.js';
import { isMetered } from './offer.js';

/** How long an open page waits before it asks again whether there is a new version. */
const askAgainMs = 60 * 60 * 1000;

/**
 * @typedef {'checking'|'online-only'|'preparing'|'no-model'|'ready'} Readiness
 * What is there for working without a network.
 */

/** @type {Record<Readiness, string>} */
const words = {
  checking: '',
  'online-only': 'Works online only',
  preparing: 'Preparing for offline',
  'no-model': 'Model needed offline',
  ready: 'Ready to work offline',
};

/** @type {Record<Readiness, string>} */
const reasons = {
  checking: '',
  'online-only': 'The page could not be kept in this browser: it keeps none, or none without HTTPS, or a file did not come.',
  preparing: 'The page itself is still being kept in this browser.',
  'no-model': 'The page is kept in this browser; the model is not, or not all of it.',
  ready: 'The page and the model are kept in this browser.',
};

/**
 * Keeps the page in this browser through its service worker, tells how ready
 * it is to work offline, and offers a new version when one has come.
 *
 * A new version takes over only when the person says so. It does for every
 * open tab at once: one with no pictures in it follows by itself, one with
 * pictures goes on and offers to.
 *
 * @param {{hasModel: () => Promise<boolean>, hasWork: () => boolean}} parts hasModel tells whether the model in use is kept, all of it; hasWork whether a reload would lose anything
 */
export function createOffline({ hasModel, hasWork }) {
  const badge = byId('badge', HTMLParagraphElement);
  const banner = byId('update', HTMLDivElement);
  const bannerText = byId('update-text', HTMLParagraphElement);

  // Absent where the page does not come over a secure connection.
  const container = /** @type {ServiceWorkerContainer|undefined} */ (navigator.serviceWorker);
  /** @type {ServiceWorkerRegistration|undefined} */
  let registration;
  let registering = false;
  let failed = !container;
  let reloading = false;
  /** Whether the files that are to be had are of a later version than this page. */
  let replaced = false;
  let askedAt = Date.now();

  /** @returns {Promise<Readiness>} */
  async function readiness() {
    if (failed) return 'online-only';
    if (!registering) return 'checking'; // not before the person has agreed to the download
    if (!registration?.active || !(await isComplete(registration.active))) return 'preparing';
    return (await hasModel()) ? 'ready' : 'no-model';
  }

  async function show() {
    const state = await readiness();
    const { onLine } = navigator;
    const before = badge.dataset.state;
    badge.dataset.state = state;
    badge.dataset.online = String(onLine);
    const text = onLine ? words[state] : state === 'ready' ? 'Offline: all is here' : 'Offline';
    if (badge.textContent !== text) badge.textContent = text;
    badge.title = reasons[state];
    // On later visits it is as it was, and no news.
    if (state === 'ready' && (before === 'preparing' || before === 'no-model')) announce('Ready to work offline.');
  }

  /** @param {string} text */
  function offer(text) {
    bannerText.textContent = text;
    banner.hidden = false;
    announce(`${text}.`);
  }

  /** @param {ServiceWorkerRegistration} registered */
  function watch(registered) {
    registration = registered;
    const offerWaiting = () => {
      if (registered.waiting && container?.controller) offer('Update available');
    };
    /** @param {ServiceWorker|null} worker */
    const follow = (worker) =>
      worker?.addEventListener('statechange', () => {
        if (worker.state === 'installed') offerWaiting();
        // It came incomplete. The version before goes on; without one, the network does.
        if (worker.state === 'redundant' && !registered.active) failed = true;
        void show();
      });
    follow(registered.installing);
    registered.addEventListener('updatefound', () => follow(registered.installing));
    offerWaiting();
    void show();
  }

  async function register() {
    if (registering || !container) return;
    registering = true;
    try {
      watch(await container.register('sw.js', { updateViaCache: 'none' }));
    } catch {
      // Without a network the registration of an earlier visit is as good.
      const known = await container.getRegistration().catch(() => undefined);
      if (known) return watch(known);
      failed = true;
      registering = false;
      void show();
    }
  }

  let controlled = container?.controller != null;
  container?.addEventListener('controllerchange', () => {
    if (!controlled) {
      controlled = true;
      void show();
    } else if (reloading || !hasWork()) location.reload();
    else {
      replaced = true;
      offer('Updated in another tab');
    }
  });

  byId('update-reload', HTMLButtonElement).addEventListener('click', () => {
    reloading = true;
    if (registration?.waiting) registration.waiting.postMessage('take over');
    else location.reload();
  });
  byId('update-later', HTMLButtonElement).addEventListener('click', () => {
    banner.hidden = true;
    byId('main', HTMLElement).focus({ preventScroll: true });
  });

  function lookForUpdate() {
    if (!navigator.onLine || Date.now() - askedAt < askAgainMs) return;
    askedAt = Date.now();
    registration?.update().catch(() => {}); // the next time, then
  }
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') lookForUpdate();
  });
  for (const event of ['online', 'offline']) addEventListener(event, () => void show());

  // The page comes first. Where data is to be saved, keeping it waits until the person has asked for the model.
  const begin = async () => {
    if (!isMetered() || (await container?.getRegistration().catch(() => undefined))) await register();
    else void show();
  };
  if (document.readyState === 'complete') void begin();
  else addEventListener('load', () => void begin());
  if (failed) void show();

  return {
    /** What is kept has changed. */
    changed: () => void show(),
    /** The person has agreed to the download of what the page needs. */
    allow: () => void register(),
    /**
     * Imports the engine, late, so that a page whose engine does not come still works.
     *
     * @returns {Promise<typeof import('../clipside.js')>}
     * @throws an error named ReplacedError where it would be of a later version than this page, or than what of it is here
     */
    engine: () => (replaced ? Promise.reject(Object.assign(new Error(), { name: 'ReplacedError' })) : import('../clipside.js')),
  };
}

/**
 * Whether a service worker has every file of the page; it fetches what it lacks.
 *
 * @param {ServiceWorker} worker
 * @returns {Promise<boolean>}
 */
function isComplete(worker) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => {
      port1.close();
      resolve(data);
    };
    worker.postMessage('complete?', [port2]);
  });
}
