/** Where things were over the last minutes, as this browser has seen them. */
import type { PictureGroup, PictureTrack } from '../api/types'
import { mercator } from './geodesy'

const KEPT_NS = 180e9
const STEP_NS = 3e9
/** A replay that jumps back, or far ahead, has another past. */
const JUMP_NS = 120e9
/** Room for twice what is kept, so that the old is moved out of the way but once in a while. */
const ROOM = (2 * KEPT_NS) / STEP_NS + 2

/** The places of one track, the oldest first: entries `from` to `to` of its arrays. */
export class Trail {
  /** x and y in the square map. */
  readonly points = new Float64Array(2 * ROOM)
  readonly times_ns = new Float64Array(ROOM)
  from = 0
  to = 0
  /** The look at the picture in which it was last there. */
  look = 0

  get last_ns(): number {
    return this.to > this.from ? this.times_ns[this.to - 1]! : -Infinity
  }

  add(time_ns: number, x: number, y: number): void {
    if (this.to === ROOM) this.#pack()
    this.points[2 * this.to] = x
    this.points[2 * this.to + 1] = y
    this.times_ns[this.to++] = time_ns
  }

  forget(before_ns: number): void {
    while (this.from < this.to && this.times_ns[this.from]! < before_ns) this.from += 1
  }

  #pack(): void {
    // Time runs on in steps, so that no more than half the room is ever in use; a clock set back must not burst it.
    const from = Math.max(this.from, this.to - ROOM / 2)
    this.points.copyWithin(0, 2 * from, 2 * this.to)
    this.times_ns.copyWithin(0, from, this.to)
    this.to -= from
    this.from = 0
  }
}

export class Trails {
  readonly #trails = new Map<string, Trail>()
  #now_ns = 0
  #look = 0

  /** Take in where tracks and groups are now; those that are gone are forgotten. */
  take(now_ns: number, tracks: Iterable<PictureTrack>, groups: Iterable<PictureGroup>): void {
    if (now_ns < this.#now_ns || now_ns - this.#now_ns > JUMP_NS) this.#trails.clear()
    this.#now_ns = now_ns
    this.#look += 1
    for (const track of tracks) this.#add(track.track_id, track.seen_ns, track)
    for (const group of groups) this.#add(group.group_id, group.time_ns, group)
    for (const [id, trail] of this.#trails) if (trail.look !== this.#look) this.#trails.delete(id)
  }

  of(id: string): Trail | undefined {
    return this.#trails.get(id)
  }

  #add(id: string, time_ns: number, moving: PictureTrack | PictureGroup): void {
    let trail = this.#trails.get(id)
    if (!trail) this.#trails.set(id, (trail = new Trail()))
    trail.look = this.#look
    if (time_ns - trail.last_ns < STEP_NS) return
    const { latitude_deg, longitude_deg } = moving.ground.position
    const [x, y] = mercator(latitude_deg, longitude_deg)
    trail.add(time_ns, x, y)
    trail.forget(this.#now_ns - KEPT_NS)
  }
}
