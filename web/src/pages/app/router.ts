// The places of the member's pages. A new build is taken when one moves between them, never in a class that runs.

import { Router } from '../../ui/router.svelte'
import { updateReady } from '../../ui/session.svelte'
import { takeUpdate } from './worker'

export type Place = 'today' | 'live' | 'solo' | 'history' | 'summary' | 'import' | 'chats' | 'inbox' | 'me'

let busy = false

/** Whether a class runs here now: then nothing is loaded anew. */
export function setBusy(now: boolean): void {
  busy = now
}
export const isBusy = (): boolean => busy

export const router = new Router<Place>(
  '/app',
  {
    today: '/',
    live: '/class/:id',
    solo: '/solo',
    history: '/history',
    summary: '/history/:id',
    import: '/import',
    chats: '/chats/:id?',
    inbox: '/inbox',
    me: '/me',
  },
  (to) => {
    if (!updateReady() || busy) return false
    void takeUpdate(to)
    return true
  },
)
