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

/** What we, who are not the `partner`, may say of a matter now. */
export function answersTo(thing: JointThing, partner: string): CourseHappening[] {
  const { states, sides } = TABLES[thing.course]
  if (FINAL.has(thing.opened.body.type)) return []
  const us = thing.opened.author === partner ? 'other' : 'opener'
  const possible = Object.keys(states[thing.state] ?? {}) as CourseHappening[]
  return possible.filter((says) => !NOBODYS.has(says) && ['either', us].includes(sides[says] ?? ''))
}

/** Whether nothing more is to be said of it by anybody. */
export const isOver = (thing: JointThing): boolean => {
  const { states } = TABLES[thing.course]
  return !Object.keys(states[thing.state] ?? {}).length || ['answered', 'declined'].includes(thing.state)
}
