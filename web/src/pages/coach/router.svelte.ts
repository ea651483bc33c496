// Where one is in the trainer's pages: a class, or the chats. Links of the page are followed without loading. A new build is taken when
// one moves. The member's router is not shared: three places need no table, and it would be a chunk more for the phone.

import { tick } from 'svelte'
import { updateReady } from '../../ui/session.svelte'
import { type Where, whereIs } from './where'

const look = () => whereIs(location.pathname, location.search)

let where = $state.raw<Where>(look())
let shown = location.pathname

export const whereNow = () => where

/** `to` is a path of these pages, with what stands behind `?`. */
export function go(to: string): void {
  if (to === location.pathname + location.search) return
  if (updateReady()) return location.assign(to)
  history.pushState(null, '', to)
  void show()
}

let moving = false

async function show() {
  where = look()
  if (shown === location.pathname) return
  shown = location.pathname
  moving = true
  await tick()
  settle()
}

/** A new place begins at its top, with the focus on its heading; one that had to be loaded says when it is there. */
export function settle(): void {
  const heading = document.querySelector<HTMLElement>('main h1')
  if (!moving || !heading) return
  moving = false
  scrollTo(0, 0)
  heading.setAttribute('tabindex', '-1')
  heading.focus({ preventScroll: true })
}

addEventListener('popstate', () => void show())
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = (event.target as Element).closest?.('a')
  if (!link || link.target || link.hash || link.origin !== location.origin || !/^\/coach(\/|$)/.test(link.pathname)) return
  event.preventDefault()
  go(link.pathname + link.search)
})
