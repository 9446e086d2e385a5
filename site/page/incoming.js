/**
 * Pictures that come in as the page is opened: shared from another application
 * (through the service worker, which keeps them for this page) or opened with
 * the installed app.
 *
 * @param {{onFiles: (files: File[]) => void, onFailure: (message: string) => void}} parts
 */
export function createIncoming({ onFiles, onFailure }) {
  // Only in browsers that install pages, and so not among TypeScript's types.
  const { launchQueue } =
    /** @type {{launchQueue?: {setConsumer: (consumer: (launch: {files?: FileSystemFileHandle[]}) => void) => void}}} */ (
      /** @type {unknown} */ (window)
    );
  launchQueue?.setConsumer(async ({ files = [] }) => {
    if (files.length === 0) return;
    try {
      onFiles(await Promise.all(files.map((handle) => handle.getFile())));
    } catch {
      onFailure('The picture could not be opened. Drop it here, or choose it.');
    }
  });

  const address = new URL(location.href);
  const shared = address.searchParams.get('shared');
  if (shared === null) return;
  address.searchParams.delete('shared');
  history.replaceState(null, '', address);
  const failure = 'The shared picture could not be taken in. Drop it here, or choose it.';
  if (shared === 'failed') onFailure(failure);
  else
    takeShared().then(
      (files) => (files.length > 0 ? onFiles(files) : onFailure('What was shared has no picture in it.')),
      () => onFailure(failure),
    );
}

/** What the service worker kept, which is then gone. @returns {Promise<File[]>} */
async function takeShared() {
  const cache = await caches.open(`clipside shared ${new URL('./', document.baseURI).href}`);
  return Promise.all(
    (await cache.keys()).map(async (key) => {
      const response = /** @type {Response} */ (await cache.match(key));
      const blob = await response.blob();
      await cache.delete(key);
      const name = decodeURIComponent(response.headers.get('X-File-Name') ?? '') || 'Shared picture';
      return new File([blob], name, { type: blob.type });
    }),
  );
}
