/** What the phone remembers without a link: who it is and the last orders that it heard of. */
import type { Dispatch, Incident, Position, Session } from '../../api/types'

export interface Kept {
  session: Session
  orders: Dispatch[]
  incidents: Incident[]
  origin: Position | null
  heard_ns: number
}

const KEY = 'marsad.patrol'
const SHARING = 'marsad.patrol.sharing'

export function recall(): Kept | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null') as Kept | null
  } catch {
    return null
  }
}

/** Keep it; the token of the session is left out, as it opens what the phone's finder must not open. */
export const keep = (kept: Kept): void =>
  localStorage.setItem(KEY, JSON.stringify({ ...kept, session: { ...kept.session, csrf: '' } }))

export const forget = (): void => {
  localStorage.removeItem(KEY)
  localStorage.removeItem(SHARING)
}

/** Whether the patrol lets its position be reported: a phone that loads the page anew by itself must not fall silent. */
export const isSharing = (): boolean => localStorage.getItem(SHARING) === 'yes'

export const keepSharing = (on: boolean): void =>
  on ? localStorage.setItem(SHARING, 'yes') : localStorage.removeItem(SHARING)
