/** The site's own lines and areas as GeoJSON, and how far it reaches. */
import type { Position, Site } from '../api/types'
import { EnuFrame } from './geodesy'

type Lonlat = [number, number]
const lonlat = ({ longitude_deg, latitude_deg }: Position): Lonlat => [longitude_deg, latitude_deg]

export function siteShapes(site: Site): GeoJSON.FeatureCollection {
  const line = (part: string, points: Position[], more: object = {}): GeoJSON.Feature => ({
    type: 'Feature',
    properties: { part, ...more },
    geometry: { type: 'LineString', coordinates: points.map(lonlat) },
  })
  const area = (part: string, points: Position[]): GeoJSON.Feature => ({
    type: 'Feature',
    properties: { part },
    geometry: { type: 'Polygon', coordinates: [[...points, ...points.slice(0, 1)].map(lonlat)] },
  })
  return {
    type: 'FeatureCollection',
    features: [
      ...(site.lines ?? []).map((each) => line('line', each.points, { band_m: each.band_m ?? 0 })),
      ...(site.fences ?? []).map((each) => line('fence', each.points)),
      ...(site.zones ?? []).map((each) => area('zone', each.points)),
      ...(site.inhabited ?? []).map((each) => area('inhabited', each.points)),
    ],
  }
}

/** South-west and north-east of all that the site names, with some of what its cameras look at. */
export function sectorBounds(site: Site): [Lonlat, Lonlat] | null {
  const drawn = [...(site.lines ?? []), ...(site.fences ?? []), ...(site.zones ?? [])].flatMap((each) => each.points)
  const stands = [...(site.posts ?? []).map((post) => post.position)]
  const views = (site.cameras ?? []).flatMap(({ pose, reach_m }) => {
    if (!pose) return []
    const azimuth = (pose.azimuth_deg * Math.PI) / 180
    const ahead_m = drawn.length ? 0 : (reach_m ?? 3000) * 0.6
    const frame = new EnuFrame({ ...pose, height_m: 0 })
    return [pose, frame.position(ahead_m * Math.sin(azimuth), ahead_m * Math.cos(azimuth))]
  })
  const all = [...drawn, ...stands, ...views]
  if (!all.length) return null
  const [longitudes, latitudes] = [all.map((p) => p.longitude_deg), all.map((p) => p.latitude_deg)]
  return [
    [Math.min(...longitudes), Math.min(...latitudes)],
    [Math.max(...longitudes), Math.max(...latitudes)],
  ]
}
