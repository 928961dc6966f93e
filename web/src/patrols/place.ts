/** From the site's own east and north to the earth, good to a metre over the length of a site. */
import type { EnuPoint, Position } from '../api/types'

const SEMI_MAJOR_M = 6_378_137
const ECCENTRICITY_2 = 6.694379990141e-3
const DEG = 180 / Math.PI

/** Where a point of the site's frame lies on the earth. */
export function placeOf(point: EnuPoint, origin: Position): Position {
  const latitude = origin.latitude_deg / DEG
  const curve = 1 - ECCENTRICITY_2 * Math.sin(latitude) ** 2
  const meridian_m = (SEMI_MAJOR_M * (1 - ECCENTRICITY_2)) / curve ** 1.5
  const prime_m = SEMI_MAJOR_M / Math.sqrt(curve)
  const height_m = origin.height_m ?? 0
  return {
    latitude_deg: origin.latitude_deg + (point.north_m / (meridian_m + height_m)) * DEG,
    longitude_deg: origin.longitude_deg + (point.east_m / ((prime_m + height_m) * Math.cos(latitude))) * DEG,
  }
}
