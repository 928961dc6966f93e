/**
 * Everything that moves or is labelled on the map, as marks to be drawn. What moves keeps its mark from scene to scene:
 * of hundreds of tracks told anew twice a second only what changed is worked out, and little is left to be collected.
 */
import type {
  Alarm,
  GroundCovariance,
  GroundState,
  Kind,
  PictureGroup,
  PictureTrack,
  Position,
  Priority,
  SharedThing,
  Standing,
  Waypoint,
} from '../api/types'
import type { Selection, SelectionKind } from '../ui/selection'
import { axes95, EnuFrame, mercator, mercatorRates, type Point } from './geodesy'
import { sidc } from './symbols'
import type { Trail, Trails } from './trails'
import type { MapDesk } from './types'

export type MarkKind = Exclude<SelectionKind, 'alarm'>

export interface Mark {
  key: string
  kind: MarkKind
  id: string
  /** Place in the square map. */
  x: number
  y: number
  latitude_deg: number
  longitude_deg: number
  /** An APP-6 symbol, or one of the map's own shapes. */
  sidc: string | undefined
  shape: 'camera' | 'incident' | 'meeting' | 'animal' | 'told' | undefined
  standing: Standing
  /** Which way a camera looks or something moves, radians clockwise from north. */
  heading_rad: number | null
  speed_m_s: number
  size: number
  alpha: number
  label: string
  /** A second line, told of what is selected. */
  more: string
  inside: string
  weight: number
  /** Half-axes of the ellipse of 95 % in the square map: x and y of the long one, then of the short one. */
  ellipse: Float64Array | undefined
  trail: Trail | undefined
  corridor: Float64Array | undefined
  alarm: Priority | undefined
  waiting: boolean
  /** Told by the partner alone, or seen by both sides. */
  origin: 'ours' | 'theirs' | 'both'
  selected: boolean
  down: boolean
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
  /** What they are said in: a wording is kept as long as this is the same. */
  readonly dialect: string
  kind(kind: Kind): string
  count(low: number, high: number): string
  unseen(seconds: number): string
  moving(speed_m_s: number, heading_rad: number): string
  incident(kind: string): string
  meeting(seconds: number): string
  /** What the partner told, and what they were told. */
  told(thing: SharedThing, ours: boolean): string
  /** That the partner told of it too, so many seconds ago. */
  both(seconds: number): string
}

type Moving = PictureTrack | PictureGroup

/** The mark of something that moves, and what it was last made of. */
interface Held {
  mark: Mark
  ground: GroundState | null
  corridor: readonly Waypoint[] | null
  named: string
  many: string
  unseen: string
  both: string
  kind: Kind | 'group'
  played: boolean
  /** The scene in which it was last there. */
  scene: number
}

/** What every mark of a scene is made by. */
interface Making {
  desk: MapDesk
  alarms: ReadonlyMap<string, Alarm>
  picked: ReadonlySet<string>
  trails: Trails | null
  corridors: boolean
  words: Words
  /** What the partner told of those that we see too, by our names. */
  both: ReadonlyMap<string, SharedThing>
}

const UNSEEN_S = 10
/** Of so many tracks at the most every predicted corridor is drawn; of more, those of alarms and the selected one. */
const MOST_CORRIDORS = 40
const PRIORITY: Record<Priority, number> = { high: 3, medium: 2, low: 1 }
/** So many standard deviations of a predicted place to either side. */
const CORRIDOR_SIGMAS = 2

/** A mark before anything is known of it. All have the same fields in the same order, which browsers read fastest. */
const BLANK: Omit<Mark, 'key' | 'kind' | 'id'> = {
  x: 0, y: 0, latitude_deg: 0, longitude_deg: 0, sidc: undefined, shape: undefined, standing: 'unknown',
  heading_rad: null, speed_m_s: 0, size: 12, alpha: 1, label: '', more: '', inside: '', weight: 1, ellipse: undefined,
  trail: undefined, corridor: undefined, alarm: undefined, waiting: false, origin: 'ours', selected: false, down: false,
}

const NOWHERE: ReadonlySet<string> = new Set()

/** Posts of which the partner told whether somebody keeps watch: what it told is their one symbol. */
const postsTold = (partner: MapDesk['partner']): ReadonlySet<string> =>
  new Set((partner?.theirs ?? []).flatMap(({ release, position }) => (position && release.post_id ? [release.post_id] : [])))

/**
 * What another thing of the partner's stands for in the same square, where both would be drawn in one place: an alarm for
 * what it is about, a group for those in it. By names the partner does not tell which is which.
 */
export function stoodFor(theirs: readonly SharedThing[]): ReadonlySet<string> {
  const squares = new Map<string, SharedThing[]>()
  for (const thing of theirs) {
    const { cell, item } = thing.release
    if (!cell || !['alarm', 'group', 'track'].includes(item)) continue
    const key = `${cell.east} ${cell.north} ${cell.size_m}`
    squares.set(key, [...(squares.get(key) ?? []), thing])
  }
  const hidden = new Set<string>()
  const hide = (things: readonly SharedThing[], most: number): void => {
    const left = things.filter(({ release }) => !hidden.has(release.thing_id))
    for (const { release } of left.slice(0, most)) hidden.add(release.thing_id)
  }
  for (const here of squares.values()) {
    const of = (item: string): SharedThing[] => here.filter(({ release }) => release.item === item)
    for (const { release } of of('group')) hide(of('track'), release.heads?.high ?? Infinity)
    for (const { release } of of('alarm')) hide(release.kind === 'group' ? of('group') : of('track'), 1)
  }
  return hidden
}

const mercatorOf = (position: Position): Point => mercator(position.latitude_deg, position.longitude_deg)

export class SceneMaker {
  readonly #held = { track: new Map<string, Held>(), group: new Map<string, Held>() }
  #frame: EnuFrame | null = null
  #origin: Position | null = null
  #scene = 0
  #dialect = ''
  #words: Words | null = null

  make(desk: MapDesk, selection: Selection | null, trails: Trails, words: Words, show: { trails: boolean; corridors: boolean; joint?: boolean; shared?: boolean }): Scene {
    if (desk.origin && desk.origin !== this.#origin) {
      this.#origin = desk.origin
      this.#frame = new EnuFrame(desk.origin)
      for (const held of Object.values(this.#held)) held.clear()
    }
    this.#scene += 1
    const making: Making = {
      desk,
      alarms: standing(desk.alarms),
      picked: pickedSubjects(selection, desk),
      trails: show.trails ? trails : null,
      corridors: show.corridors && desk.tracks.size <= MOST_CORRIDORS,
      words: this.#remembered(words),
      both: (show.joint ?? true) ? seenByBoth(desk.partner) : NOBODY,
    }
    const marks: Mark[] = []
    const links: Link[] = []
    this.#movings(making, marks)
    this.#fixed(desk, making.picked, (show.joint ?? true) ? postsTold(desk.partner) : NOWHERE, marks)
    this.#told(making, show.joint ?? true, show.shared ?? false, marks)
    this.#response(desk, making.picked, making.words, marks, links)
    return { marks, links }
  }

  #movings(making: Making, marks: Mark[]): void {
    const { desk, picked, words } = making
    const hidden = new Set<string>()
    for (const group of desk.groups.values()) {
      if (picked.has(`group ${group.group_id}`) || group.members.some((id) => picked.has(`track ${id}`))) continue
      for (const id of group.members) hidden.add(id)
    }
    for (const group of desk.groups.values()) {
      const told = newest([group.group_id, ...group.members].map((id) => making.both.get(id)))
      const mark = this.#moving(group, 'group', group.group_id, group.time_ns, making, told)
      mark.inside = words.count(group.count.best, group.count.best)
      marks.push(mark)
    }
    for (const track of desk.tracks.values()) {
      if (track.status === 'lost' || hidden.has(track.track_id)) continue
      const mark = this.#moving(track, 'track', track.track_id, track.seen_ns, making, making.both.get(track.track_id))
      if (track.status === 'tentative') mark.alpha *= 0.6
      marks.push(mark)
    }
    for (const held of Object.values(this.#held)) {
      for (const [id, { scene }] of held) if (scene !== this.#scene) held.delete(id)
    }
  }

  #moving(moving: Moving, kind: 'track' | 'group', id: string, seen_ns: number, making: Making, told?: SharedThing): Mark {
    const held = this.#heldOf(kind, id)
    const { mark } = held
    const unseen_s = Math.max(0, (making.desk.now_ns - seen_ns) / 1e9)
    const old = unseen_s >= UNSEEN_S
    mark.alpha = old ? Math.max(0.35, 1 - (unseen_s - UNSEEN_S) / 60) : 1
    if (held.ground !== moving.ground) this.#put(held, moving.ground)
    mark.origin = told ? 'both' : 'ours'
    const both = told ? making.words.both(age_s(told, making.desk)) : ''
    this.#name(held, moving, kind, old ? making.words.unseen(unseen_s) : '', both, making.words)
    this.#symbolise(held, moving, kind, making.desk.exercise !== null)
    // How old the partner's word is stands beside it, also in a crowd.
    if (told) mark.weight = Math.max(mark.weight, 1) + 3
    mark.heading_rad = moving.heading_rad ?? null
    mark.speed_m_s = moving.speed_m_s ?? 0
    mark.trail = making.trails?.of(id)
    this.#dress(held, moving, making)
    return mark
  }

  #heldOf(kind: 'track' | 'group', id: string): Held {
    let held = this.#held[kind].get(id)
    if (!held) {
      const mark: Mark = {
        ...BLANK, key: `${kind} ${id}`, kind, id, size: kind === 'group' ? 24 : 19, ellipse: new Float64Array(4),
      }
      held = {
        mark, ground: null, corridor: null, named: '', many: '', unseen: '', both: '', kind: 'unknown', played: false, scene: 0,
      }
      this.#held[kind].set(id, held)
    }
    held.scene = this.#scene
    return held
  }

  #put(held: Held, ground: GroundState): void {
    const { mark } = held
    const { latitude_deg, longitude_deg } = ground.position
    const [x, y] = mercator(latitude_deg, longitude_deg)
    mark.x = x
    mark.y = y
    mark.latitude_deg = latitude_deg
    mark.longitude_deg = longitude_deg
    if (mark.ellipse) scaled(mark.ellipse, ground.covariance, latitude_deg)
    held.ground = ground
  }

  #name(held: Held, moving: Moving, kind: 'track' | 'group', unseen: string, both: string, words: Words): void {
    const { count } = moving
    const many = kind === 'track' && count && count.high > 1 ? words.count(count.low, count.high) : ''
    const named = moving.standing_id || words.kind(shownAs(moving, kind))
    if (named === held.named && many === held.many && unseen === held.unseen && both === held.both) return
    held.named = named
    held.many = many
    held.unseen = unseen
    held.both = both
    held.mark.label = named + (many && ` ${many}`) + (unseen && ` · ${unseen}`) + (both && ` · ${both}`)
  }

  #symbolise(held: Held, moving: Moving, kind: 'track' | 'group', played: boolean): void {
    const { mark } = held
    const standing = moving.standing ?? 'unknown'
    const shown = shownAs(moving, kind)
    const bare = shown === 'animal' || shown === 'vegetation'
    mark.weight = bare ? 0 : standing === 'unknown' ? 2 : 1
    const drawn = mark.sidc !== undefined || mark.shape !== undefined
    if (drawn && held.kind === shown && mark.standing === standing && held.played === played) return
    held.kind = shown
    held.played = played
    mark.standing = standing
    mark.shape = bare ? 'animal' : undefined
    mark.sidc = bare ? undefined : sidc(shown, standing, played)
  }

  /** What the officer's own work adds: what is picked, what an alarm is about, what is expected of it. */
  #dress(held: Held, moving: Moving, { alarms, picked, corridors, words }: Making): void {
    const { mark } = held
    const alarm = alarms.get(mark.id)
    mark.selected = picked.has(mark.key)
    mark.more =
      mark.selected && moving.heading_rad != null ? words.moving(moving.speed_m_s ?? 0, moving.heading_rad) : ''
    mark.alarm = alarm?.priority
    mark.waiting = alarm?.state === 'unacknowledged'
    if (alarm) mark.weight += 10 * PRIORITY[alarm.priority]
    if (mark.selected) mark.weight += 1000
    const corridor = (corridors || mark.selected || alarm) && moving.corridor?.length ? moving.corridor : null
    if (corridor === held.corridor) return
    held.corridor = corridor
    mark.corridor = (corridor && this.#corridorOf(corridor, moving.ground)) ?? undefined
  }

  /** Words that are said often, worded once as long as they are the same words. */
  #remembered(words: Words): Words {
    if (words.dialect === this.#dialect && this.#words) return this.#words
    this.#dialect = words.dialect
    return (this.#words = remembered(words))
  }

  #fixed(desk: MapDesk, picked: ReadonlySet<string>, told: ReadonlySet<string>, marks: Mark[]): void {
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
      if (told.has(post.id) && !picked.has(`post ${post.id}`)) continue
      marks.push({
        ...this.#place('post', post.id, post.position, post.name || post.id, picked),
        sidc: sidc('post', 'own', desk.exercise !== null),
        standing: 'own',
        size: 15,
        weight: 0.6,
      })
    }
  }

  /** What the partner told, each in the square it was told in; and, if wanted, what they see of ours. */
  #told({ desk, alarms, picked, words, both }: Making, joint: boolean, shared: boolean, marks: Mark[]): void {
    const ours = new Set([...both.values()].map(({ release }) => release.thing_id))
    const within = stoodFor(desk.partner?.theirs ?? [])
    for (const thing of desk.partner?.theirs ?? []) {
      const { release } = thing
      const key = `partner ${release.thing_id}`
      const alarm = alarms.get(`partner:${release.thing_id}`)
      // What both see has one symbol, which is our own; what is too old could be nearly anywhere.
      const other = ours.has(release.thing_id) || within.has(release.thing_id)
      const drawn = joint && !other && !(isMoving(release) && age_s(thing, desk) > SHOWN_S)
      if (!drawn && !alarm && !picked.has(key)) continue
      if (release.item === 'patrol') marks.push(...this.#way(thing, false, desk, picked, words))
      const mark = this.#square(thing, false, desk, picked, words)
      if (!mark) continue
      const post = release.item === 'post'
      marks.push({
        ...mark,
        origin: 'theirs',
        alpha: isMoving(release) ? fading(age_s(thing, desk)) : 1,
        sidc: sidc(post ? 'post' : (release.kind ?? 'unknown'), post ? 'declared' : 'unknown', desk.exercise !== null),
        size: 19,
        alarm: alarm?.priority,
        waiting: alarm?.state === 'unacknowledged',
        weight: mark.weight + 3 + (alarm ? 10 * PRIORITY[alarm.priority] : 0),
      })
    }
    for (const thing of desk.partner?.ours ?? []) {
      if (!shared && !picked.has(`partner ${thing.release.thing_id}`)) continue
      if (thing.release.item === 'patrol') marks.push(...this.#way(thing, true, desk, picked, words))
      const mark = this.#square(thing, true, desk, picked, words)
      if (mark) marks.push({ ...mark, shape: 'told', standing: 'own', size: 6 })
    }
  }

  /** A patrol's corridor: every square of it, and its name in the first one in which nothing else stands. */
  #way({ release, places = [] }: SharedThing, ours: boolean, desk: MapDesk, picked: ReadonlySet<string>, words: Words): Mark[] {
    // Squares have one middle, where all that is in them is drawn.
    const { theirs = [], ours: told = [] } = desk.partner ?? {}
    const stand = [...theirs, ...told].flatMap(({ release: { item }, position: at }) => (at && item !== 'patrol' ? [at] : []))
    const named = Math.max(0, places.findIndex((place) => !stand.some((other) => isSame(place, other))))
    return places.flatMap((position, k) => {
      const cell = release.cells?.[k]
      const mark = cell && this.#square({ release: { ...release, cell }, position }, ours, desk, picked, words)
      if (!mark) return []
      const drawn =
        k === named
          ? { size: 19, sidc: sidc('group', 'declared', desk.exercise !== null) }
          : { key: `${mark.key} ${k}`, label: '', size: 4, shape: 'told' as const }
      return [{ ...mark, ...drawn, standing: ours ? ('own' as const) : ('declared' as const) }]
    })
  }

  #square({ release, position }: SharedThing, ours: boolean, desk: MapDesk, picked: ReadonlySet<string>, words: Words): Mark | null {
    if (!position) return null
    const old_s = age_s({ release }, desk)
    const label = `${words.told({ release, position }, ours)} · ${words.unseen(old_s)}`
    const mark = this.#place('partner', release.thing_id, position, label, picked)
    if (!release.cell) return release.item === 'post' ? mark : null
    const [across, up] = mercatorRates(position.latitude_deg)
    const [w, h] = [(across * release.cell.size_m) / 2, (up * release.cell.size_m) / 2]
    const { x, y } = mark
    return { ...mark, corridor: new Float64Array([x - w, y - h, x + w, y - h, x + w, y + h, x - w, y + h]) }
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
        standing: 'own',
        size: 21,
        alpha: old ? 0.55 : 1,
        weight: 5,
      }
      const spread = { east_m2: patrol.sigma_m ** 2, east_north_m2: 0, north_m2: patrol.sigma_m ** 2 }
      mark.ellipse = scaled(new Float64Array(4), spread, patrol.position.latitude_deg)
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
      ...BLANK, key, kind, id, x, y, label, selected,
      latitude_deg: at.latitude_deg,
      longitude_deg: at.longitude_deg,
      weight: selected ? 1000 : 1,
    }
  }

  /** The corners of the band in which something is expected, from where it is now outward. */
  #corridorOf(corridor: readonly Waypoint[], ground: GroundState): Float64Array | null {
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
    return new Float64Array(corners.flatMap(([e, n]) => mercatorOf(frame.position(e, n, up))))
  }
}

/** What is told of a thing that moves is drawn for so long, and fades once it is no longer joined with what we see. */
const SHOWN_S = 900
const JOINED_S = 180
const FAINTEST = 0.35
const SAME_DEG = 5e-4
const NOBODY: ReadonlyMap<string, SharedThing> = new Map()

const isMoving = ({ item }: SharedThing['release']): boolean => item === 'track' || item === 'group'

/** Whether what is drawn at two places would lie on one another at any scale. */
const isSame = (a: Position, b: Position): boolean =>
  Math.abs(a.latitude_deg - b.latitude_deg) < SAME_DEG && Math.abs(a.longitude_deg - b.longitude_deg) < SAME_DEG

const age_s = ({ release }: Pick<SharedThing, 'release'>, { now_ns }: MapDesk): number =>
  Math.max(0, (now_ns - release.time_ns) / 1e9)

const fading = (seconds: number): number =>
  seconds <= JOINED_S ? 1 : Math.max(FAINTEST, 1 - (seconds - JOINED_S) / (SHOWN_S - JOINED_S))

const newest = (things: readonly (SharedThing | undefined)[]): SharedThing | undefined =>
  things.reduce((a, b) => (a && b ? (b.release.time_ns > a.release.time_ns ? b : a) : (a ?? b)), undefined)

/** What the partner told of those that we see too, by our names. */
function seenByBoth(partner: MapDesk['partner']): ReadonlyMap<string, SharedThing> {
  if (!partner?.both?.length) return NOBODY
  const theirs = new Map((partner.theirs ?? []).map((thing) => [thing.release.thing_id, thing]))
  const found = new Map<string, SharedThing>()
  for (const { subject_id, thing_id } of partner.both) {
    const thing = newest([found.get(subject_id), theirs.get(thing_id)])
    if (thing) found.set(subject_id, thing)
  }
  return found
}

/** Put half-axes into `ellipse`; the site's frame and the true one at a place differ by a hundredth within 60 km. */
function scaled(ellipse: Float64Array, covariance: GroundCovariance, latitude_deg: number): Float64Array {
  const [long, short] = axes95(covariance)
  const [across, up] = mercatorRates(latitude_deg)
  ellipse[0] = long[0] * across
  ellipse[1] = -long[1] * up
  ellipse[2] = short[0] * across
  ellipse[3] = -short[1] * up
  return ellipse
}

/** What something that moves is shown and named as: several people are a group. */
const shownAs = (moving: Moving, kind: 'track' | 'group'): Kind =>
  kind === 'group' && moving.kind === 'person' ? 'group' : (moving.kind ?? 'unknown')

/** The same words, each worded once; spans of time are few as long as they are told in whole seconds. */
function remembered(words: Words): Words {
  const kinds = new Map<Kind, string>()
  const spans = new Map<number, string>()
  const shared = new Map<number, string>()
  const counts = new Map<number, string>()
  const once = <K>(kept: Map<K, string>, key: K, say: () => string): string => {
    let text = kept.get(key)
    if (text === undefined) kept.set(key, (text = say()))
    return text
  }
  return {
    ...words,
    kind: (kind) => once(kinds, kind, () => words.kind(kind)),
    unseen: (seconds) => once(spans, Math.round(seconds), () => words.unseen(seconds)),
    both: (seconds) => once(shared, Math.round(seconds), () => words.both(seconds)),
    count: (low, high) => once(counts, low * 10_000 + high, () => words.count(low, high)),
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
    if (alarm?.about === 'partner') keys.add(alarm.subject_id.replace(':', ' '))
  }
  if (selection.kind === 'alarm') about(desk.alarms.get(selection.id))
  if (selection.kind === 'incident') {
    for (const id of desk.incidents.get(selection.id)?.alarm_ids ?? []) about(desk.alarms.get(id))
  }
  return keys
}
