import { describe, expect, it } from 'vitest'
import type { PictureTrack } from '../api/types'
import { mercator } from './geodesy'
import { Polylines } from './polylines'
import { Trails, type Trail } from './trails'

const NS = 1e9

/** A track that goes a hundred-thousandth of a degree north each second. */
const track = (seconds: number, id = 'a'): PictureTrack =>
  ({
    track_id: id,
    seen_ns: seconds * NS,
    ground: { position: { latitude_deg: 34 + seconds * 1e-5, longitude_deg: 41 } },
  }) as PictureTrack

const seconds = (trail: Trail | undefined): number[] =>
  trail ? [...trail.times_ns.slice(trail.from, trail.to)].map((time_ns) => time_ns / NS) : []

describe('trails', () => {
  it('hold the last three minutes, a point every three seconds, however long the night', () => {
    const trails = new Trails()
    for (let k = 0; k < 4000; k++) trails.take((k / 2) * NS, [track(k / 2)], [])
    const trail = trails.of('a')
    const kept = seconds(trail)
    expect(kept.at(-1)).toBe(1998)
    expect(kept[0]).toBe(1818)
    expect(kept).toHaveLength(61)
    const last = trail?.points.slice(2 * trail.to - 2, 2 * trail.to) ?? []
    expect([...last]).toEqual([...mercator(34 + 1998e-5, 41)])
  })

  it('are forgotten with the track, and when a replay jumps', () => {
    const trails = new Trails()
    trails.take(10 * NS, [track(10), track(10, 'b')], [])
    trails.take(20 * NS, [track(20)], [])
    expect(trails.of('b')).toBeUndefined()
    expect(seconds(trails.of('a'))).toEqual([10, 20])
    trails.take(5 * NS, [track(5)], [])
    expect(seconds(trails.of('a'))).toEqual([5])
    trails.take(500 * NS, [track(500)], [])
    expect(seconds(trails.of('a'))).toEqual([500])
  })

  it('never burst when the clock of what is seen runs ahead of the desk', () => {
    const trails = new Trails()
    for (let k = 0; k < 1000; k++) trails.take(k * NS, [track(4 * k)], [])
    const kept = seconds(trails.of('a'))
    expect(kept.at(-1)).toBe(3996)
    expect(kept).toEqual([...kept].sort((a, b) => a - b))
  })
})

describe('lines gathered as numbers', () => {
  it('are traced as they were given, however many, and begin again when cleared', () => {
    const lines = new Polylines()
    const traced: [string, number, number][] = []
    const pen = {
      moveTo: (x: number, y: number) => traced.push(['move', x, y]),
      lineTo: (x: number, y: number) => traced.push(['line', x, y]),
    }
    const given = Array.from({ length: 2000 }, (_, k): [string, number, number] => [k % 7 ? 'line' : 'move', k, -k])
    for (const [what, x, y] of given) lines[what as 'line' | 'move'](x, y)
    lines.trace(pen)
    expect(traced).toEqual(given)
    lines.clear()
    expect(lines.empty).toBe(true)
  })
})
