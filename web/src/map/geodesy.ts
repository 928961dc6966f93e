/** Positions on the earth: WGS84, the site's own east-north-up frame and the web's Mercator square; exact, as in geo/geodesy. */
import type { GroundCovariance, Position } from '../api/types'

const A = 6_378_137
const F = 1 / 298.257_223_563
const E2 = F * (2 - F)
const B = A * (1 - F)
const MEAN_RADIUS = 6_371_008.8
const DEGREE = Math.PI / 180
/** Of a normal distribution in the plane, 95 % lies within this many standard deviations. */
const WITHIN_95 = Math.sqrt(-2 * Math.log(0.05))

export type Point = readonly [number, number]
type Vector = readonly [number, number, number]

function ecef(latitude_deg: number, longitude_deg: number, height_m: number): Vector {
  const latitude = latitude_deg * DEGREE
  const longitude = longitude_deg * DEGREE
  const prime = A / Math.sqrt(1 - E2 * Math.sin(latitude) ** 2)
  const across = (prime + height_m) * Math.cos(latitude)
  return [
    across * Math.cos(longitude),
    across * Math.sin(longitude),
    (prime * (1 - E2) + height_m) * Math.sin(latitude),
  ]
}

/** Bowring's latitude (1985), iterated as the server does. */
function geodetic([x, y, z]: Vector): Required<Position> {
  const across = Math.hypot(x, y)
  const second = E2 / (1 - E2)
  let reduced = Math.atan2(z, (B / A) * across)
  let latitude = 0
  for (let k = 0; k < 3; k++) {
    latitude = Math.atan2(
      z + second * B * Math.sin(reduced) ** 3,
      across - E2 * A * Math.cos(reduced) ** 3,
    )
    reduced = Math.atan2((B / A) * Math.sin(latitude), Math.cos(latitude))
  }
  const sine = Math.sin(latitude)
  return {
    latitude_deg: latitude / DEGREE,
    longitude_deg: Math.atan2(y, x) / DEGREE,
    height_m: across * Math.cos(latitude) + z * sine - A * Math.sqrt(1 - E2 * sine * sine),
  }
}

/** The plane that touches the earth at one point: east, north and up in metres. */
export class EnuFrame {
  readonly #centre: Vector
  readonly #height: number
  readonly #axes: readonly [Vector, Vector, Vector]

  constructor(origin: Position) {
    const latitude = origin.latitude_deg * DEGREE
    const longitude = origin.longitude_deg * DEGREE
    const [sl, cl, so, co] = [Math.sin(latitude), Math.cos(latitude), Math.sin(longitude), Math.cos(longitude)]
    this.#height = origin.height_m ?? 0
    this.#centre = ecef(origin.latitude_deg, origin.longitude_deg, origin.height_m ?? 0)
    this.#axes = [
      [-so, co, 0],
      [-sl * co, -sl * so, cl],
      [cl * co, cl * so, sl],
    ]
  }

  position(east_m: number, north_m: number, up_m = 0): Required<Position> {
    const [e, n, u] = this.#axes
    const [x, y, z] = this.#centre
    return geodetic([
      x + east_m * e[0] + north_m * n[0] + up_m * u[0],
      y + east_m * e[1] + north_m * n[1] + up_m * u[1],
      z + east_m * e[2] + north_m * n[2] + up_m * u[2],
    ])
  }

  /** Up of a point of which east, north and height are known; to a hand's breadth within 20 km. */
  up(east_m: number, north_m: number, height_m: number): number {
    return height_m - this.#height - (east_m * east_m + north_m * north_m) / (2 * (MEAN_RADIUS + height_m))
  }

  /** East, north and up of a position. */
  enu(position: Position): Vector {
    const [x, y, z] = ecef(position.latitude_deg, position.longitude_deg, position.height_m ?? 0)
    const [dx, dy, dz] = [x - this.#centre[0], y - this.#centre[1], z - this.#centre[2]]
    const [e, n, u] = this.#axes
    return [
      dx * e[0] + dy * e[1] + dz * e[2],
      dx * n[0] + dy * n[1] + dz * n[2],
      dx * u[0] + dy * u[1] + dz * u[2],
    ]
  }
}

/** Where a position lies in the web's square map, 0 to 1 to the right and down. */
export function mercator(latitude_deg: number, longitude_deg: number): Point {
  const sine = Math.sin(latitude_deg * DEGREE)
  return [(longitude_deg + 180) / 360, 0.5 - Math.atanh(sine) / (2 * Math.PI)]
}

/** The position of a place in the square map, on the ground. */
export const unmercator = ([x, y]: Point): Position => ({
  latitude_deg: Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) / DEGREE,
  longitude_deg: x * 360 - 180,
})

/** The share of the web's square map that a metre at a latitude is long. */
export const mercatorPerMetre = (latitude_deg: number): number =>
  1 / (2 * Math.PI * A * Math.cos(latitude_deg * DEGREE))

/** The shares of the web's square map that a metre east and a metre north are at a latitude, on the ellipsoid. */
export function mercatorRates(latitude_deg: number): Point {
  const [sine, cosine] = [Math.sin(latitude_deg * DEGREE), Math.cos(latitude_deg * DEGREE)]
  const flat = 1 - E2 * sine * sine
  const prime = A / Math.sqrt(flat)
  const meridional = (prime * (1 - E2)) / flat
  return [1 / (2 * Math.PI * prime * cosine), 1 / (2 * Math.PI * meridional * cosine)]
}

/** The long and the short half-axis of the ellipse that holds something with 95 %, as east and north in metres. */
export function axes95({ east_m2, east_north_m2, north_m2 }: GroundCovariance): [Point, Point] {
  const mean = (east_m2 + north_m2) / 2
  const spread = Math.hypot((east_m2 - north_m2) / 2, east_north_m2)
  const long = WITHIN_95 * Math.sqrt(Math.max(mean + spread, 0))
  const short = WITHIN_95 * Math.sqrt(Math.max(mean - spread, 0))
  const turn = Math.atan2(2 * east_north_m2, east_m2 - north_m2) / 2
  return [
    [long * Math.cos(turn), long * Math.sin(turn)],
    [-short * Math.sin(turn), short * Math.cos(turn)],
  ]
}

/** Metres along the straight line between two positions, and its azimuth at the first, radians clockwise from north. */
export function between(from: Position, to: Position): { distance_m: number; azimuth_rad: number } {
  const [east, north, up] = new EnuFrame({ ...from, height_m: 0 }).enu({ ...to, height_m: 0 })
  return {
    distance_m: Math.hypot(east, north, up),
    azimuth_rad: (Math.atan2(east, north) + 2 * Math.PI) % (2 * Math.PI),
  }
}

/** The area inside corners in square metres, on the plane that touches the earth at the first. */
export function area_m2(corners: readonly Position[]): number {
  const [first] = corners
  if (!first) return 0
  const frame = new EnuFrame({ ...first, height_m: 0 })
  const flat = corners.map((corner) => frame.enu({ ...corner, height_m: 0 }))
  let twice = 0
  flat.forEach(([x0, y0], k) => {
    const [x1, y1] = flat[(k + 1) % flat.length] ?? [0, 0]
    twice += x0 * y1 - x1 * y0
  })
  return Math.abs(twice) / 2
}
