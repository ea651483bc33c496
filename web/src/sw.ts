// The service worker of the member's pages. It keeps the shell for when the network is away and takes what other apps share.
// It never answers for the server: `/v1` is not its affair, pages keep what they show by themselves.

/// <reference lib="webworker" />
export {}
declare const self: ServiceWorkerGlobalScope

/** Filled in by the build: what the shell is made of, and a stamp that changes with it. */
const FILES: string[] = '__SHELL_FILES__'.split(' ')
const CACHE = 'shell-__SHELL_STAMP__'
const PAGE = '/app'
/** A network that does not answer by then is treated as away. */
const NETWORK_MS_MAX = 2_000
const SHARED_MAX = 50

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([PAGE, ...FILES])))
})

self.addEventListener('activate', (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name.startsWith('shell-') && name !== CACHE) await caches.delete(name)
    await self.clients.claim()
  }
  event.waitUntil(tidy())
})

// Only when the page says that it may: never in a live class.
self.addEventListener('message', (event) => {
  if (event.data === 'take over') void self.skipWaiting()
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (url.origin !== location.origin || url.pathname.startsWith('/v1/')) return
  const isApp = url.pathname === PAGE || url.pathname.startsWith(`${PAGE}/`)
  if (request.method === 'POST' && url.pathname === `${PAGE}/import`) return event.respondWith(shared(request))
  if (request.method !== 'GET') return
  if (request.mode === 'navigate') {
    if (isApp) event.respondWith(page(request))
    return
  }
  if (FILES.includes(url.pathname)) event.respondWith(file(request))
})

/** From the network where it answers soon, else as it was kept. */
async function page(request: Request): Promise<Response> {
  const kept = async () => (await caches.open(CACHE)).match(PAGE)
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(NETWORK_MS_MAX) })
    if (answer.ok) return answer
    return (await kept()) ?? answer
  } catch (error) {
    const old = await kept()
    if (old) return old
    throw error
  }
}

/** Files are named by their content: what is kept is right. */
async function file(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE)
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request)
}

/** Files that another app shares are laid down for the page, which is then opened. */
async function shared(request: Request): Promise<Response> {
  const form = await request.formData()
  const files = form.getAll('files').filter((each): each is File => each instanceof File).slice(0, SHARED_MAX)
  await keep(files)
  return Response.redirect(`${PAGE}/import?shared=1`, 303)
}

/** In the page's own database: see `net/db.ts`, which makes it. */
function keep(files: File[]): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.open('fitconnect')
    request.onerror = () => resolve()
    // The page has never been opened: there is nobody to hand them to yet.
    request.onupgradeneeded = () => request.transaction?.abort()
    request.onsuccess = () => {
      const transaction = request.result.transaction('shared', 'readwrite')
      files.forEach((blob, at) => transaction.objectStore('shared').put({ name: blob.name, blob }, at))
      transaction.oncomplete = transaction.onerror = () => {
        request.result.close()
        resolve()
      }
    }
  })
}
