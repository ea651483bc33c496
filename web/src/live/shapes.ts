// Icons as path data in a box of 24: the DOM wall makes SVG of them, the canvas wall fills them. No font is asked for a picture.

export const ICONS = {
  heart: 'M12 21C5 15.5 2 12 2 8a5.5 5.5 0 0 1 10-3.2A5.5 5.5 0 0 1 22 8c0 4-3 7.5-10 13z',
  flame: 'M12 2c1 4 6 6.500 6 12a6 6 0 0 1-12 0c0-2.500 1.300-4 2.300-5.300C9 10.500 10 11 11 11c.5-3-.5-6 1-9z',
  star: 'M12 2l3 6.700 7.200.7-5.400 4.900 1.600 7.200L12 17.800 5.600 21.500l1.600-7.200L1.800 9.400 9 8.700z',
  up: 'M12 3l10 18H2z',
  hand: 'M6 12V6a1.500 1.500 0 0 1 3 0v5-7a1.500 1.500 0 0 1 3 0v7-6a1.500 1.500 0 0 1 3 0v7-4a1.500 1.500 0 0 1 3 0v7c0 4-2.500 7-6.500 7S5 19.500 3.500 16L2.500 13.500a1.400 1.400 0 0 1 2.500-1.200z',
  broken: 'M2 12h5l2-5 2 7M13 10l2 8 2-6h5M4 3l16 18',
} as const

export type Icon = keyof typeof ICONS
