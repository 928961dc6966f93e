/** What both agreed of the ground, as it was last asked for, and the squares that ground is told in. */
import { jointGround } from '../api/client'
import type { GridCells, JointGround, JointKind, JointPost, Position, WatchSlot } from '../api/types'
import { EnuFrame } from '../map/geodesy'

class Joint {
  ground = $state.raw<JointGround | null>(null)

  async load(): Promise<void> {
    this.ground = await jointGround().catch(() => this.ground)
  }

  allows(kind: JointKind): boolean {
    return this.ground?.kinds?.includes(kind) ?? false
  }

  /** What may be asked of the partner about a place on the map. */
  get asks(): readonly ('look' | 'post')[] {
    return (['look', 'post'] as const).filter((kind) => this.allows(kind))
  }
}

export const joint = new Joint()

/** The square of the agreed grid that holds a place. */
export function cellAt({ anchor }: JointGround, size_m: number, place: Position): [number, number] {
  const [east, north] = new EnuFrame({ ...anchor, height_m: 0 }).enu({ ...place, height_m: 0 })
  return [Math.floor(east / size_m), Math.floor(north / size_m)]
}

export const squareAt = (ground: JointGround, place: Position): GridCells => ({
  size_m: ground.cell_m,
  cells: [cellAt(ground, ground.cell_m, place)],
})

/** The squares that a way from place to place goes through, sorted; that of a single place alone. */
export function wayCells({ anchor, cell_m }: JointGround, places: readonly Position[]): [number, number][] {
  const frame = new EnuFrame({ ...anchor, height_m: 0 })
  const points = places.map((each) => frame.enu({ ...each, height_m: 0 }).slice(0, 2).map((metres) => metres / cell_m) as [number, number])
  const found = new Map<string, [number, number]>()
  const take = (east: number, north: number): void => {
    found.set(`${east} ${north}`, [east, north])
  }
  points.forEach(([x, y], k) => {
    take(Math.floor(x), Math.floor(y))
    const [px, py] = points[k - 1] ?? [x, y]
    const [x0, y0, x1, y1] = px <= x ? [px, py, x, y] : [x, y, px, py]
    for (let east = Math.floor(x0); east <= Math.floor(x1); east++) {
      // Where the way enters a column of squares and leaves it.
      const at = (edge: number): number => y0 + ((edge - x0) / (x1 - x0)) * (y1 - y0)
      const [a, b] = x1 > x0 ? [at(Math.max(x0, east)), at(Math.min(x1, east + 1))] : [y0, y1]
      for (let north = Math.floor(Math.min(a, b)); north <= Math.floor(Math.max(a, b)); north++) take(east, north)
    }
  })
  return [...found.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1])
}

/** The middle of a square of the agreed grid. */
export const middleOf = ({ anchor }: JointGround, size_m: number, [east, north]: [number, number]): Position =>
  new EnuFrame({ ...anchor, height_m: 0 }).position((east + 0.5) * size_m, (north + 0.5) * size_m)

/** A watch without a gap: from an hour on, by turns, so many hours each. */
export function turns(post: JointPost, from_ns: number, hours: number, days = 1): WatchSlot[] {
  const count = Math.round((24 * days) / hours)
  return Array.from({ length: count }, (_, k) => ({
    from_ns: from_ns + k * hours * 3_600e9,
    until_ns: from_ns + (k + 1) * hours * 3_600e9,
    party: post.manned_by[k % post.manned_by.length] ?? '',
  }))
}

/** The next whole hour, UTC. */
export const nextHour = (now_ns: number): number => Math.ceil(now_ns / 3_600e9) * 3_600e9
