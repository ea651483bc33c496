import { expect, test } from 'vitest'
import { listed } from '../src/room/list'

test('where something was written last stands first, silent rooms by their names', () => {
  const rooms = [
    { id: '1', name: 'Yoga' },
    { id: '2', name: 'Team', at: 5 },
    { id: '3', name: 'Gym', at: 9 },
    { id: '4', name: 'Bikes' },
  ]
  expect(listed(rooms).map((each) => each.name)).toEqual(['Gym', 'Team', 'Bikes', 'Yoga'])
  expect(rooms[0]!.name).toBe('Yoga')
})
