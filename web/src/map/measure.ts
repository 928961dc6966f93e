/** Distances and bearings along lines that the officer draws, worded at their middle. */
import type { Position } from '../api/types'
import { area_m2, between, mercator, type Point } from './geodesy'
import type { Drawn } from './overlay'

export interface Measures {
  distance(metres: number): string
  bearing(azimuth_rad: number): string
  area(square_metres: number): string
}

const pointOf = ({ latitude_deg, longitude_deg }: Position): Point => mercator(latitude_deg, longitude_deg)

/** A line as it is measured: each leg with its length and bearing, and at its end the whole length. */
export function measured(points: readonly Position[], words: Measures, closed = false): Drawn {
  const corners = closed ? [...points, ...points.slice(0, 1)] : [...points]
  const labels: Drawn['labels'] = []
  let total_m = 0
  corners.slice(1).forEach((to, k) => {
    const from = corners[k]
    if (!from) return
    const { distance_m, azimuth_rad } = between(from, to)
    total_m += distance_m
    if (distance_m < 0.5) return
    const [a, b] = [pointOf(from), pointOf(to)]
    labels.push({
      at: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2],
      text: `${apart(words.distance(distance_m))} · ${apart(words.bearing(azimuth_rad))}`,
    })
  })
  const last = corners.at(-1)
  if (closed && points.length > 2) labels.push({ at: middle(points), text: words.area(area_m2(points)) })
  else if (last && labels.length > 1) labels.push({ at: pointOf(last), text: words.distance(total_m) })
  return { points: points.map(pointOf), closed, dashed: false, strong: true, labels }
}

/** Words that keep their own direction beside others. */
const apart = (text: string): string => `\u2068${text}\u2069`

function middle(points: readonly Position[]): Point {
  const all = points.map(pointOf)
  const sum = all.reduce<[number, number]>(([x, y], point) => [x + point[0], y + point[1]], [0, 0])
  return [sum[0] / all.length, sum[1] / all.length]
}
