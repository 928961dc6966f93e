/** What may be answered to a joint matter as it stands: the server's own tables, which a test holds these against. */
import type { Course, CourseHappening, CourseState, JointBody, JointThing } from '../api/types'
import tables from './courses.json'

interface Table {
  states: Partial<Record<CourseState, Partial<Record<CourseHappening, CourseState>>>>
  sides: Partial<Record<CourseHappening, string>>
}
const TABLES = tables as Record<Course, Table>
/** What comes with time, or is said by the software of whoever gets it, is no button. */
const NOBODYS = new Set<CourseHappening>(['expired', 'received'])
/** What was wrong stays wrong: these are never ended. */
const FINAL = new Set<JointBody['type']>(['recall', 'correction'])

/** Who looks at a matter: whose `partner` the other side is, when, and what is being played, if anything. */
export interface Onlooker {
  partner: string
  now_ns: number
  exercise?: string
}

/** What may be said of a matter now by us, who are not the partner; nothing of what is played while it is not, or the other way round. */
export function answersTo(thing: JointThing, { partner, now_ns, exercise = '' }: Onlooker): CourseHappening[] {
  const { states, sides } = TABLES[thing.course]
  const { author, body, exercise: played = '' } = thing.opened
  if (FINAL.has(body.type) || played !== exercise) return []
  const us = author === partner ? 'other' : 'opener'
  const possible = Object.keys(states[stateAt(thing, now_ns)] ?? {}) as CourseHappening[]
  return possible.filter((says) => !NOBODYS.has(says) && ['either', us].includes(sides[says] ?? ''))
}

/** How it stands by now, for its time may have run out since it was told. */
function stateAt({ course, state, opened: { body } }: JointThing, now_ns: number): CourseState {
  const over = 'until_ns' in body && now_ns > body.until_ns
  return (over ? TABLES[course].states[state]?.expired : undefined) ?? state
}

/** Whether nothing more is to be said of it by anybody. */
export const isOver = (thing: JointThing): boolean => {
  const { states } = TABLES[thing.course]
  return !Object.keys(states[thing.state] ?? {}).length || ['answered', 'declined'].includes(thing.state)
}
