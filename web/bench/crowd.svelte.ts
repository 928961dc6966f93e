/** A desk with as many tracks as asked, each walking on at every update, over the site that the server serves. */
import type { Dispatch, Incident, PatrolState, PictureGroup, PictureTrack, Position, Site } from '../src/api/types'
import type { Alarm, CameraState } from '../src/api/types'
import { EnuFrame } from '../src/map/geodesy'
import type { MapDesk } from '../src/map/types'

const NS = 1e9
const KINDS = ['person', 'person', 'person', 'vehicle', 'animal', 'unknown', 'flying'] as const

interface Walker {
  id: string
  east: number
  north: number
  heading: number
  speed: number
}

export class Crowd implements MapDesk {
  now_ns = $state(1_786_219_800 * NS)
  exercise = null
  tracks = $state.raw<ReadonlyMap<string, PictureTrack>>(new Map())
  groups = $state.raw<ReadonlyMap<string, PictureGroup>>(new Map())
  alarms = $state.raw<ReadonlyMap<string, Alarm>>(new Map())
  cameras = $state.raw<ReadonlyMap<string, CameraState>>(new Map())
  patrols = $state.raw<ReadonlyMap<string, PatrolState>>(new Map())
  incidents = $state.raw<ReadonlyMap<string, Incident>>(new Map())
  dispatches = $state.raw<ReadonlyMap<string, Dispatch>>(new Map())
  readonly origin: Position
  readonly #frame: EnuFrame
  readonly #walkers: Walker[]
  #seed = 1
  #next: ReadonlyMap<string, PictureTrack> = new Map()
  #next_ns = 0

  constructor(
    readonly site: Site,
    count: number,
  ) {
    this.origin = site.origin ?? { latitude_deg: 0, longitude_deg: 0 }
    this.#frame = new EnuFrame(this.origin)
    this.#walkers = Array.from({ length: count }, (_, k) => ({
      id: `t${k}`,
      east: -2200 + 2600 * this.#random(),
      north: -1300 + 2600 * this.#random(),
      heading: 2 * Math.PI * this.#random(),
      speed: 0.8 + this.#random(),
    }))
    this.cameras = new Map(
      (site.cameras ?? []).map((camera, k) => [
        camera.id,
        { camera_id: camera.id, run: k === 2 ? ('lost' as const) : ('running' as const), since_ns: this.now_ns },
      ]),
    )
    this.step(0.5)
    this.#night()
  }

  /** Let so much time pass: every track moves and is told anew. */
  step(seconds: number): void {
    this.prepare(seconds)
    this.show()
  }

  /** Work out the next picture, as the feed would bring it. */
  prepare(seconds: number): void {
    this.#next_ns = this.now_ns + seconds * NS
    this.#next = new Map(this.#walkers.map((walker, k) => [walker.id, this.#told(walker, k, seconds)]))
  }

  /** Put the next picture on the desk. */
  show(): void {
    this.now_ns = this.#next_ns
    this.tracks = this.#next
  }

  #told(walker: Walker, k: number, seconds: number): PictureTrack {
    walker.heading += (this.#random() - 0.5) * 0.2
    walker.east += Math.sin(walker.heading) * walker.speed * seconds
    walker.north += Math.cos(walker.heading) * walker.speed * seconds
    const coasting = k % 9 === 8
    const kind = KINDS[k % KINDS.length] ?? 'unknown'
    const standing = k % 25 === 3 ? 'own' : k % 40 === 7 ? 'declared' : 'unknown'
    return {
      track_id: walker.id,
      origin: 'own',
      status: coasting ? 'coasting' : 'confirmed',
      existence: 0.99,
      first_ns: this.#next_ns - 60 * NS,
      seen_ns: this.#next_ns - (coasting ? 14 + (k % 30) : 0) * NS,
      kind,
      standing,
      standing_id: standing === 'own' ? `P${k}` : '',
      ground: this.#ground(walker.east, walker.north, 60 + (k % 7) * 40, walker.heading),
      heading_rad: walker.heading,
      speed_m_s: walker.speed,
      corridor: this.#corridor(walker),
    }
  }

  #ground(east_m: number, north_m: number, spread_m2: number, heading: number): PictureTrack['ground'] {
    const [s, c] = [Math.sin(heading), Math.cos(heading)]
    return {
      position: this.#frame.position(east_m, north_m, 0),
      east_m,
      north_m,
      covariance: {
        east_m2: spread_m2 * (4 * s * s + c * c),
        east_north_m2: 3 * spread_m2 * s * c,
        north_m2: spread_m2 * (4 * c * c + s * s),
      },
      range_m: 1500,
    }
  }

  #corridor({ east, north, heading, speed }: Walker): NonNullable<PictureTrack['corridor']> {
    return [60, 120, 240, 360].map((after) => ({
      time_ns: this.now_ns + after * NS,
      centre: {
        east_m: east + Math.sin(heading) * speed * after,
        north_m: north + Math.cos(heading) * speed * after,
      },
      covariance: { east_m2: 4 * after, east_north_m2: 0, north_m2: 4 * after },
    }))
  }

  /** A group that is over the line, an incident, and a patrol on its way to it. */
  #night(): void {
    const [east_m, north_m] = [-720, 226]
    const now = this.now_ns
    const ground = this.#ground(east_m, north_m, 160, 1.05)
    const group: PictureGroup = {
      group_id: 'g1', time_ns: now, first_ns: now - 90 * NS, members: [], count: { best: 4, low: 4, high: 5 },
      kind: 'person', ground,
      heading_rad: 1.05, speed_m_s: 1.45, extent_m: 6,
      corridor: this.#corridor({ id: 'g1', east: east_m, north: north_m, heading: 1.05, speed: 1.45 }),
    }
    this.groups = new Map([['g1', group]])
    const alarm: Alarm = {
      alarm_id: 'a1', subject_id: 'g1', state: 'unacknowledged', priority: 'high', kind: 'person',
      response: 'look_and_send', text: '', met: [], raised_ns: now, changed_ns: now, latching: false,
      seen: { time_ns: now, camera_id: 'line-mast', box: { x_px: 0, y_px: 0, w_px: 1, h_px: 1 }, ground },
    }
    this.alarms = new Map([['a1', alarm]])
    const here = this.#frame.position(-300, 60, 0)
    this.patrols = new Map([['p1', { patrol_id: 'p1', position: here, sigma_m: 8, time_ns: now }]])
    this.incidents = new Map([
      ['i1', {
        incident_id: 'i1', kind: 'crossing', state: 'in_hand', text: '', opened_ns: now, opened_by: 'officer',
        changed_ns: now, position: this.#frame.position(-860, 150, 0), alarm_ids: ['a1'],
      }],
    ])
    this.dispatches = new Map([
      ['d1', {
        dispatch_id: 'd1', incident_id: 'i1', patrol_id: 'p1', task: 'look', text: '', state: 'under_way',
        meet: { east_m: -560, north_m: 310 }, meet_ns: now + 260 * NS, ordered_by: 'officer', sent_ns: now,
        changed_ns: now, receive_by_ns: now, answer_by_ns: now,
      }],
    ])
  }

  /** The same numbers every time. */
  #random(): number {
    this.#seed = (this.#seed * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return this.#seed / 4_294_967_296
  }
}
