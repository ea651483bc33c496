// How urgent each kind of item is: 1, a call for help, to 6.

import type { AttentionKind } from '../../proto/protocol'

const RANKS: Record<AttentionKind, number> = {
  sos: 1,
  fell: 2,
  lost_high: 2,
  over_max: 3,
  high: 4,
  sensor_lost: 5,
  receiver_lost: 5,
  out_of_target: 6,
  many_out_of_target: 6,
}

export const rankOf = (kind: AttentionKind): number => RANKS[kind]
