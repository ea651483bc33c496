// The zone colours for the canvas; `ui/tokens.css` says the same for the DOM, and a test compares them.

export interface Ink {
  fill: string
  text: string
}

export const CANVAS = '#0B0F14'
export const CARD = '#131A23'
export const RAISED = '#1C2430'
export const LOST = '#11161D'
export const TEXT = '#F2F5F8'
export const MUTED = '#AEB8C4'
export const OUTLINE = '#6B7A8D'
export const DASH = '#8B97A5'

/** Below zone 1, then zones 1 to 5. */
export const ZONES: readonly Ink[] = [
  { fill: RAISED, text: TEXT },
  { fill: '#616469', text: '#FFFFFF' },
  { fill: '#6794FE', text: CANVAS },
  { fill: '#00E3A2', text: CANVAS },
  { fill: '#FFF12F', text: CANVAS },
  { fill: '#EF2F1F', text: CANVAS },
]
