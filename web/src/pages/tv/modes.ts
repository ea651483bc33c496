// What a hall's screen can show of a class.

export const MODES = ['wall', 'board', 'match', 'timer', 'welcome'] as const
export type Mode = (typeof MODES)[number]

export function modeOf(search: string): Mode {
  const asked = new URLSearchParams(search).get('mode')
  return MODES.find((mode) => mode === asked) ?? 'wall'
}

export const nextMode = (mode: Mode): Mode => MODES[(MODES.indexOf(mode) + 1) % MODES.length]!
