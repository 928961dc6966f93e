/** Everything that moves or is labelled on the map, as marks to be drawn: made anew whenever the desk changes. */
import type { Alarm, GroundState, Kind, PictureGroup, PictureTrack, Position, Priority, Waypoint } from '../api/types'
import type { Selection, SelectionKind } from '../ui/selection'
import { axes95, EnuFrame, mercator, mercatorPerMetre, type Point } from './geodesy'
import { sidc } from './symbols'
import type { Trail, Trails } from './trails'
import type { MapDesk } from './types'

export type MarkKind = Exclude<SelectionKind, 'alarm'>

export interface Mark {
  key: string
  kind: MarkKind
  id: string
  /** Place in the square map, and height above the elevation data's zero. */
  x: number
  y: number
  height_m: number
  latitude_deg: number
  longitude_deg: number
  /** An APP-6 symbol, or one of the map's own shapes. */
  sidc?: string
  shape?: 'camera' | 'incident' | 'meeting' | 'animal'
  /** Which way a camera looks or something moves, radians clockwise from north. */
  heading_rad?: number
  speed_m_s?: number
  size: number
  alpha: number
  label: string
  /** A second line, told of what is selected. */
  more: string
  inside?: string
  weight: number
  /** Half-axes of the ellipse of 95 % in the square map. */
  ellipse?: readonly [Point, Point]
  trail?: Trail
  corridor?: Float64Array
  alarm?: Priority
  waiting?: boolean
  selected: boolean
  down?: boolean
}

export interface Link {
  from: Point
  to: Point
  dashed: boolean
}

export interface Scene {
  marks: Mark[]
  links: Link[]
}

/** Words for what is on the map, in the officer's language. */
export interface Words {
  kind(kind: Kind): string
  count(low: number, high: number): string
  unseen(seconds: number): string
  moving(speed_m_s: number, heading_rad: number): string
  incident(kind: string): string
  meeting(seconds: number): string
}

interface Geometry {
  x: number
  y: number
  ellipse: readonly [Point, Point]
}

const UNSEEN_S = 10
/** Of so many tracks at the most every predicted corridor is drawn; of more, those of alarms and the selected one. */
const MOST_CORRIDORS = 40
const PRIORITY: Record<Priority, number> = { high: 3, medium: 2, low: 1 }
/** So many standard deviations of a predicted place to either side. */
const CORRIDOR_SIGMAS = 2

const mercatorOf = (position: Position): Point => mercator(position.latitude_deg, position.longitude_deg)

export class SceneMaker {
  readonly #geometry = new WeakMap<GroundState, Geometry>()
  readonly #corridors = new WeakMap<readonly Waypoint[], Float64Array>()
  #frame: EnuFrame | null = null
  #origin: Position | null = null

  make(desk: MapDesk, selection: Selection | null, trails: Trails, words: Words, show: { trails: boolean; corridors: boolean }): Scene {
    if (desk.origin && desk.origin !== this.#origin) {
      this.#origin = desk.origin
      this.#frame = new EnuFrame(desk.origin)
    }
    words = remembered(words)
    const alarms = standing(desk.alarms)
    const picked = pickedSubjects(selection, desk)
    const marks: Mark[] = []
    const corridors = show.corridors && desk.tracks.size <= MOST_CORRIDORS
    const hidden = new Set<string>()
    for (const group of desk.groups.values()) {
      if (picked.has(`group ${group.group_id}`) || group.members.some((id) => picked.has(`track ${id}`))) continue
      for (const id of group.members) hidden.add(id)
    }
    for (const group of desk.groups.values()) {
      const mark = this.#moving(group, 'group', group.group_id, group.time_ns, desk, words)
      this.#dress(mark, group, alarms.get(group.group_id), picked, trails, show.trails, corridors, words)
      mark.inside = words.count(group.count.best, group.count.best)
      marks.push(mark)
    }
    for (const track of desk.tracks.values()) {
      if (track.status === 'lost' || hidden.has(track.track_id)) continue
      const mark = this.#moving(track, 'track', track.track_id, track.seen_ns, desk, words)
      this.#dress(mark, track, alarms.get(track.track_id), picked, trails, show.trails, corridors, words)
      if (track.status === 'tentative') mark.alpha *= 0.6
      marks.push(mark)
    }
    const links: Link[] = []
    this.#fixed(desk, picked, marks)
    this.#response(desk, picked, words, marks, links)
    return { marks, links }
  }

  #moving(
    moving: PictureTrack | PictureGroup,
    kind: 'track' | 'group',
    id: string,
    seen_ns: number,
    desk: MapDesk,
    words: Words,
  ): Mark {
    const { x, y, ellipse } = this.#geometryOf(moving.ground)
    const unseen_s = Math.max(0, (desk.now_ns - seen_ns) / 1e9)
    const old = unseen_s >= UNSEEN_S
    const standing = moving.standing ?? 'unknown'
    const count = moving.count
    const many = kind === 'track' && count && count.high > 1 ? ` ${words.count(count.low, count.high)}` : ''
    const named = moving.standing_id ? moving.standing_id : words.kind(kind === 'group' && moving.kind === 'person' ? 'group' : moving.kind)
    const { position } = moving.ground
    const mark: Mark = {
      key: `${kind} ${id}`,
      kind,
      id,
      x,
      y,
      height_m: position.height_m ?? 0,
      latitude_deg: position.latitude_deg,
      longitude_deg: position.longitude_deg,
      size: kind === 'group' ? 24 : 19,
      alpha: old ? Math.max(0.35, 1 - (unseen_s - UNSEEN_S) / 60) : 1,
      label: named + many + (old ? ` · ${words.unseen(unseen_s)}` : ''),
      more: '',
      weight: standing === 'unknown' ? 2 : 1,
      ellipse,
      selected: false,
    }
    if (moving.kind === 'animal' || moving.kind === 'vegetation') {
      mark.shape = 'animal'
      mark.weight = 0
    } else {
      mark.sidc = sidc(kind === 'group' && moving.kind === 'person' ? 'group' : moving.kind, standing, desk.exercise !== null)
    }
    if (moving.heading_rad != null) {
      mark.heading_rad = moving.heading_rad
      mark.speed_m_s = moving.speed_m_s ?? 0
    }
    return mark
  }

  #dress(
    mark: Mark,
    moving: PictureTrack | PictureGroup,
    alarm: Alarm | undefined,
    picked: ReadonlySet<string>,
    trails: Trails,
    withTrail: boolean,
    withCorridor: boolean,
    words: Words,
  ): void {
    mark.selected = picked.has(mark.key)
    if (mark.selected && moving.heading_rad != null) mark.more = words.moving(moving.speed_m_s ?? 0, moving.heading_rad)
    if (alarm) {
      mark.alarm = alarm.priority
      mark.waiting = alarm.state === 'unacknowledged'
      mark.weight += 10 * PRIORITY[alarm.priority]
    }
    if (mark.selected) mark.weight += 1000
    const trail = withTrail ? trails.of(mark.id) : undefined
    if (trail) mark.trail = trail
    const corridor = moving.corridor
    if (corridor?.length && (withCorridor || mark.selected || alarm)) {
      const drawn = this.#corridorOf(corridor, moving.ground)
      if (drawn) mark.corridor = drawn
    }
  }

  #fixed(desk: MapDesk, picked: ReadonlySet<string>, marks: Mark[]): void {
    for (const camera of desk.site?.cameras ?? []) {
      if (!camera.pose) continue
      const state = desk.cameras.get(camera.id)
      const down = state ? state.run !== 'running' || (state.troubles?.length ?? 0) > 0 : false
      marks.push({
        ...this.#place('camera', camera.id, camera.pose, camera.name || camera.id, picked),
        shape: 'camera',
        heading_rad: (camera.pose.azimuth_deg * Math.PI) / 180,
        size: 9,
        down,
        weight: down ? 8 : 0.5,
      })
    }
    for (const post of desk.site?.posts ?? []) {
      marks.push({
        ...this.#place('post', post.id, post.position, post.name || post.id, picked),
        sidc: sidc('post', 'own', desk.exercise !== null),
        size: 15,
        weight: 0.6,
      })
    }
  }

  #response(desk: MapDesk, picked: ReadonlySet<string>, words: Words, marks: Mark[], links: Link[]): void {
    const names = new Map((desk.site?.patrols ?? []).map((patrol) => [patrol.patrol_id, patrol]))
    for (const patrol of desk.patrols.values()) {
      const known = names.get(patrol.patrol_id)
      const unheard_s = Math.max(0, (desk.now_ns - patrol.time_ns) / 1e9)
      const old = unheard_s > 60 ? ` · ${words.unseen(unheard_s)}` : ''
      const mark: Mark = {
        ...this.#place('patrol', patrol.patrol_id, patrol.position, (known?.name || patrol.patrol_id) + old, picked),
        sidc: sidc(known?.means === 'vehicle' ? 'vehicle' : 'group', 'own', desk.exercise !== null),
        size: 21,
        alpha: old ? 0.55 : 1,
        weight: 5,
      }
      const sigma = axes95({ east_m2: patrol.sigma_m ** 2, east_north_m2: 0, north_m2: patrol.sigma_m ** 2 })
      mark.ellipse = scaled(sigma, patrol.position.latitude_deg)
      marks.push(mark)
    }
    for (const dispatch of desk.dispatches.values()) {
      if (!['sent', 'received', 'accepted', 'under_way'].includes(dispatch.state) || !this.#frame) continue
      const { east_m, north_m, up_m } = dispatch.meet
      const meet = this.#frame.position(east_m, north_m, up_m ?? 0)
      const label = words.meeting((dispatch.meet_ns - desk.now_ns) / 1e9)
      const place = this.#place('incident', dispatch.incident_id, meet, label, picked)
      marks.push({ ...place, key: `meeting ${dispatch.dispatch_id}`, shape: 'meeting', size: 9, weight: 6 })
      const patrol = desk.patrols.get(dispatch.patrol_id)
      if (patrol) {
        links.push({ from: mercatorOf(patrol.position), to: mercatorOf(meet), dashed: dispatch.state !== 'under_way' })
      }
    }
    for (const incident of desk.incidents.values()) {
      if (incident.state === 'closed' || !incident.position) continue
      const place = this.#place('incident', incident.incident_id, incident.position, words.incident(incident.kind), picked)
      marks.push({ ...place, shape: 'incident', size: 10, weight: 4 })
    }
  }

  #place(kind: MarkKind, id: string, at: Position, label: string, picked: ReadonlySet<string>): Mark {
    const [x, y] = mercatorOf(at)
    const key = `${kind} ${id}`
    const selected = picked.has(key)
    return {
      key, kind, id, x, y, label,
      height_m: at.height_m ?? Number.NaN,
      latitude_deg: at.latitude_deg,
      longitude_deg: at.longitude_deg,
      size: 12,
      alpha: 1,
      more: '',
      weight: selected ? 1000 : 1,
      selected,
    }
  }

  #geometryOf(ground: GroundState): Geometry {
    let found = this.#geometry.get(ground)
    if (!found) {
      const [x, y] = mercatorOf(ground.position)
      found = { x, y, ellipse: this.#ellipse(ground, x, y) }
      this.#geometry.set(ground, found)
    }
    return found
  }

  /** Half-axes of the ellipse in the square map, by the site's own frame. */
  #ellipse(ground: GroundState, x: number, y: number): readonly [Point, Point] {
    const axes = axes95(ground.covariance)
    const frame = this.#frame
    if (!frame) return scaled(axes, ground.position.latitude_deg)
    const up = frame.up(ground.east_m, ground.north_m, ground.position.height_m ?? 0)
    const ended = axes.map(([east, north]) => {
      const [ex, ey] = mercatorOf(frame.position(ground.east_m + east, ground.north_m + north, up))
      return [ex - x, ey - y] as const
    })
    return [ended[0] ?? [0, 0], ended[1] ?? [0, 0]]
  }

  /** The corners of the band in which something is expected, from where it is now outward. */
  #corridorOf(corridor: readonly Waypoint[], ground: GroundState): Float64Array | null {
    const known = this.#corridors.get(corridor)
    if (known) return known
    const frame = this.#frame
    if (!frame) return null
    const stations = [
      { east: ground.east_m, north: ground.north_m, covariance: ground.covariance },
      ...corridor.map(({ centre, covariance }) => ({ east: centre.east_m, north: centre.north_m, covariance })),
    ]
    const [left, right]: [Point[], Point[]] = [[], []]
    stations.forEach((station, k) => {
      const ahead = stations[Math.min(k + 1, stations.length - 1)] ?? station
      const behind = stations[Math.max(k - 1, 0)] ?? station
      const [de, dn] = [ahead.east - behind.east, ahead.north - behind.north]
      const length = Math.hypot(de, dn) || 1
      const [ae, an] = [-dn / length, de / length]
      const { east_m2, east_north_m2, north_m2 } = station.covariance
      const half = CORRIDOR_SIGMAS * Math.sqrt(Math.max(ae * ae * east_m2 + 2 * ae * an * east_north_m2 + an * an * north_m2, 0))
      left.push([station.east + ae * half, station.north + an * half])
      right.push([station.east - ae * half, station.north - an * half])
    })
    const up = frame.up(ground.east_m, ground.north_m, ground.position.height_m ?? 0)
    const corners = [...left, ...right.reverse()]
    const drawn = new Float64Array(corners.flatMap(([e, n]) => mercatorOf(frame.position(e, n, up))))
    this.#corridors.set(corridor, drawn)
    return drawn
  }
}

const scaled = ([long, short]: readonly [Point, Point], latitude_deg: number): readonly [Point, Point] => {
  const metre = mercatorPerMetre(latitude_deg)
  return [
    [long[0] * metre, -long[1] * metre],
    [short[0] * metre, -short[1] * metre],
  ]
}

/** Words that are said often in one scene, worded once. */
function remembered(words: Words): Words {
  const kinds = new Map<Kind, string>()
  const spans = new Map<number, string>()
  const once = <K>(kept: Map<K, string>, key: K, say: (key: K) => string): string => {
    let text = kept.get(key)
    if (text === undefined) kept.set(key, (text = say(key)))
    return text
  }
  return {
    ...words,
    kind: (kind) => once(kinds, kind, words.kind),
    unseen: (seconds) => once(spans, Math.round(seconds), words.unseen),
  }
}

/** The gravest alarm that stands of each subject. */
function standing(alarms: ReadonlyMap<string, Alarm>): Map<string, Alarm> {
  const found = new Map<string, Alarm>()
  for (const alarm of alarms.values()) {
    if (alarm.state === 'closed' || alarm.state === 'suppressed' || alarm.state === 'out_of_service') continue
    for (const id of [alarm.subject_id, ...(alarm.formerly ?? [])]) {
      const other = found.get(id)
      if (!other || PRIORITY[alarm.priority] > PRIORITY[other.priority]) found.set(id, alarm)
    }
  }
  return found
}

/** The keys of what is selected: of an alarm, what it is about; of an incident, also what its alarms are about. */
function pickedSubjects(selection: Selection | null, desk: MapDesk): Set<string> {
  const keys = new Set<string>()
  if (!selection) return keys
  keys.add(`${selection.kind} ${selection.id}`)
  const about = (alarm: Alarm | undefined): void => {
    if (alarm) for (const kind of ['track', 'group']) keys.add(`${kind} ${alarm.subject_id}`)
  }
  if (selection.kind === 'alarm') about(desk.alarms.get(selection.id))
  if (selection.kind === 'incident') {
    for (const id of desk.incidents.get(selection.id)?.alarm_ids ?? []) about(desk.alarms.get(id))
  }
  return keys
}
