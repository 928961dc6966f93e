import { describe, expect, it } from 'vitest'
import { Placer, type Box, type Target, type Wanted } from './declutter'

/** A small generator, so that a failure comes again. */
function* numbers(seed: number): Generator<number> {
  let state = seed
  for (;;) {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    yield state / 4_294_967_296
  }
}

const boxOf = ({ x, y, reach }: Target): Box => ({ x: x - reach, y: y - reach, w: 2 * reach, h: 2 * reach })
const overlap = (a: Box, b: Box): boolean => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h

function crowd(seed: number, count: number): { wanted: Wanted[]; targets: Target[] } {
  const next = numbers(seed)
  const draw = (): number => next.next().value as number
  const wanted = Array.from({ length: count }, (_, k) => ({
    key: `t${k}`,
    x: draw() * 1200,
    y: draw() * 700,
    reach: 12,
    w: 40 + draw() * 60,
    h: 16,
    weight: Math.floor(draw() * 5),
  }))
  return { wanted, targets: wanted.map(({ x, y }) => ({ x, y, reach: 12 })) }
}

describe('labels', () => {
  it('are not cut off at an edge of the screen', () => {
    const { wanted, targets } = crowd(7, 60)
    const boxes = [...new Placer().place(wanted, targets, 1200, 800).values()]
    expect(boxes.length).toBeGreaterThan(40)
    for (const { x, y, w, h } of boxes) expect(x >= 0 && x + w <= 1200 && y >= 0 && y + h <= 800).toBe(true)
  })

  it('slide along what they name in a corner, and are whole there', () => {
    for (const [x, y] of [[4, 4], [596, 4], [4, 396], [596, 396], [300, 2], [300, 399]] as const) {
      const only = { key: 'a', x, y, reach: 10, w: 220, h: 16, weight: 1 }
      const box = new Placer().place([only], [{ x, y, reach: 10 }], 600, 400).get('a')
      expect(box && box.x >= 0 && box.x + box.w <= 600 && box.y >= 0 && box.y + box.h <= 400, `${x} ${y}`).toBe(true)
    }
  })

  for (const count of [5, 60, 500]) {
    it(`of ${count} targets hide no target and no other label`, () => {
      const { wanted, targets } = crowd(count, count)
      const boxes = [...new Placer().place(wanted, targets).values()]
      expect(boxes.length).toBeGreaterThan(Math.min(count, 40) * 0.7)
      boxes.forEach((box, k) => {
        expect(targets.some((target) => overlap(box, boxOf(target)))).toBe(false)
        expect(boxes.slice(k + 1).some((other) => overlap(box, other))).toBe(false)
      })
    })
  }

  it('keep their slot while it is free, and the weightiest goes first', () => {
    const { wanted, targets } = crowd(7, 80)
    const placer = new Placer()
    const first = placer.place(wanted, targets)
    expect([...placer.place(wanted, targets)]).toEqual([...first])
    const weighty = wanted.map((each) => ({ ...each, weight: each.key === 't41' ? 99 : each.weight }))
    expect(new Placer().place(weighty, targets).keys().next().value).toBe('t41')
  })
  it('hide nothing beyond the edges of the screen or on a wall of screens', () => {
    const { wanted, targets } = crowd(3, 200)
    const far = (k: number): number => (k % 3 === 0 ? -400 : k % 3 === 1 ? 9000 : 0)
    wanted.forEach((each, k) => Object.assign(each, { x: each.x + far(k), y: each.y + far(k + 1) }))
    targets.forEach((each, k) => Object.assign(each, { x: each.x + far(k), y: each.y + far(k + 1) }))
    const boxes = [...new Placer().place(wanted, targets).values()]
    boxes.forEach((box, k) => {
      expect(targets.some((target) => overlap(box, boxOf(target)))).toBe(false)
      expect(boxes.slice(k + 1).some((other) => overlap(box, other))).toBe(false)
    })
  })
})
