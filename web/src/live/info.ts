// What header and plan bar are drawn from: replaced as a whole when any of it changes.

import type { ClassSnapshot, Phase, PlanView } from '../proto/protocol'

export interface ClassInfo {
  snapshot: ClassSnapshot
  phase: Phase
  plan: PlanView
  reason?: string
}
