/** Where the phone is, while its patrol lets it look. */
import { offset } from '../../alerts/sentence'
import type { Position } from '../../api/types'

export interface Fix {
  position: Position
  sigma_m: number
  time_ns: number
}

/** Reported when it has moved so far, or after so long. */
const MOVED_M = 50
const AFTER_NS = 60e9

export class OwnPosition {
  fix = $state.raw<Fix | null>(null)
  watching = $state(false)
  denied = $state(false)
  reported = $state.raw<Fix | null>(null)
  #watch = 0

  start(report: (fix: Fix) => void): void {
    if (!('geolocation' in navigator)) {
      this.denied = true
      return
    }
    this.watching = true
    this.#watch = navigator.geolocation.watchPosition(
      ({ coords, timestamp }) => {
        const position = { latitude_deg: coords.latitude, longitude_deg: coords.longitude, height_m: 0 }
        this.denied = false
        // Browsers give the radius that holds 95 %: two sigmas and a half in the plane.
        this.fix = { position, sigma_m: Math.max(1, coords.accuracy / 2.45), time_ns: Math.round(timestamp * 1e6) }
        if (this.#due(this.fix)) {
          this.reported = this.fix
          report(this.fix)
        }
      },
      () => (this.denied = true),
      { enableHighAccuracy: true, maximumAge: 5_000 },
    )
  }

  stop(): void {
    navigator.geolocation.clearWatch(this.#watch)
    this.watching = false
  }

  #due(fix: Fix): boolean {
    const last = this.reported
    if (!last || fix.time_ns - last.time_ns > AFTER_NS) return true
    return offset(last.position, fix.position).distance_m > MOVED_M
  }
}
