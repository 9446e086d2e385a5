// The service worker: keeps the page's own files, its shell, in this browser and answers with them first, so that the
// page opens without a network. Models are not its business: it lets every request for one pass.
//
// Which files these are is told by a global that the script before this one sets, as `clipside build` does in sw.js:
//
//	self.clipsideShell = { files: { 'index.html': '<its SHA-256 in hex>', 'style.css': '…' } };
//
// A file is kept under its path and its hash. So a new version fetches only what has changed, an installation that was
// broken off goes on where it stopped, and the old version's files stay untouched until the new one, complete and
// checked, takes over. What does not have its hash is never kept: an error page, a file that was cut short, or one of
// another version while the server is being updated ends the installation, and the version before goes on.

/** @typedef {{ files: Record<string, string> }} Shell */

const worker = /** @type {ServiceWorkerGlobalScope & { clipsideShell: Shell }} */ (/** @type {unknown} */ (self));
const { scope } = worker.registration;

/** Caches belong to the origin, where there may be another clipside at another path. */
const shellCache = `clipside shell ${scope}`;
const sharedCache = `clipside shared ${scope}`;

/** What the manifest calls share_target. */
const shareAddress = new URL('share', scope).href;

/** From every file's address to its hash. Hosts may redirect index.html to its directory, so it goes by that. */
const shell = new Map(
  Object.entries(worker.clipsideShell.files).map(([path, hash]) => [new URL(path === 'index.html' ? './' : path, scope).href, hash]),
);

/** So many files are fetched at once, fewer than the connections that a browser opens to a host: the page comes first. */
const atOnce = 3;

worker.addEventListener('install', (event) => event.waitUntil(fill()));

worker.addEventListener('activate', (event) =>
  event.waitUntil(
    (async () => {
      const wanted = new Set([...shell].map(([address, hash]) => keyOf(address, hash)));
      const cache = await caches.open(shellCache);
      await Promise.all((await cache.keys()).filter(({ url }) => !wanted.has(url)).map((key) => cache.delete(key)));
      await worker.clients.claim();
    })(),
  ),
);

worker.addEventListener('message', (event) => {
  if (event.data === 'take over') event.waitUntil(worker.skipWaiting());
  if (event.data === 'complete?') {
    const [port] = event.ports;
    event.waitUntil(
      fill().then(
        () => port.postMessage(true),
        () => port.postMessage(false),
      ),
    );
  }
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const address = (origin + pathname).replace(/\/index\.html$/, '/');
  if (request.method === 'POST' && address === shareAddress) event.respondWith(takeShared(request));
  else if (request.method !== 'GET') return;
  else if (shell.has(address)) event.respondWith(request.destination === 'worker' ? answerWorker(address) : answer(address));
  // Any other page: the server's, or without a network the shell, at the one path from which it finds its files.
  else if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => Response.redirect(scope)));
});

/**
 * @param {string} address
 * @param {string} hash
 */
function keyOf(address, hash) {
  return `${address}?sha256=${hash}`;
}

/** Fetches what is not kept yet. Rejects if any of it cannot be had as it should be. */
async function fill() {
  const cache = await caches.open(shellCache);
  const kept = new Set((await cache.keys()).map(({ url }) => url));
  const missing = [...shell].filter(([address, hash]) => !kept.has(keyOf(address, hash)));
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next; (next = missing.pop());) {
        const [address, hash] = next;
        await cache.put(keyOf(address, hash), await fetchChecked(address, hash));
      }
    }),
  );
}

/**
 * @param {string} address
 * @param {string} hash
 * @returns {Promise<Response>}
 */
async function fetchChecked(address, hash) {
  // What the browser still has may be of the version before; then the server is asked.
  for (const cache of /** @type {const} */ (['default', 'reload'])) {
    const response = await fetch(address, { cache });
    if (!response.ok) throw new Error(`${address} answered HTTP ${response.status}.`);
    const bytes = await response.arrayBuffer();
    if (hex(await crypto.subtle.digest('SHA-256', bytes)) !== hash) continue;
    const headers = new Headers(response.headers);
    // These tell how the bytes travelled; they are plain now.
    for (const name of ['Content-Encoding', 'Content-Length', 'Transfer-Encoding']) headers.delete(name);
    // A new one, since a page may not be answered with a response that was redirected.
    return new Response(bytes, { headers });
  }
  throw new Error(`${address} is not the file that this version of the page was built with.`);
}

/** @param {ArrayBuffer} bytes */
function hex(bytes) {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * A file of the shell. One that the browser has thrown away is fetched, and kept once more if it is still the same.
 * @param {string} address
 * @returns {Promise<Response>}
 */
async function answer(address) {
  const hash = /** @type {string} */ (shell.get(address));
  const cache = await caches.open(shellCache).catch(() => undefined);
  const kept = await cache?.match(keyOf(address, hash)).catch(() => undefined);
  if (kept) return kept;
  try {
    const response = await fetchChecked(address, hash);
    await cache?.put(keyOf(address, hash), response.clone()).catch(() => {});
    return response;
  } catch {
    return fetch(address);
  }
}

/**
 * A Worker's script, under the policies of the page as it is kept: browsers refuse a Worker that demands less of others than
 * its page. Hosts change them, and a script that has not changed since is kept with those that it came with.
 * @param {string} address
 * @returns {Promise<Response>}
 */
async function answerWorker(address) {
  const script = await answer(address);
  const page = await caches.match(keyOf(scope, /** @type {string} */ (shell.get(scope)))).catch(() => undefined);
  if (!page) return script;
  const response = new Response(script.body, script);
  for (const name of ['Cross-Origin-Embedder-Policy', 'Content-Security-Policy']) {
    const policy = page.headers.get(name);
    if (policy === null) response.headers.delete(name);
    else response.headers.set(name, policy);
  }
  return response;
}

/**
 * Takes in pictures that another application shares, for the page that opens next.
 * @param {Request} request
 * @returns {Promise<Response>}
 */
async function takeShared(request) {
  /** @type {string[]} */
  const kept = [];
  try {
    const cache = await caches.open(sharedCache);
    const files = (await request.formData()).getAll('pictures').filter((value) => value instanceof File);
    for (const [i, file] of files.entries()) {
      const headers = { 'Content-Type': file.type || 'application/octet-stream', 'X-File-Name': encodeURIComponent(file.name) };
      const key = new URL(`share?${Date.now()}-${i}`, scope).href;
      await cache.put(key, new Response(file, { headers }));
      kept.push(key);
    }
    return Response.redirect(new URL('?shared', scope).href, 303);
  } catch {
    // Those that there was room for would come with what is shared next.
    const cache = await caches.open(sharedCache).catch(() => undefined);
    await Promise.all(kept.map((key) => cache?.delete(key)));
    return Response.redirect(new URL('?shared=failed', scope).href, 303);
  }
}
