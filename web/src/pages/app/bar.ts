// The places of the bar below, with their icons: apart from the others, because the bar is there from the first moment.

export const BAR_ICONS = {
  today: 'M4 6h16v14H4zM4 10h16M8 3v5M16 3v5',
  chart: 'M4 20V4M4 20h16M8 16l4-5 3 3 5-7',
  play: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM10 8.500v7l6-3.500z',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c0-4 3.600-6.500 8-6.500s8 2.500 8 6.500',
  chat: 'M4 5h16v11H10l-4 4v-4H4zM8 9.500h8M8 12.500h5',
} as const

export const BAR = [
  ['today', '/app', 'today'],
  ['history', '/app/history', 'chart'],
  ['solo', '/app/solo', 'play'],
  ['chats', '/app/chats', 'chat'],
  ['me', '/app/me', 'person'],
] as const
