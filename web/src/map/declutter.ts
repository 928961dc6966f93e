/** Places for labels where they hide neither a target nor each other. */

export interface Box {
  x: number
  y: number
  w: number
  h: number
}

export interface Wanted {
  key: string
  /** The middle of what is labelled, and how far its symbol reaches from it. */
  x: number
  y: number
  reach: number
  w: number
  h: number
  /** The larger, the sooner it is placed. */
  weight: number
}

const CELL = 64
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

/** Boxes on a screen, quick to ask for overlaps. */
class Occupied {
  readonly #cells = new Map<number, Box[]>()

  add(box: Box): void {
    this.#each(box, (cell) => {
      const held = this.#cells.get(cell)
      if (held) held.push(box)
      else this.#cells.set(cell, [box])
      return false
    })
  }

  hits(box: Box): boolean {
    return this.#each(box, (cell) =>
      (this.#cells.get(cell) ?? []).some(
        (other) =>
          box.x < other.x + other.w && other.x < box.x + box.w && box.y < other.y + other.h && other.y < box.y + box.h,
      ),
    )
  }

  #each(box: Box, visit: (cell: number) => boolean): boolean {
    const right = Math.floor((box.x + box.w) / CELL)
    const bottom = Math.floor((box.y + box.h) / CELL)
    for (let row = Math.floor(box.y / CELL); row <= bottom; row++) {
      for (let column = Math.floor(box.x / CELL); column <= right; column++) {
        if (visit(row * 4096 + column)) return true
      }
    }
    return false
  }
}

/**
 * Where each label goes, by key; those that fit nowhere are left out. Nothing is put on one of the `targets`. A label
 * that had a slot before keeps it while it is free, so that labels do not jump about; `slots` remembers them.
 */
export function placed(wanted: readonly Wanted[], targets: readonly Box[], slots: Map<string, number>): Map<string, Box> {
  const occupied = new Occupied()
  for (const target of targets) occupied.add(target)
  const found = new Map<string, Box>()
  for (const each of [...wanted].sort((a, b) => b.weight - a.weight)) {
    const before = slots.get(each.key) ?? 0
    for (let k = 0; k < SLOTS.length; k++) {
      const slot = k === 0 ? before : k <= before ? k - 1 : k
      const box = boxAt(each, slot)
      if (occupied.hits(box)) continue
      occupied.add(box)
      found.set(each.key, box)
      slots.set(each.key, slot)
      break
    }
  }
  return found
}

function boxAt({ x, y, reach, w, h }: Wanted, slot: number): Box {
  const [across, down] = SLOTS[slot] ?? [1, 0]
  const away = reach + GAP
  const diagonal = across !== 0 && down !== 0 ? 0.75 : 1
  return {
    x: across > 0 ? x + away * diagonal : across < 0 ? x - away * diagonal - w : x - w / 2,
    y: down > 0 ? y + away * diagonal : down < 0 ? y - away * diagonal - h : y - h / 2,
    w,
    h,
  }
}
