import type { FilmMessages } from './messages'

export const en: FilmMessages = {
  label: 'Looking back',
  back: '−30 s',
  on: '+30 s',
  play: 'Go on',
  pause: 'Freeze',
  place: 'Moment of the class',
  at: (here, of) => `${here} of ${of}`,
  speed: 'Speed',
  alarmBefore: 'The alarm before',
  alarmAfter: 'The next alarm',
  live: 'Back to now',
  close: 'To the results',
  loading: 'Loading the recording…',
  failed: 'The recording does not load, trying again.',
}
