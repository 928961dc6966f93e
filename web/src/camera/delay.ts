/** The browser's clock in milliseconds since 1970, finer and steadier than `Date.now()`. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}

/** How long a picture took from being measured to now; `offset_ms` is how far the server's clock is ahead of ours. */
export function delayMs(time_ns: number, now_ms: number, offset_ms: number): number {
  return now_ms + offset_ms - time_ns / 1e6
}

export const LATE_MS = 2000
