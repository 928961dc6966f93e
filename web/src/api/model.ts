/** What the desk shows, as maps by id, and how a message of the change feed or an event of the log changes it. */
import type {
  Alarm,
  Assessment,
  CameraState,
  DeskEvent,
  DeskState,
  Dispatch,
  FeedMessage,
  Figures,
  Hold,
  Incident,
  Lesson,
  PartnerPulse,
  PartnerState,
  PartnerView,
  PatrolState,
  Picture,
  PictureGroup,
  PictureTrack,
  Position,
  PostWatch,
  PutOff,
  RetentionRun,
  Shift,
  SourceState,
  Statement,
  Storage,
  Told,
} from './types'

const NS = 1_000_000_000
/** What is closed is shown for so long, here as at the desk. */
const SHOWN_NS = 86_400 * NS
/** What the partner's panel shows anew at once, and not with the next pulse. */
const SAID = new Set<DeskEvent['type']>(['joint_said', 'joint_heard'])
const ENDED = new Set<Dispatch['state']>(['done', 'refused', 'could_not', 'recalled'])

export interface Model {
  sequence: number
  now_ns: number
  picture_ns: number
  site_name: string
  origin: Position
  alarms: ReadonlyMap<string, Alarm>
  holds: ReadonlyMap<string, Hold>
  lessons: ReadonlyMap<string, Lesson>
  /** The alerts that wait because of a lesson. */
  put_off: ReadonlyMap<string, PutOff>
  incidents: ReadonlyMap<string, Incident>
  dispatches: ReadonlyMap<string, Dispatch>
  cameras: ReadonlyMap<string, CameraState>
  patrols: ReadonlyMap<string, PatrolState>
  /** Posts of which it was said whether somebody keeps watch. */
  posts: ReadonlyMap<string, PostWatch>
  assessments: ReadonlyMap<string, Assessment>
  /** Those that changed since the whole state came, which has none of them. */
  statements: ReadonlyMap<string, Statement>
  tracks: ReadonlyMap<string, PictureTrack>
  groups: ReadonlyMap<string, PictureGroup>
  sources: ReadonlyMap<string, SourceState>
  /** The track that is looked at, as it was last told whole. */
  looked: PictureTrack | null
  figures: Figures | null
  shift: Shift | null
  exercise: string | null
  storage: Storage | null
  retention: RetentionRun | null
  /** The organisation that this desk shares with, where there is one. */
  partner: PartnerState | null
}

const byId = <T>(items: readonly T[] | undefined, id: (item: T) => string): ReadonlyMap<string, T> =>
  new Map((items ?? []).map((item) => [id(item), item]))

const pictured = (picture?: Picture): Pick<Model, 'tracks' | 'groups' | 'sources'> => ({
  tracks: byId(picture?.tracks, (each) => each.track_id),
  groups: byId(picture?.groups, (each) => each.group_id),
  sources: byId(picture?.sources, (each) => each.source_id),
})

/** The model that a whole state stands for. */
export function modelOf(state: DeskState): Model {
  return {
    sequence: state.sequence,
    now_ns: state.now_ns,
    picture_ns: state.picture?.time_ns ?? 0,
    site_name: state.site_name,
    origin: state.origin,
    alarms: byId(state.alarms, (each) => each.alarm_id),
    holds: byId(state.holds, (each) => each.hold_id),
    lessons: byId(state.lessons, (each) => each.lesson_id),
    put_off: byId(state.waiting, (each) => each.alert.alert_id),
    incidents: byId(state.incidents, (each) => each.incident_id),
    dispatches: byId(state.dispatches, (each) => each.dispatch_id),
    cameras: byId(state.cameras, (each) => each.camera_id),
    patrols: byId(state.patrols, (each) => each.patrol_id),
    posts: byId(state.posts, (each) => each.post_id),
    assessments: byId(state.assessments, (each) => each.subject_id),
    statements: new Map(),
    ...pictured(state.picture),
    looked: null,
    figures: state.figures ?? null,
    shift: state.shift ?? null,
    exercise: state.exercise ?? null,
    storage: state.storage ?? null,
    retention: state.retention ?? null,
    partner: state.partner ?? null,
  }
}

const put = <T>(map: ReadonlyMap<string, T>, id: string, item: T): ReadonlyMap<string, T> => new Map(map).set(id, item)

/** Those that changed last stand last. */
function putLast<T>(map: ReadonlyMap<string, T>, id: string, item: T): ReadonlyMap<string, T> {
  const next = new Map(map)
  next.delete(id)
  return next.set(id, item)
}

function without<T>(map: ReadonlyMap<string, T>, id: string): ReadonlyMap<string, T> {
  if (!map.has(id)) return map
  const left = new Map(map)
  left.delete(id)
  return left
}

function cameraChanged(model: Model, camera_id: string, change: (camera: CameraState) => CameraState): Model {
  const known = model.cameras.get(camera_id)
  return known ? { ...model, cameras: put(model.cameras, camera_id, change(known)) } : model
}

/** A camera with a trouble, which may be told of more than once and then counts from the first time. */
function troubled(camera: CameraState, kind: string, time_ns: number, detail: string): CameraState {
  const before = (camera.troubles ?? []).find((trouble) => trouble.kind === kind)
  const trouble = { kind, since_ns: before?.since_ns ?? time_ns, detail }
  const troubles = [...mended(camera, kind).troubles, trouble].sort((a, b) => (a.kind < b.kind ? -1 : 1))
  return { ...camera, troubles }
}

function mended(camera: CameraState, kind: string): CameraState & Required<Pick<CameraState, 'troubles'>> {
  return { ...camera, troubles: (camera.troubles ?? []).filter((trouble) => trouble.kind !== kind) }
}

/** How a camera's process does; a new one knows nothing of the old one's troubles with the picture. */
function runs(camera: CameraState, event: Extract<DeskEvent, { type: 'camera_run_changed' }>): CameraState {
  const { run, restarts = 0, time_ns } = event
  const since_ns = run === camera.run ? camera.since_ns : time_ns
  const anew = run === 'starting' ? { troubles: [], seen_ns: null } : {}
  return { ...camera, run, restarts, since_ns, ...anew }
}

/** The model after an event about a camera or a source; undefined where it is about neither. */
function withCamera(model: Model, event: DeskEvent): Model | undefined {
  switch (event.type) {
    case 'camera_run_changed':
      return cameraChanged(model, event.camera_id, (camera) => runs(camera, event))
    case 'camera_lost':
      return cameraChanged(model, event.camera_id, (camera) =>
        troubled(camera, 'no_picture', event.time_ns, event.detail),
      )
    case 'camera_restored':
      return cameraChanged(model, event.camera_id, (camera) => mended(camera, 'no_picture'))
    case 'camera_health':
      return cameraChanged(model, event.camera_id, (camera) =>
        event.ended ? mended(camera, event.kind) : troubled(camera, event.kind, event.time_ns, event.detail ?? ''),
      )
    case 'source_trust_changed': {
      const { source } = event
      const told = { ...model, sources: put(model.sources, source.source_id, source) }
      return cameraChanged(told, source.source_id, (camera) =>
        source.trusted ?? true
          ? mended(camera, 'not_trusted')
          : troubled(camera, 'not_trusted', event.time_ns, source.reason ?? ''),
      )
    }
    default:
      return undefined
  }
}

/** The model after an event about the picture; undefined where it is not. */
function withPicture(model: Model, event: DeskEvent): Model | undefined {
  switch (event.type) {
    case 'picture_started':
      return (event.resumed ?? null) === null ? { ...model, ...pictured() } : model
    case 'picture_kept':
      return { ...model, ...pictured(event.picture) }
    case 'picture_track_point':
    case 'picture_track_lost':
      return { ...model, tracks: put(model.tracks, event.track.track_id, event.track) }
    case 'picture_track_ended':
      return { ...model, tracks: without(model.tracks, event.track_id) }
    case 'picture_group_point':
    case 'picture_group_changed':
      return { ...model, groups: put(model.groups, event.group.group_id, event.group) }
    case 'picture_group_ended':
      return { ...model, groups: without(model.groups, event.group_id) }
    default:
      return undefined
  }
}

/** The model after an event about what those on watch have said; undefined where it is not. */
function withWatchKeeping(model: Model, event: DeskEvent): Model | undefined {
  switch (event.type) {
    case 'patrol_position': {
      const { patrol_id, position, time_ns, sigma_m = 5 } = event
      // A phone that was without a link sends what it had kept: an older place does not replace a newer one.
      if ((model.patrols.get(patrol_id)?.time_ns ?? time_ns) > time_ns) return model
      return { ...model, patrols: put(model.patrols, patrol_id, { patrol_id, position, sigma_m, time_ns }) }
    }
    case 'assessed':
      return { ...model, assessments: put(model.assessments, event.assessment.subject_id, event.assessment) }
    case 'exercise_changed':
      return { ...model, exercise: event.name || null }
    case 'shift_taken':
      return { ...model, shift: event.shift }
    case 'post_kept':
      return { ...model, posts: put(model.posts, event.watch.post_id, event.watch) }
    case 'statement_changed':
      return { ...model, statements: put(model.statements, event.statement.statement_id, event.statement) }
    default:
      return undefined
  }
}

/** The model after an event about the partner; what was told and said is asked for, and comes with places. */
function withPartner(model: Model, event: DeskEvent): Model | undefined {
  const { partner } = model
  if (!partner) return undefined
  switch (event.type) {
    case 'link_turned':
      return { ...model, partner: { ...partner, link: { ...partner.link, state: event.state, reason: event.reason ?? '' } } }
    case 'releases_stopped':
      return { ...model, partner: { ...partner, stop: event.stop } }
    case 'emergency_released': {
      const others = (partner.emergencies ?? []).filter((each) => each.act_id !== event.act.act_id)
      return { ...model, partner: { ...partner, emergencies: [...others, event.act] } }
    }
    default:
      return undefined
  }
}

/** The model after an event about what marks of nuisance ask for, or about what is erased; undefined where it is not. */
function withRule(model: Model, event: DeskEvent): Model | undefined {
  switch (event.type) {
    case 'lesson_changed': {
      const { lesson, happening } = event
      const over = happening === 'ended' || happening === 'expired'
      const { lessons } = model
      return { ...model, lessons: over ? without(lessons, lesson.lesson_id) : put(lessons, lesson.lesson_id, lesson) }
    }
    case 'alert_waits': {
      const { waiting, happening } = event
      const { alert_id } = waiting.alert
      const waits = happening === 'waits' || happening === 'aside'
      return { ...model, put_off: waits ? put(model.put_off, alert_id, waiting) : without(model.put_off, alert_id) }
    }
    case 'retention_ran':
      return { ...model, retention: event.run }
    default:
      return undefined
  }
}

/** The model after one event of the log. Each carries the whole new object: taking it in twice changes nothing. */
export const withEvent = (model: Model, event: DeskEvent): Model => withPicture(model, event) ?? withFact(model, event)

/** The same but for the picture, which the change feed tells by itself, newer than the log has it. */
function withFact(model: Model, event: DeskEvent): Model {
  switch (event.type) {
    case 'alarm_changed':
      return { ...model, alarms: putLast(model.alarms, event.alarm.alarm_id, event.alarm) }
    case 'hold_changed':
      return {
        ...model,
        holds: event.ended
          ? without(model.holds, event.hold.hold_id)
          : put(model.holds, event.hold.hold_id, event.hold),
      }
    case 'incident_changed':
      return { ...model, incidents: put(model.incidents, event.incident.incident_id, event.incident) }
    case 'dispatch_changed':
      return { ...model, dispatches: put(model.dispatches, event.dispatch.dispatch_id, event.dispatch) }
    default:
      return withRule(model, event) ?? withWatchKeeping(model, event) ?? withCamera(model, event) ?? withPartner(model, event) ?? model
  }
}

function kept<T>(map: ReadonlyMap<string, T>, keep: (item: T) => boolean): ReadonlyMap<string, T> {
  const left = [...map].filter(([, item]) => keep(item))
  return left.length === map.size ? map : new Map(left)
}

/** The model at a moment, without what was over long before. */
export function at(model: Model, now_ns: number): Model {
  const fresh = (each: { changed_ns: number }): boolean => each.changed_ns >= now_ns - SHOWN_NS
  const incidents = kept(model.incidents, (each) => each.state !== 'closed' || fresh(each))
  return {
    ...model,
    now_ns,
    incidents,
    alarms: kept(model.alarms, (each) => each.state !== 'closed' || fresh(each)),
    dispatches: kept(model.dispatches, (each) => !ENDED.has(each.state) || incidents.has(each.incident_id) || fresh(each)),
    assessments: kept(model.assessments, (each) => each.until_ns > now_ns),
  }
}

/** The events that are news to a model, in order. */
export const newsTo = (model: Model, events: readonly Told[]): Told[] =>
  events.filter((told) => told.sequence > model.sequence)

/** A track with what the feed leaves out of most, where that was asked for. */
function filled(track: PictureTrack, looked: PictureTrack | null): PictureTrack {
  if (!track.brief || track.track_id !== looked?.track_id) return track
  const { contributors = [], corridor = [], approaches = [] } = looked
  return { ...track, contributors, corridor, approaches }
}

/** The model once a track has been told whole; where it is, the feed may have told since. */
export function withLook(model: Model, looked: PictureTrack): Model {
  const told = model.tracks.get(looked.track_id)
  return told ? { ...model, looked, tracks: put(model.tracks, looked.track_id, filled(told, looked)) } : model
}

/** The partner as it is after a pulse, which tells of the link alone; what is new of the rest is asked for. */
const pulsed = (partner: PartnerState | null, pulse: PartnerPulse | null | undefined): PartnerState | null =>
  partner && pulse ? { ...partner, link: pulse.link } : null

/** The model once all of the partner has been asked for. */
export const withPartnerView = (model: Model, { state, joint, revision = 0 }: PartnerView): Model => ({
  ...model,
  partner: { ...state, joint, revision },
})

/** Whether there is more of the partner to be asked for after a message. */
export function asksForPartner(model: Model | null, message: FeedMessage): boolean {
  const { partner } = model ?? {}
  if (message.type === 'hello') return Boolean(message.state.partner)
  if (message.type === 'events') return message.events.some(({ event }) => SAID.has(event.type))
  return message.type === 'pulse' && Boolean(message.partner) && message.partner?.revision !== partner?.revision
}

/** The model after one message of the change feed; null stands for a browser that has nothing yet. */
export function withMessage(model: Model | null, message: FeedMessage): Model | null {
  if (message.type === 'hello') {
    const next = modelOf(message.state)
    // What was said is asked for anew; until it comes, what was known of it stays.
    return next.partner ? { ...next, partner: { ...next.partner, joint: model?.partner?.joint ?? null } } : next
  }
  if (model === null) return null
  switch (message.type) {
    case 'events': {
      const next = newsTo(model, message.events).reduce((before, told) => withFact(before, told.event), model)
      return { ...next, sequence: Math.max(model.sequence, message.sequence) }
    }
    case 'picture': {
      const tracks = new Map(message.whole ? [] : model.tracks)
      const groups = new Map(message.whole ? [] : model.groups)
      for (const track of message.tracks ?? []) tracks.set(track.track_id, filled(track, model.looked))
      for (const group of message.groups ?? []) groups.set(group.group_id, group)
      for (const id of message.gone ?? []) {
        tracks.delete(id)
        groups.delete(id)
      }
      return { ...model, tracks, groups, picture_ns: message.time_ns }
    }
    case 'pulse':
      return {
        ...at(model, message.now_ns),
        figures: message.figures,
        cameras: byId(message.cameras, (each) => each.camera_id),
        storage: message.storage ?? null,
        partner: pulsed(model.partner, message.partner),
      }
  }
}
