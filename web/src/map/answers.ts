/** What the server's map routes answer. */
import type { Position } from '../api/types'
import type { Cells, MapFacts, PlaceFacts, Profile, Seen, Shapes } from './types'

async function ask<T>(path: string, params: Record<string, string | number>, signal?: AbortSignal): Promise<T> {
  const query = new URLSearchParams(Object.entries(params).map(([name, value]) => [name, String(value)]))
  const answer = await fetch(`/api/map${path}${query.size ? `?${query}` : ''}`, {
    credentials: 'same-origin',
    ...(signal ? { signal } : {}),
  })
  const body = (await answer.json().catch(() => ({}))) as T & { message?: string; detail?: string }
  if (!answer.ok) throw new Error(body.message ?? body.detail ?? `${answer.status}`)
  return body
}

const at = ({ latitude_deg, longitude_deg }: Position): { lat: number; lon: number } => ({
  lat: latitude_deg,
  lon: longitude_deg,
})
const from = ({ latitude_deg, longitude_deg }: Position): { from_lat: number; from_lon: number } => ({
  from_lat: latitude_deg,
  from_lon: longitude_deg,
})

export const facts = (): Promise<MapFacts> => ask('', {})
export const place = (where: Position, signal: AbortSignal): Promise<PlaceFacts> => ask('/place', at(where), signal)
export const sees = (where: Position, height: number, signal: AbortSignal): Promise<Seen> =>
  ask('/sees', { ...at(where), height }, signal)
export const mast = (where: Position, height: number, reach: number, signal: AbortSignal): Promise<Shapes> =>
  ask('/mast', { ...at(where), height, reach }, signal)
export const profile = (start: Position, end: Position, signal: AbortSignal): Promise<Profile> =>
  ask('/profile', { ...from(start), ...at(end) }, signal)
export const travelOf = (patrol: string, to: Position, signal: AbortSignal): Promise<Shapes> =>
  ask('/travel', { patrol, ...at(to) }, signal)
export const travelFrom = (start: Position, means: 'foot' | 'vehicle', signal: AbortSignal): Promise<Shapes> =>
  ask('/travel', { ...from(start), means }, signal)
export const cameraGround = (camera_id: string): Promise<Shapes> =>
  ask(`/cameras/${encodeURIComponent(camera_id)}/ground.json`, {})
export const cells = (kind: 'observed' | 'presence'): Promise<Cells> => ask(`/${kind}.json`, {})
