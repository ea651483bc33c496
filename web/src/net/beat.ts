// A timer that goes on while nobody looks at the page.

import address from './beat.worker.ts?worker&url'

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: () => string }): { createScriptURL(asked: string): string }
}

/** Calls again and again, for as long as the page lives. */
export function beat(everyMs: number, call: () => void): void {
  if (typeof Worker === 'undefined') return void setInterval(call, everyMs)
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes
  const worker = new Worker(types?.createPolicy('fitconnect-beat', { createScriptURL: () => address }).createScriptURL('') ?? address, { type: 'module' })
  worker.onmessage = call
  worker.onerror = () => void setInterval(call, everyMs)
  worker.postMessage(everyMs)
}
