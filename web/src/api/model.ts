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
  PatrolState,
  PictureGroup,
  PictureTrack,
  Position,
  Shift,
  SourceState,
  Storage,
  Told,
} from './types'

export interface Model {
  sequence: number
  now_ns: number
  picture_ns: number
  site_name: string
  origin: Position
  alarms: ReadonlyMap<string, Alarm>
  holds: ReadonlyMap<string, Hold>
  incidents: ReadonlyMap<string, Incident>
  dispatches: ReadonlyMap<string, Dispatch>
  cameras: ReadonlyMap<string, CameraState>
  patrols: ReadonlyMap<string, PatrolState>
  assessments: ReadonlyMap<string, Assessment>
  tracks: ReadonlyMap<string, PictureTrack>
  groups: ReadonlyMap<string, PictureGroup>
  sources: ReadonlyMap<string, SourceState>
  figures: Figures | null
  shift: Shift | null
  exercise: string | null
  storage: Storage | null
}

const byId = <T>(items: readonly T[] | undefined, id: (item: T) => string): ReadonlyMap<string, T> =>
  new Map((items ?? []).map((item) => [id(item), item]))

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
    incidents: byId(state.incidents, (each) => each.incident_id),
    dispatches: byId(state.dispatches, (each) => each.dispatch_id),
    cameras: byId(state.cameras, (each) => each.camera_id),
    patrols: byId(state.patrols, (each) => each.patrol_id),
    assessments: byId(state.assessments, (each) => each.subject_id),
    tracks: byId(state.picture?.tracks, (each) => each.track_id),
    groups: byId(state.picture?.groups, (each) => each.group_id),
    sources: byId(state.picture?.sources, (each) => each.source_id),
    figures: state.figures ?? null,
    shift: state.shift ?? null,
    exercise: state.exercise ?? null,
    storage: state.storage ?? null,
  }
}

const put = <T>(map: ReadonlyMap<string, T>, id: string, item: T): ReadonlyMap<string, T> => new Map(map).set(id, item)

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

/** The model after one event. Each carries the whole new object, so that taking it in twice changes nothing. */
export function withEvent(model: Model, event: DeskEvent): Model {
  switch (event.type) {
    case 'alarm_changed':
      return { ...model, alarms: put(model.alarms, event.alarm.alarm_id, event.alarm) }
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
    case 'patrol_position': {
      const { patrol_id, position, time_ns, sigma_m = 5 } = event
      return { ...model, patrols: put(model.patrols, patrol_id, { patrol_id, position, time_ns, sigma_m }) }
    }
    case 'camera_lost':
      return cameraChanged(model, event.camera_id, (camera) => ({ ...camera, run: 'lost', since_ns: event.time_ns }))
    case 'camera_restored':
      return cameraChanged(model, event.camera_id, (camera) => ({ ...camera, run: 'running', since_ns: event.time_ns }))
    case 'camera_health':
      return cameraChanged(model, event.camera_id, (camera) => {
        const others = (camera.troubles ?? []).filter((trouble) => trouble.kind !== event.kind)
        const trouble = { kind: event.kind, since_ns: event.time_ns, detail: event.detail ?? '' }
        return { ...camera, troubles: event.ended ? others : [...others, trouble] }
      })
    case 'picture_track_point':
      return { ...model, tracks: put(model.tracks, event.track.track_id, event.track) }
    case 'picture_track_lost':
      return { ...model, tracks: without(model.tracks, event.track.track_id) }
    case 'picture_track_ended':
      return { ...model, tracks: without(model.tracks, event.track_id) }
    case 'picture_group_point':
    case 'picture_group_changed':
      return { ...model, groups: put(model.groups, event.group.group_id, event.group) }
    case 'picture_group_ended':
      return { ...model, groups: without(model.groups, event.group_id) }
    default:
      return model
  }
}

/** The events that are news to a model, in order. */
export const newsTo = (model: Model, events: readonly Told[]): Told[] =>
  events.filter((told) => told.sequence > model.sequence)

/** The model after one message of the change feed; null stands for a browser that has nothing yet. */
export function withMessage(model: Model | null, message: FeedMessage): Model | null {
  if (message.type === 'hello') return modelOf(message.state)
  if (model === null) return null
  switch (message.type) {
    case 'events': {
      const next = newsTo(model, message.events).reduce((before, told) => withEvent(before, told.event), model)
      return { ...next, sequence: Math.max(model.sequence, message.sequence) }
    }
    case 'picture': {
      const tracks = new Map(message.whole ? [] : model.tracks)
      const groups = new Map(message.whole ? [] : model.groups)
      for (const track of message.tracks ?? []) tracks.set(track.track_id, track)
      for (const group of message.groups ?? []) groups.set(group.group_id, group)
      for (const id of message.gone ?? []) {
        tracks.delete(id)
        groups.delete(id)
      }
      return { ...model, tracks, groups, picture_ns: message.time_ns }
    }
    case 'pulse':
      return {
        ...model,
        now_ns: message.now_ns,
        figures: message.figures,
        cameras: byId(message.cameras, (each) => each.camera_id),
        storage: message.storage ?? null,
        shift: message.shift === undefined ? model.shift : message.shift,
        exercise: message.exercise === undefined ? model.exercise : message.exercise,
      }
  }
}
