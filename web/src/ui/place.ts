/** A place as an officer writes it. */
import { toPoint } from 'mgrs'
import type { Position } from '../api/types'

/** Degrees, or the military grid; null for what is neither. */
export function placeOf(text: string): Position | null {
  const pair = /^\s*(-?\d+(?:\.\d+)?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text)
  if (pair) return { latitude_deg: Number(pair[1]), longitude_deg: Number(pair[2]) }
  try {
    const [longitude_deg, latitude_deg] = toPoint(text.replaceAll(/\s/g, '').toUpperCase())
    return { latitude_deg, longitude_deg }
  } catch {
    return null
  }
}
