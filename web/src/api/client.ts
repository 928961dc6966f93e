/** Calls to the server: the session, acts, and what is read once. Every failure becomes a `CallError` that can be worded. */
import type {
  Brief,
  Closure,
  Coverable,
  DeskState,
  Done,
  JointGround,
  NamedAct,
  Option,
  PartnerView,
  PictureTrack,
  Role,
  Session,
  Site,
  Statement,
  Stored,
  Teaching,
  Told,
} from './types'

/** Why a call came to nothing. `offline` is no answer at all; the others are the server's own answers. */
export type Failure = 'offline' | 'input' | 'signed_out' | 'role' | 'refused' | 'too_many' | 'unavailable' | 'server'

export class CallError extends Error {
  constructor(
    readonly failure: Failure,
    message: string,
    readonly retry_s = 0,
  ) {
    super(message)
  }

  /** Whether the same call may succeed later. */
  get passing(): boolean {
    return this.failure === 'offline' || this.failure === 'unavailable' || this.failure === 'too_many'
  }
}

const FAILURES: Record<number, Failure> = {
  400: 'input',
  401: 'signed_out',
  403: 'role',
  404: 'input',
  409: 'refused',
  422: 'input',
  429: 'too_many',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
}

let csrf = ''

async function problemOf(answer: Response): Promise<CallError> {
  const body = (await answer.json().catch(() => ({}))) as { message?: string; detail?: string }
  const retry = Number(answer.headers.get('Retry-After') ?? 0)
  return new CallError(FAILURES[answer.status] ?? 'server', body.message ?? body.detail ?? '', retry)
}

async function call<T>(path: string, method = 'GET', body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (method !== 'GET') headers['X-CSRF-Token'] = csrf
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  let answer: Response
  try {
    answer = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? null : JSON.stringify(body),
    })
  } catch {
    throw new CallError('offline', '')
  }
  if (!answer.ok) throw await problemOf(answer)
  return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T)
}

/** Set while somebody has left here and the server has not heard of it. */
const LEAVING = 'marsad.leaving'

/** Who is signed in; also takes in the token that every change must carry. Whoever left unheard leaves first. */
export async function session(): Promise<Session> {
  const found = await tokenOf()
  if (!found.name || !window.localStorage.getItem(LEAVING)) return found
  await leave()
  return tokenOf()
}

async function tokenOf(): Promise<Session> {
  const found = await call<Session>('/api/session')
  csrf = found.csrf
  return found
}

async function leave(): Promise<void> {
  await call('/api/session', 'DELETE')
  window.localStorage.removeItem(LEAVING)
}

export async function signIn(name: string, password: string): Promise<Session> {
  await call('/api/session', 'POST', { name, password })
  window.localStorage.removeItem(LEAVING)
  return session()
}

/** End the session; where the server is silent, as soon as this browser hears of it again. */
export async function signOut(): Promise<void> {
  window.localStorage.setItem(LEAVING, '1')
  await leave().catch(() => undefined)
}

export async function firstRun(name: string, password: string): Promise<Session> {
  await call('/api/first-run', 'POST', { name, password })
  const found = await session()
  return found.name ? found : signIn(name, password)
}

export interface Account {
  name: string
  role: Role
  patrol_id?: string
  disabled?: boolean
}
export interface NewAccount {
  name: string
  password: string
  role: Role
  patrol_id: string
}
export interface AccountChange {
  role?: Role
  disabled?: boolean
  password?: string
}
/** The shortest password that the server takes. */
export const PASSWORD_LEAST = 12

export const accounts = (): Promise<Account[]> => call('/api/accounts')
export const makeAccount = (made: NewAccount): Promise<Account> => call('/api/accounts', 'POST', made)
export const changeAccount = (name: string, changed: AccountChange): Promise<Account> =>
  call(`/api/accounts/${encodeURIComponent(name)}`, 'PATCH', changed)
export async function changePassword(old: string, fresh: string): Promise<void> {
  csrf = (await call<Session>('/api/session/password', 'POST', { old, new: fresh })).csrf || csrf
}

export const closure = (): Promise<{ closure?: Closure | null }> => call('/api/closure')
export const site = (): Promise<Site> => call('/api/site')
export const stateAt = (time_ns: number): Promise<DeskState> => call(`/api/state?at=${ns(time_ns)}`)
/** The partner and what both said, now or as it was. */
export const partner = (time_ns?: number): Promise<PartnerView> =>
  call(time_ns === undefined ? '/api/partner' : `/api/partner?at=${ns(time_ns)}`)
/** All that is known of one track, as it is now. */
export const track = (track_id: string): Promise<PictureTrack> =>
  call(`/api/tracks/${encodeURIComponent(track_id)}`)
export async function eventsBetween(from_ns: number, to_ns: number): Promise<Told[]> {
  const stored = await call<Stored[]>(`/api/events?from=${ns(from_ns)}&to=${ns(to_ns)}`)
  return stored.filter((each): each is Told => each.event !== null)
}
/** Do it. A server that was started again has new tokens: the act is sent once more with today's. */
export async function act(body: NamedAct): Promise<Done> {
  try {
    return await call<Done>('/api/acts', 'POST', body)
  } catch (error) {
    const before = csrf
    if (!(error instanceof CallError) || error.failure !== 'role') throw error
    await session()
    if (csrf === before) throw error
    return call<Done>('/api/acts', 'POST', body)
  }
}

export const options = (of: 'alarms' | 'incidents', id: string): Promise<Option[]> =>
  call(`/api/${of}/${encodeURIComponent(id)}/options`)

/** What this officer's mark of nuisance would teach. */
export const teaching = (alarm_id: string): Promise<Teaching> => call(`/api/alarms/${encodeURIComponent(alarm_id)}/teaching`)

const spanOf = (from_ns: number, to_ns: number): string => `from=${ns(from_ns)}&to=${ns(to_ns)}`
export const brief = (from_ns: number, to_ns: number): Promise<Brief> => call(`/api/brief?${spanOf(from_ns, to_ns)}`)
/** The addresses of what can be had on paper. */
export const briefPaper = (from_ns: number, to_ns: number, language: string): string =>
  `/api/brief.pdf?${spanOf(from_ns, to_ns)}&language=${language}`
export const recordPaper = (incident_id: string, language: string): string =>
  `/api/incidents/${encodeURIComponent(incident_id)}/record.pdf?language=${language}`
export const statementPaper = (statement_id: string, place: string): string =>
  `/api/statements/${encodeURIComponent(statement_id)}/statement.pdf?place=${encodeURIComponent(place)}`
export const capMessage = (incident_id: string, place: string): string =>
  `/api/incidents/${encodeURIComponent(incident_id)}/cap.xml?place=${encodeURIComponent(place)}`
export const statements = (incident_id: string): Promise<Statement[]> =>
  call(`/api/incidents/${encodeURIComponent(incident_id)}/statements`)

export interface FilmSpan {
  from_ns: number
  to_ns: number
}

export const film = (camera_id: string, from_ns: number, to_ns: number): Promise<FilmSpan[]> =>
  call(`/api/cameras/${encodeURIComponent(camera_id)}/film?from=${ns(from_ns)}&to=${ns(to_ns)}`)

/** A time as the address carries it: whole nanoseconds, in digits. */
export const ns = (time_ns: number): string => BigInt(Math.round(time_ns)).toString()

/** What both agreed of the ground: posts, who keeps watch, what nobody covers, where patrols may meet. */
export const jointGround = (): Promise<JointGround> => call('/api/partner/ground')

/** What could be offered to the partner to be kept in view; it takes a while. */
export const coverable = (): Promise<Coverable> => call('/api/partner/coverage')
