// The service worker: it keeps the pages for when the network is away. It is named to the browser as the page's policy demands.

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string }
}

const WORKER = '/sw.js'

export function watchWorker(): void {
  // Where pages are served from sources there is no worker.
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes
  const url = types ? types.createPolicy('fitconnect-worker', { createScriptURL: (asked) => (asked === WORKER ? asked : '') }).createScriptURL(WORKER) : WORKER
  navigator.serviceWorker.register(url, { scope: '/', updateViaCache: 'none' }).catch((error) => console.warn('no service worker', error))
}

/** At a safe moment: a newer worker takes over, and the page begins anew. */
export async function takeUpdate(to: string = location.href): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration().catch(() => undefined)
  await registration?.update().catch(() => {})
  registration?.waiting?.postMessage('take over')
  location.assign(to)
}
