// The keys of the desk, by their place on the keyboard: they are the same with a Russian layout.

export interface Keys {
  startOrPause(): void
  next(): void
  adjust(by: number): void
  undo(): void
  acknowledge(): void
  zone(zone: number): void
  freeze(): void
  tell(): void
  screen(): void
  screens(): void
  chat(): void
  chats(): void
  /** Looks back, so many steps; on, where it is more than none. */
  look(steps: number): void
  /** Back to what is now. */
  now(): void
}

/** Among the people on the wall arrows go from one to the next. */
const moves = (target: HTMLElement) => target.closest('.frame') !== null

export function press(event: KeyboardEvent, keys: Keys): void {
  const target = event.target as HTMLElement
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || target.matches('input, select, textarea')) return
  // Space and Enter belong to the button that has the focus.
  if (event.code === 'Space' && target.matches('button, a, summary')) return
  const zone = /^(?:Digit|Numpad)([1-5])$/.exec(event.code)
  if (zone) keys.zone(Number(zone[1]))
  else if (event.code === 'Space') keys.startOrPause()
  else if (event.code === 'KeyN') keys.next()
  else if (event.code === 'BracketLeft') keys.adjust(-15)
  else if (event.code === 'BracketRight') keys.adjust(15)
  else if (event.code === 'KeyU') keys.undo()
  else if (event.code === 'KeyA') keys.acknowledge()
  else if (event.code === 'KeyF') keys.freeze()
  else if (event.code === 'KeyB') keys.tell()
  else if (event.code === 'KeyT') keys.screen()
  else if (event.code === 'KeyP') keys.screens()
  else if (event.code === 'KeyC') keys.chat()
  else if (event.code === 'KeyM') keys.chats()
  else if (event.code === 'ArrowLeft' && !moves(target)) keys.look(-1)
  else if (event.code === 'ArrowRight' && !moves(target)) keys.look(1)
  else if (event.code === 'Escape') keys.now()
  else return
  event.preventDefault()
}
