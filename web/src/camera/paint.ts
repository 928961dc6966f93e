import type { Shown } from './decode'
import type { Mark } from './message'
import { boxOf, fitted, grown, labelPlace, overlap, placed, visible, type Rectangle, type Size, type Zoom } from './view'

/** How boxes and labels look; colours come from the theme. */
export interface Look {
  line: string
  marked: string
  ground: string
  font: string
  label: (mark: Mark) => string
}

export interface Drawn {
  boxes: { mark: Mark; box: Rectangle }[]
  labels: { mark: Mark; at: Rectangle }[]
}

/** From this enlargement on pixels are shown as the squares that they are. */
const SQUARE_PIXELS = 4
const LABEL_PX = 12

/** Draw the part of the picture that is seen, as large as it fits; where it came to lie. */
export function paintPicture(canvas: HTMLCanvasElement, shown: Shown, zoom: Zoom): Rectangle {
  const picture = sizeOf(shown)
  const area = fitted(picture, canvas)
  const seen = visible(picture, zoom)
  const context = canvas.getContext('2d', { alpha: false, desynchronized: true })
  if (!context) return area
  context.imageSmoothingEnabled = area.w / seen.w < SQUARE_PIXELS
  context.clearRect(0, 0, canvas.width, canvas.height)
  context.drawImage(shown.image, seen.x, seen.y, seen.w, seen.h, area.x, area.y, area.w, area.h)
  return area
}

export function sizeOf({ header, image }: Shown): Size {
  const size = 'displayWidth' in image ? { width: image.displayWidth, height: image.displayHeight } : image
  return size.width > 0 ? { width: size.width, height: size.height } : header
}

/** Where boxes and labels go, on the screen: those marked first, so that they have the better places. */
export function arrange(
  marks: readonly Mark[], marked: ReadonlySet<number>, picture: Size, zoom: Zoom, area: Rectangle,
  width: (mark: Mark) => number,
): Drawn {
  const seen = visible(picture, zoom)
  const first = (mark: Mark) => Number(!marked.has(mark.track_id))
  const boxes = [...marks]
    .sort((one, other) => first(one) - first(other))
    .map((mark) => ({ mark, box: grown(placed(boxOf(mark), seen, area)) }))
    .filter(({ box }) => overlap(box, area))
  const taken = boxes.map(({ box }) => box)
  const labels: Drawn['labels'] = []
  for (const { mark, box } of boxes) {
    if (mark.status === 'tentative' && !marked.has(mark.track_id)) continue
    const at = labelPlace(box, { width: width(mark), height: LABEL_PX + 4 }, taken, area)
    if (!at) continue
    taken.push(at)
    labels.push({ mark, at })
  }
  return { boxes, labels }
}

/** Draw thin boxes and, outside of all of them, their labels. */
export function paintMarks(
  canvas: HTMLCanvasElement, shown: Shown, marked: ReadonlySet<number>, zoom: Zoom, area: Rectangle, look: Look,
): void {
  const context = canvas.getContext('2d')
  if (!context) return
  const scale = window.devicePixelRatio || 1
  context.clearRect(0, 0, canvas.width, canvas.height)
  context.font = `${LABEL_PX * scale}px ${look.font}`
  context.textBaseline = 'middle'
  const width = (mark: Mark) => context.measureText(look.label(mark)).width + 6
  const { boxes, labels } = arrange(shown.header.marks, marked, sizeOf(shown), zoom, area, width)
  context.save()
  context.beginPath()
  context.rect(area.x, area.y, area.w, area.h)
  context.clip()
  for (const { mark, box } of boxes) {
    context.strokeStyle = marked.has(mark.track_id) ? look.marked : look.line
    context.lineWidth = (marked.has(mark.track_id) ? 2 : 1) * scale
    context.setLineDash(mark.status === 'tentative' || mark.status === 'coasting' ? [4, 3] : [])
    context.strokeRect(Math.round(box.x) + 0.5, Math.round(box.y) + 0.5, Math.round(box.w), Math.round(box.h))
  }
  context.restore()
  for (const { mark, at } of labels) {
    context.fillStyle = look.ground
    context.fillRect(at.x, at.y, at.w, at.h)
    context.fillStyle = marked.has(mark.track_id) ? look.marked : look.line
    context.fillText(look.label(mark), at.x + 3, at.y + at.h / 2)
  }
}
