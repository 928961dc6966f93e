/** Places for labels where they hide neither a target nor each other. */

export interface Box {
  x: number
  y: number
  w: number
  h: number
}

/** The middle of what no label may hide, and how far it reaches from it. */
export interface Target {
  x: number
  y: number
  reach: number
}

export interface Wanted {
  key: string
  /** The middle of what is labelled, and how far the label must keep from it. */
  x: number
  y: number
  reach: number
  w: number
  h: number
  /** The larger, the sooner it is placed. */
  weight: number
}

const CELL = 64
/** Cells along each side; what lies beyond them counts as in the outermost, which costs time but hides nothing. */
const SIDE = 64
const GAP = 3
const SLOTS: readonly (readonly [number, number])[] = [
  [1, 0],
  [-1, 0],
  [1, -1],
  [1, 1],
  [-1, -1],
  [-1, 1],
  [0, -1],
  [0, 1],
]

const cellOf = (at: number): number => Math.min(SIDE - 1, Math.max(0, Math.floor(at / CELL)))

function grown<T extends Float64Array | Int32Array>(full: T, make: (length: number) => T): T {
  const more = make(full.length * 2)
  more.set(full)
  return more
}

/** Boxes on a screen, quick to ask for overlaps: kept in arrays of numbers, as there are thousands of them a second. */
class Occupied {
  /** The first entry of each cell, and from each entry the next; -1 ends the row. */
  readonly #first = new Int32Array(SIDE * SIDE)
  #next = new Int32Array(4096)
  #box_of = new Int32Array(4096)
  /** Left, top, right and bottom of each box. */
  #edges = new Float64Array(4096)
  #entries = 0
  #boxes = 0

  clear(): void {
    this.#first.fill(-1)
    this.#entries = this.#boxes = 0
  }

  add(left: number, top: number, right: number, bottom: number): void {
    if (4 * this.#boxes + 4 > this.#edges.length) this.#edges = grown(this.#edges, (n) => new Float64Array(n))
    const at = 4 * this.#boxes
    this.#edges[at] = left
    this.#edges[at + 1] = top
    this.#edges[at + 2] = right
    this.#edges[at + 3] = bottom
    const [last_row, last_column] = [cellOf(bottom), cellOf(right)]
    for (let row = cellOf(top); row <= last_row; row++) {
      for (let column = cellOf(left); column <= last_column; column++) this.#enter(row * SIDE + column)
    }
    this.#boxes += 1
  }

  hits(left: number, top: number, right: number, bottom: number): boolean {
    const edges = this.#edges
    const [last_row, last_column] = [cellOf(bottom), cellOf(right)]
    for (let row = cellOf(top); row <= last_row; row++) {
      for (let column = cellOf(left); column <= last_column; column++) {
        for (let entry = this.#first[row * SIDE + column]!; entry >= 0; entry = this.#next[entry]!) {
          const at = 4 * this.#box_of[entry]!
          if (left < edges[at + 2]! && edges[at]! < right && top < edges[at + 3]! && edges[at + 1]! < bottom) return true
        }
      }
    }
    return false
  }

  #enter(cell: number): void {
    if (this.#entries === this.#next.length) {
      this.#next = grown(this.#next, (n) => new Int32Array(n))
      this.#box_of = grown(this.#box_of, (n) => new Int32Array(n))
    }
    this.#box_of[this.#entries] = this.#boxes
    this.#next[this.#entries] = this.#first[cell]!
    this.#first[cell] = this.#entries++
  }
}

/** Places labels picture after picture: one that had a slot before keeps it while it is free, so that none jumps about. */
export class Placer {
  readonly #occupied = new Occupied()
  readonly #slots = new Map<string, number>()

  /**
   * Where each label goes, by key; those that fit nowhere are left out. Nothing is put on one of the `targets`, or cut
   * off at an edge of the screen: there a label slides along what it names.
   */
  place(wanted: readonly Wanted[], targets: readonly Target[], width = Infinity, height = Infinity): Map<string, Box> {
    const occupied = this.#occupied
    occupied.clear()
    for (const { x, y, reach } of targets) occupied.add(x - reach, y - reach, x + reach, y + reach)
    if (this.#slots.size > 4 * targets.length + 200) this.#slots.clear()
    const found = new Map<string, Box>()
    for (const each of [...wanted].sort((a, b) => b.weight - a.weight)) {
      const box = this.#boxFor(each, width, height)
      if (box) found.set(each.key, box)
    }
    return found
  }

  #boxFor(wanted: Wanted, width: number, height: number): Box | null {
    const { key, reach, w, h } = wanted
    const before = this.#slots.get(key) ?? 0
    for (let k = 0; k < SLOTS.length; k++) {
      const slot = k === 0 ? before : k <= before ? k - 1 : k
      const [across, down] = SLOTS[slot] ?? [1, 0]
      const away = (reach + GAP) * (across !== 0 && down !== 0 ? 0.75 : 1)
      const x = across ? edge(wanted.x, across, away, w) : slid(edge(wanted.x, 0, away, w), wanted.x, w, width)
      const y = down ? edge(wanted.y, down, away, h) : slid(edge(wanted.y, 0, away, h), wanted.y, h, height)
      if (isCut(x, w, wanted.x, width) || isCut(y, h, wanted.y, height) || this.#occupied.hits(x, y, x + w, y + h)) continue
      this.#occupied.add(x, y, x + w, y + h)
      this.#slots.set(key, slot)
      return { x, y, w, h }
    }
    return null
  }
}

/** Where a box of a length begins that lies on one side of a place, or astride it. */
const edge = (at: number, side: number, away: number, length: number): number =>
  side > 0 ? at + away : side < 0 ? at - away - length : at - length / 2

/** Where a box that is astride a place on the screen begins, so that it does not stick out. */
const slid = (from: number, at: number, length: number, whole: number): number =>
  at < 0 || at > whole ? from : Math.max(0, Math.min(from, whole - length))

/** Whether a box beside a place on the screen sticks out; what names something beyond the edge is not looked at. */
const isCut = (from: number, length: number, at: number, whole: number): boolean =>
  at >= 0 && at <= whole && (from < 0 || from + length > whole)
