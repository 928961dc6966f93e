import type { Mark } from './message'

export interface Size {
  width: number
  height: number
}

export interface Rectangle {
  x: number
  y: number
  w: number
  h: number
}

/** What part of the picture is seen: its middle as shares of the sides, and how many times it is enlarged. */
export interface Zoom {
  x: number
  y: number
  factor: number
}

export const WHOLE: Zoom = { x: 0.5, y: 0.5, factor: 1 }
export const MOST_ZOOM = 16

const between = (low: number, value: number, high: number) => Math.min(high, Math.max(low, value))

/** The same with no edge of the picture inside the view. */
export function bounded({ x, y, factor }: Zoom): Zoom {
  const most = between(1, factor, MOST_ZOOM)
  const half = 0.5 / most
  return { x: between(half, x, 1 - half), y: between(half, y, 1 - half), factor: most }
}

/** Enlarged by `by` around a point of the view (shares of its sides), which stays where it is. */
export function zoomed(zoom: Zoom, by: number, at: { x: number; y: number }): Zoom {
  const factor = between(1, zoom.factor * by, MOST_ZOOM)
  const shift = 1 / zoom.factor - 1 / factor
  return bounded({ x: zoom.x + (at.x - 0.5) * shift, y: zoom.y + (at.y - 0.5) * shift, factor })
}

/** Moved so that the picture follows the hand by shares of the view's sides. */
export function panned(zoom: Zoom, dx: number, dy: number): Zoom {
  return bounded({ ...zoom, x: zoom.x - dx / zoom.factor, y: zoom.y - dy / zoom.factor })
}

/** Where the picture lies in a box, as large as it fits, its shape kept. */
export function fitted(picture: Size, box: Size): Rectangle {
  const scale = Math.min(box.width / picture.width, box.height / picture.height)
  const [w, h] = [picture.width * scale, picture.height * scale]
  return { x: (box.width - w) / 2, y: (box.height - h) / 2, w, h }
}

/** The part of the picture that is seen, in its own pixels. */
export function visible(picture: Size, zoom: Zoom): Rectangle {
  const [w, h] = [picture.width / zoom.factor, picture.height / zoom.factor]
  return { x: zoom.x * picture.width - w / 2, y: zoom.y * picture.height - h / 2, w, h }
}

/** A rectangle of the picture as it lies on the screen. */
export function placed(mark: Rectangle, seen: Rectangle, area: Rectangle): Rectangle {
  const [sx, sy] = [area.w / seen.w, area.h / seen.h]
  return { x: area.x + (mark.x - seen.x) * sx, y: area.y + (mark.y - seen.y) * sy, w: mark.w * sx, h: mark.h * sy }
}

export function boxOf(mark: Mark): Rectangle {
  return { x: mark.x_px, y: mark.y_px, w: mark.w_px, h: mark.h_px }
}

/** The box a little off the target, and never so small that it cannot be seen. */
export function grown(box: Rectangle, by = 3, least = 12): Rectangle {
  const [w, h] = [Math.max(least, box.w + 2 * by), Math.max(least, box.h + 2 * by)]
  return { x: box.x + (box.w - w) / 2, y: box.y + (box.h - h) / 2, w, h }
}

export function overlap(one: Rectangle, other: Rectangle): boolean {
  return one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h
}

/**
 * Where a label of this size goes: above, below or beside its box, on no box and no other label, inside the area; undefined
 * where there is no such place, for a target is never covered.
 */
export function labelPlace(box: Rectangle, size: Size, taken: readonly Rectangle[], area: Rectangle): Rectangle | undefined {
  const { width: w, height: h } = size
  const gap = 2
  const middle = box.y + box.h / 2 - h / 2
  const places = [
    { x: box.x, y: box.y - h - gap },
    { x: box.x, y: box.y + box.h + gap },
    { x: box.x + box.w + gap, y: middle },
    { x: box.x - w - gap, y: middle },
    { x: box.x + box.w - w, y: box.y - h - gap },
    { x: box.x + box.w - w, y: box.y + box.h + gap },
  ]
  return places
    .map((place) => ({ ...place, w, h }))
    .find(
      (place) =>
        place.x >= area.x && place.y >= area.y && place.x + w <= area.x + area.w && place.y + h <= area.y + area.h &&
        !taken.some((other) => overlap(place, other)),
    )
}
