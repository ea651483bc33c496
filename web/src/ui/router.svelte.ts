// Where one is: the path below a page's base, as state. Links of the page are followed without loading; focus and scroll go along.

import { tick } from 'svelte'
import { match, type Route, type Routes } from './match'

export class Router<Name extends string> {
  private path = $state(location.pathname)
  private query = $state(location.search)
  private readonly guards = new Set<() => boolean>()

  constructor(
    /** `/app`, without a slash at its end. */
    readonly base: string,
    private readonly routes: Routes<Name>,
    /** Called before another place is shown: it may load the page anew instead, and says so. */
    private readonly moving: (to: string) => boolean = () => false,
  ) {
    addEventListener('popstate', () => this.show())
    document.addEventListener('click', (event) => this.clicked(event))
  }

  get route(): Route<Name> {
    return match(this.path.slice(this.base.length) || '/', this.routes)
  }

  get search(): URLSearchParams {
    return new URLSearchParams(this.query)
  }

  /** `to` is a path below the base. */
  go(to: string, replace = false): void {
    const path = this.base + (to === '/' ? '' : to)
    if (path === location.pathname + location.search) return
    if ([...this.guards].some((guard) => !guard())) return
    if (this.moving(path)) return
    history[replace ? 'replaceState' : 'pushState'](null, '', path)
    this.show()
  }

  /** Changes what stands behind `?` without moving. */
  setSearch(values: Record<string, string>): void {
    const search = new URLSearchParams(location.search)
    for (const [key, value] of Object.entries(values)) value ? search.set(key, value) : search.delete(key)
    const text = search.toString()
    history.replaceState(null, '', location.pathname + (text && `?${text}`))
    this.query = location.search
  }

  /** Asked before one leaves by a link; false holds one back. */
  beforeLeave(guard: () => boolean): () => void {
    this.guards.add(guard)
    return () => this.guards.delete(guard)
  }

  private show(): void {
    const moved = this.path !== location.pathname
    this.path = location.pathname
    this.query = location.search
    if (moved) void settle()
  }

  private clicked(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = (event.target as Element).closest?.('a')
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
    if (link.pathname !== this.base && !link.pathname.startsWith(`${this.base}/`)) return
    if (link.hash && link.pathname === location.pathname) return
    event.preventDefault()
    this.go((link.pathname.slice(this.base.length) || '/') + link.search)
  }
}

/** A new place begins at its top, with the focus on its heading. */
async function settle(): Promise<void> {
  await tick()
  scrollTo(0, 0)
  const heading = document.querySelector<HTMLElement>('main h1')
  heading?.setAttribute('tabindex', '-1')
  heading?.focus({ preventScroll: true })
}
