// Light, dark, high contrast, or as the system has it. `theme.js` sets it before the first paint; this changes it.

export type Theme = 'auto' | 'light' | 'dark' | 'contrast'
export const THEMES: readonly Theme[] = ['auto', 'light', 'dark', 'contrast']
const KEY = 'fitconnect.theme'

export function themeNow(): Theme {
  const kept = localStorage.getItem(KEY) as Theme | null
  return kept && THEMES.includes(kept) ? kept : 'auto'
}

export function chooseTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme)
  document.documentElement.dataset.theme = theme
}
