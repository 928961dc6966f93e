/** Which alarms there are to act on, and in which order an officer should. */
import type { Alarm, Priority } from '../api/types'

export type Filter = 'all' | 'waiting' | 'standing' | 'held' | 'closed'
export const FILTERS: readonly Filter[] = ['all', 'waiting', 'standing', 'held', 'closed']

const LEVEL: Record<Priority, number> = { high: 0, medium: 1, low: 2 }
const HELD = new Set(['shelved', 'suppressed', 'out_of_service'])

/** Whether nobody has said yet that they have seen it. */
export const waits = (alarm: Alarm): boolean => alarm.state === 'unacknowledged' || alarm.state === 'returned'
export const isHeld = (alarm: Alarm): boolean => HELD.has(alarm.state)
export const isClosed = (alarm: Alarm): boolean => alarm.state === 'closed'

/** Those that wait first, then by priority, then the newest; held back and closed ones after all others. */
export function inOrder(alarms: Iterable<Alarm>): Alarm[] {
  const rank = (alarm: Alarm): number => (isClosed(alarm) ? 3 : isHeld(alarm) ? 2 : waits(alarm) ? 0 : 1)
  return [...alarms].sort(
    (a, b) => rank(a) - rank(b) || LEVEL[a.priority] - LEVEL[b.priority] || b.raised_ns - a.raised_ns,
  )
}

export function passes(alarm: Alarm, filter: Filter): boolean {
  switch (filter) {
    case 'all':
      return !isClosed(alarm) && !isHeld(alarm)
    case 'waiting':
      return waits(alarm)
    case 'standing':
      return !isClosed(alarm)
    case 'held':
      return isHeld(alarm)
    case 'closed':
      return isClosed(alarm)
  }
}
