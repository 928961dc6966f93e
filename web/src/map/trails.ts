/** Where things were over the last minutes, as this browser has seen them. */
import type { PictureGroup, PictureTrack } from '../api/types'
import { mercator } from './geodesy'

const KEPT_NS = 180e9
const STEP_NS = 3e9
/** A replay that jumps back, or far ahead, has another past. */
const JUMP_NS = 120e9

export interface Trail {
  /** x and y in the square map, the oldest first. */
  points: number[]
  times_ns: number[]
}

export class Trails {
  readonly #trails = new Map<string, Trail>()
  #now_ns = 0

  /** Take in where tracks and groups are now; those that are gone are forgotten. */
  take(now_ns: number, tracks: Iterable<PictureTrack>, groups: Iterable<PictureGroup>): void {
    if (now_ns < this.#now_ns || now_ns - this.#now_ns > JUMP_NS) this.#trails.clear()
    this.#now_ns = now_ns
    const held = new Set<string>()
    for (const track of tracks) this.#add(held, track.track_id, track.seen_ns, track)
    for (const group of groups) this.#add(held, group.group_id, group.time_ns, group)
    for (const id of this.#trails.keys()) if (!held.has(id)) this.#trails.delete(id)
  }

  of(id: string): Trail | undefined {
    return this.#trails.get(id)
  }

  #add(held: Set<string>, id: string, time_ns: number, moving: PictureTrack | PictureGroup): void {
    held.add(id)
    let trail = this.#trails.get(id)
    if (!trail) {
      trail = { points: [], times_ns: [] }
      this.#trails.set(id, trail)
    }
    const last_ns = trail.times_ns.at(-1)
    if (last_ns !== undefined && time_ns - last_ns < STEP_NS) return
    const { latitude_deg, longitude_deg } = moving.ground.position
    const [x, y] = mercator(latitude_deg, longitude_deg)
    trail.points.push(x, y)
    trail.times_ns.push(time_ns)
    while ((trail.times_ns[0] ?? Infinity) < this.#now_ns - KEPT_NS) {
      trail.times_ns.shift()
      trail.points.splice(0, 2)
    }
  }
}
