/**
 * What moves on the map, drawn on a canvas of its own above it: a change of the picture costs no redrawing of the map,
 * and words are shaped by the browser with the page's own type, in whatever direction they run.
 */
import { Placer, type Wanted } from './declutter'
import { mercatorPerMetre, unmercator, type Point } from './geodesy'
import { faded, isRed, type Palette } from './palette'
import type { Mark, Scene } from './scene'
import { Polylines } from './polylines'
import { Sprites, type Sprite } from './symbols'
import type { Trail } from './trails'

export interface Screen {
  width: number
  height: number
  ratio: number
}

/** A line or area that the officer draws or asks about, in the square map, with words along it. */
export interface Drawn {
  points: Point[]
  closed: boolean
  dashed: boolean
  strong: boolean
  labels: { at: Point; text: string }[]
}

/** How the terrain lifts what lies on it: its height at a place as the map draws it, 0 on a flat map. */
export type Lift = (mark: { latitude_deg: number; longitude_deg: number }) => number

type Xy = [number, number]

/** A mark as it stands on the screen. */
interface Spot {
  mark: Mark
  sprite: Sprite | null
  x: number
  y: number
  z: number
  /** How far the symbol reaches. */
  reach: number
}

/** A line of words, from its upper left corner. */
interface Line {
  text: string
  x: number
  y: number
}

const LABEL_PX = 12
const LABEL_HEIGHT = 17
const LABEL_PAD = 4
const MOST_LABELS = 160
const TRAIL_SHADES = 4
const TRAIL_NS = 180e9
/** Of a crowd only the last stretch of each trail is drawn: more of it would be a tangle. */
const CROWD = 120
const CROWD_TRAIL_NS = 45e9
const SHORTEST_STEP_PX = 2
const SMALLEST_ELLIPSE_PX = 7
/** The line ahead of a symbol shows where it will be in so many seconds. */
const AHEAD_S = 60
const CROSSED = 7

export class Overlay {
  palette: Palette
  lift: Lift = () => 0
  drawn: Drawn[] = []
  pin: Point | null = null
  readonly #context: CanvasRenderingContext2D
  readonly #sprites: Sprites
  readonly #placer = new Placer()
  readonly #widths = new Map<string, number>()
  #scene: Scene = { marks: [], links: [] }
  readonly #matrix = new Float64Array(16)
  #ready = false
  #screen: Screen
  #hatch: CanvasPattern | null = null
  /** What is on the screen, the weightiest last. */
  readonly #spots: Spot[] = []
  readonly #spares: Spot[] = []
  /** Where `#project` has put a place. */
  #x = 0
  #y = 0
  readonly #strokes = { unknown: shades(), own: shades() }
  #rtl = false

  constructor(
    readonly canvas: HTMLCanvasElement,
    palette: Palette,
    screen: Screen,
  ) {
    const context = canvas.getContext('2d')
    if (!context) throw new Error('this browser draws no canvas')
    this.#context = context
    this.palette = palette
    this.#screen = screen
    this.#sprites = new Sprites(palette, screen.ratio)
    this.resize(screen)
    this.dress(palette)
  }

  dress(palette: Palette): void {
    this.palette = palette
    this.#sprites.dress(palette, this.#screen.ratio)
    this.#widths.clear()
    this.#rtl = getComputedStyle(this.canvas).direction === 'rtl'
    this.#hatch = hatch(this.#context, palette, this.#screen.ratio)
  }

  resize(screen: Screen): void {
    this.#screen = screen
    this.canvas.width = Math.round(screen.width * screen.ratio)
    this.canvas.height = Math.round(screen.height * screen.ratio)
    this.dress(this.palette)
  }

  show(scene: Scene): void {
    this.#scene = scene
  }

  /** Whether a matrix is another one than the last drawn with. */
  moved(matrix: ArrayLike<number>): boolean {
    const last = this.#matrix
    if (!this.#ready) return true
    for (let k = 0; k < 16; k++) if (matrix[k] !== last[k]) return true
    return false
  }

  /** Draw everything; a matrix takes the square map, height in its own units, to clip space. */
  draw(matrix?: ArrayLike<number>): void {
    if (matrix) this.#matrix.set(matrix)
    else if (!this.#ready) return
    this.#ready = true
    const context = this.#context
    const { width, height, ratio } = this.#screen
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.clearRect(0, 0, width, height)
    context.lineJoin = 'round'
    this.#place()
    this.#corridors()
    this.#trails()
    this.#ellipses()
    this.#links()
    this.#drawings()
    this.#ahead()
    for (const spot of this.#spots) this.#symbol(spot)
    this.#labels()
  }

  /** What is drawn at a place of the screen, the nearest of it. */
  hit(x: number, y: number, slack: number): Mark | null {
    let best: Mark | null = null
    let nearest = Infinity
    for (const spot of this.#spots) {
      const distance = Math.hypot(spot.x - x, spot.y - y)
      if (distance < Math.max(spot.reach, slack) && distance < nearest) {
        best = spot.mark
        nearest = distance
      }
    }
    return best
  }

  /** What is on the screen, the weightiest first, from left to right among equals. */
  get inView(): readonly Mark[] {
    const { width, height } = this.#screen
    return this.#spots
      .filter(({ x, y }) => x >= 0 && y >= 0 && x <= width && y <= height)
      .sort((a, b) => b.mark.weight - a.mark.weight || a.x - b.x)
      .map(({ mark }) => mark)
  }

  /** Put where a place of the square map is on the screen into `#x` and `#y`; false behind the eye. */
  #project(x: number, y: number, z: number): boolean {
    const m = this.#matrix
    const w = m[3]! * x + m[7]! * y + m[11]! * z + m[15]!
    if (!this.#ready || w <= 0) return false
    const { width, height } = this.#screen
    this.#x = ((m[0]! * x + m[4]! * y + m[8]! * z + m[12]!) / w / 2 + 0.5) * width
    this.#y = (0.5 - (m[1]! * x + m[5]! * y + m[9]! * z + m[13]!) / w / 2) * height
    return true
  }

  /** Where a place of the square map is on the screen; null behind the eye. */
  at(x: number, y: number, z = 0): Xy | null {
    return this.#project(x, y, z) ? [this.#x, this.#y] : null
  }

  #z(mark: Parameters<Lift>[0]): number {
    const lifted = this.lift(mark)
    return lifted && lifted * mercatorPerMetre(mark.latitude_deg)
  }

  /** Where a place on the ground is on the screen. */
  #onGround(point: Point): Xy | null {
    return this.at(...point, this.#z(unmercator(point)))
  }

  #place(): void {
    const { width, height } = this.#screen
    const margin = 60
    this.#spots.length = 0
    for (const mark of this.#scene.marks) {
      const z = this.#z(mark)
      if (!this.#project(mark.x, mark.y, z)) continue
      const x = this.#x
      const y = this.#y
      if (x < -margin || y < -margin || x > width + margin || y > height + margin) continue
      const spot = (this.#spares[this.#spots.length] ??= { mark, sprite: null, x, y, z, reach: 0 })
      const sprite = mark.sidc === undefined ? null : this.#sprites.sprite(mark.sidc, mark.size)
      spot.mark = mark
      spot.sprite = sprite
      spot.x = x
      spot.y = y
      spot.z = z
      spot.reach = sprite ? sprite.height / 2 : mark.size
      this.#spots.push(spot)
    }
    // Marks that are gone are not held on to.
    this.#spares.length = this.#spots.length
    this.#spots.sort((a, b) => a.mark.weight - b.mark.weight)
  }

  #colour(mark: Mark): string {
    const { palette } = this
    if (mark.shape === 'animal') return palette.muted
    return mark.sidc === undefined ? palette.unknown : palette[mark.standing]
  }

  #corridors(): void {
    const context = this.#context
    const hatched = this.#hatch
    if (!hatched) return
    this.#squares()
    context.beginPath()
    let any = false
    for (const { mark, z } of this.#spots) {
      if (!mark.corridor || mark.shape === 'told') continue
      any = this.#trace(mark.corridor, z) || any
      context.closePath()
    }
    if (!any) return
    context.fillStyle = hatched
    context.fill()
    context.strokeStyle = faded(this.palette.unknown, 0.5)
    context.lineWidth = 1
    context.setLineDash([4, 4])
    context.stroke()
    context.setLineDash([])
  }

  /** The squares that the other side sees of ours: bounded, and not filled. */
  #squares(): void {
    const context = this.#context
    context.beginPath()
    for (const { mark, z } of this.#spots) {
      if (mark.shape !== 'told' || !mark.corridor) continue
      this.#trace(mark.corridor, z)
      context.closePath()
    }
    context.strokeStyle = faded(this.palette.own, 0.8)
    context.lineWidth = 1.2
    context.setLineDash([2, 4])
    context.stroke()
    context.setLineDash([])
  }

  /** Lines along where things were, fainter the longer ago, in a few shades drawn at once each. */
  #trails(): void {
    const context = this.#context
    context.lineWidth = 1.6
    const span_ns = this.#spots.length > CROWD ? CROWD_TRAIL_NS : TRAIL_NS
    let now_ns = 0
    for (const { mark } of this.#spots) if (mark.trail) now_ns = Math.max(now_ns, mark.trail.last_ns)
    for (const { mark, z } of this.#spots) {
      if (mark.trail) this.#piece(mark.trail, z, now_ns, span_ns, this.#strokes[isOwn(mark) ? 'own' : 'unknown'])
    }
    for (const standing of ['unknown', 'own'] as const) {
      this.#strokes[standing].forEach((lines, shade) => {
        if (lines.empty) return
        context.strokeStyle = faded(this.palette[standing], 0.15 + (0.6 * (shade + 1)) / TRAIL_SHADES)
        context.beginPath()
        lines.trace(context)
        context.stroke()
        lines.clear()
      })
    }
  }

  /** Add a trail's last stretch to the lines of each shade, steps too short to be seen left out. */
  #piece(trail: Trail, z: number, now_ns: number, span_ns: number, lines: readonly Polylines[]): void {
    const { points, times_ns, from, to } = trail
    const start_ns = now_ns - span_ns
    let k = to - 1
    // One point from before, so that the line begins where the span does.
    while (k > from && times_ns[k]! >= start_ns) k -= 1
    let shade = -1
    let last_x = Number.NaN
    let last_y = Number.NaN
    for (; k < to; k++) {
      if (!this.#project(points[2 * k]!, points[2 * k + 1]!, z)) continue
      const x = this.#x
      const y = this.#y
      if (Math.abs(x - last_x) + Math.abs(y - last_y) < SHORTEST_STEP_PX) continue
      const next = Math.min(TRAIL_SHADES - 1, Math.max(0, Math.floor(((times_ns[k]! - start_ns) / span_ns) * TRAIL_SHADES)))
      const pen = lines[next]!
      if (Number.isNaN(last_x)) pen.move(x, y)
      else {
        // The shades meet where one gives way to the next.
        if (next !== shade) pen.move(last_x, last_y)
        pen.line(x, y)
      }
      shade = next
      last_x = x
      last_y = y
    }
  }

  /** Ellipses of 95 %, one path for each colour: a circle drawn in the frame of the half-axes on the screen. */
  #ellipses(): void {
    const context = this.#context
    const { ratio } = this.#screen
    const paths = new Map<string, Path2D>()
    for (const { mark, x, y, z } of this.#spots) {
      const axes = mark.ellipse
      if (!axes || !this.#project(mark.x + axes[0]!, mark.y + axes[1]!, z)) continue
      const ux = this.#x - x
      const uy = this.#y - y
      if (ux * ux + uy * uy < SMALLEST_ELLIPSE_PX ** 2) continue
      if (!this.#project(mark.x + axes[2]!, mark.y + axes[3]!, z)) continue
      const colour = this.#colour(mark)
      let path = paths.get(colour)
      if (!path) paths.set(colour, (path = new Path2D()))
      ellipseOn(path, x, y, ux, uy, this.#x - x, this.#y - y)
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.lineWidth = 1
    for (const [colour, path] of paths) {
      context.fillStyle = faded(colour, 0.1)
      context.fill(path)
      context.strokeStyle = faded(colour, 0.75)
      context.stroke(path)
    }
  }

  #links(): void {
    const context = this.#context
    context.strokeStyle = this.palette.own
    context.lineWidth = 2
    for (const { from, to, dashed } of this.#scene.links) {
      const [a, b] = [this.#onGround(from), this.#onGround(to)]
      if (!a || !b) continue
      context.setLineDash(dashed ? [6, 5] : [])
      context.beginPath()
      context.moveTo(...a)
      context.lineTo(...b)
      context.stroke()
    }
    context.setLineDash([])
  }

  #drawings(): void {
    const context = this.#context
    for (const { points, closed, dashed, strong, labels } of this.drawn) {
      context.beginPath()
      points.forEach((point, k) => {
        const spot = this.#onGround(point)
        if (spot) context[k ? 'lineTo' : 'moveTo'](...spot)
      })
      if (closed) context.closePath()
      context.setLineDash(dashed ? [5, 5] : [])
      context.strokeStyle = strong ? this.palette.accent : this.palette.muted
      context.lineWidth = strong ? 2 : 1.2
      context.stroke()
      context.setLineDash([])
      const lines = labels.flatMap(({ at, text }) => {
        const spot = this.#onGround(at)
        return spot ? { text, x: spot[0] - this.#width(text) / 2 - LABEL_PAD, y: spot[1] - LABEL_HEIGHT / 2 } : []
      })
      this.#texts(lines, true)
    }
    const pin = this.pin && this.#onGround(this.pin)
    if (!pin) return
    context.strokeStyle = this.palette.focus
    context.lineWidth = 1.5
    context.beginPath()
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) {
      context.moveTo(pin[0] + 3 * dx, pin[1] + 3 * dy)
      context.lineTo(pin[0] + 10 * dx, pin[1] + 10 * dy)
    }
    context.stroke()
  }

  /** Lines to where things will be in a minute if they go on. */
  #ahead(): void {
    const context = this.#context
    context.lineWidth = 1.5
    for (const own of [false, true]) {
      context.beginPath()
      for (const { mark, x, y, z } of this.#spots) {
        if (!mark.speed_m_s || mark.heading_rad === null || isOwn(mark) !== own) continue
        const far = mark.speed_m_s * AHEAD_S * mercatorPerMetre(mark.latitude_deg)
        const [sine, cosine] = [Math.sin(mark.heading_rad), Math.cos(mark.heading_rad)]
        if (!this.#project(mark.x + far * sine, mark.y - far * cosine, z)) continue
        context.moveTo(x, y)
        context.lineTo(this.#x, this.#y)
      }
      context.strokeStyle = faded(own ? this.palette.own : this.palette.unknown, 0.9)
      context.stroke()
    }
  }

  #symbol({ mark, sprite, x, y }: Spot): void {
    const context = this.#context
    const { palette } = this
    if (mark.alpha !== 1) context.globalAlpha = mark.alpha
    let reach = mark.size
    if (sprite) {
      context.drawImage(sprite.image, x - sprite.anchor_x, y - sprite.anchor_y, sprite.width, sprite.height)
      reach = Math.max(sprite.width, sprite.height) / 2
      if (mark.inside) {
        context.fillStyle = this.#sprites.hollow ? palette.unknown : palette.ground
        context.font = `700 ${LABEL_PX}px ${palette.font}`
        context.textAlign = 'center'
        context.textBaseline = 'middle'
        context.fillText(mark.inside, x, y + 0.5)
      }
    } else this.#shape(mark, x, y)
    if (mark.alpha !== 1) context.globalAlpha = 1
    if (mark.origin !== 'ours') this.#foreign(mark, x, y, reach)
    if (mark.alarm) this.#alarmed(mark, x, y, reach)
    if (mark.selected) this.#brackets(x, y, reach + 5)
  }

  /** Whose word it is: a broken ring for what the partner alone tells, a whole one with it for what both see. */
  #foreign({ origin, alpha }: Mark, x: number, y: number, reach: number): void {
    const context = this.#context
    context.strokeStyle = faded(this.palette.accent, alpha)
    context.lineWidth = 1.6
    context.setLineDash([3, 3])
    context.beginPath()
    context.arc(x, y, reach + 5, 0, 2 * Math.PI)
    context.stroke()
    context.setLineDash([])
    if (origin !== 'both') return
    context.beginPath()
    context.arc(x, y, reach + 8, 0, 2 * Math.PI)
    context.stroke()
  }

  #shape(mark: Mark, x: number, y: number): void {
    const context = this.#context
    const { palette } = this
    context.lineWidth = 1.5
    context.beginPath()
    if (mark.shape === 'animal') {
      context.arc(x, y, 4, 0, 2 * Math.PI)
      context.strokeStyle = palette.muted
      context.stroke()
    } else if (mark.shape === 'camera') {
      this.#camera(mark, x, y)
    } else if (mark.shape === 'meeting') {
      context.arc(x, y, 7, 0, 2 * Math.PI)
      context.moveTo(x - 11, y)
      context.lineTo(x + 11, y)
      context.moveTo(x, y - 11)
      context.lineTo(x, y + 11)
      context.strokeStyle = palette.own
      context.stroke()
    } else if (mark.shape === 'told') {
      context.rect(x - 4, y - 4, 8, 8)
      context.strokeStyle = palette.own
      context.stroke()
    } else if (mark.shape === 'incident') {
      context.rect(x - 8, y - 8, 16, 16)
      context.fillStyle = palette.raised
      context.fill()
      context.strokeStyle = palette.text
      context.stroke()
      context.fillStyle = palette.text
      context.fillRect(x - 1.2, y - 5, 2.4, 6)
      context.fillRect(x - 1.2, y + 3, 2.4, 2.4)
    }
  }

  /** A body with its lens in the direction it looks; crossed out while it sees nothing. */
  #camera(mark: Mark, x: number, y: number): void {
    const context = this.#context
    const { palette } = this
    const ahead = this.at(
      mark.x + 1e-7 * Math.sin(mark.heading_rad ?? 0),
      mark.y - 1e-7 * Math.cos(mark.heading_rad ?? 0),
      this.#z(mark),
    )
    const turn = ahead ? Math.atan2(ahead[1] - y, ahead[0] - x) : 0
    context.save()
    context.translate(x, y)
    context.rotate(turn)
    context.moveTo(2, -3)
    context.lineTo(9, -6)
    context.lineTo(9, 6)
    context.lineTo(2, 3)
    context.closePath()
    context.rect(-7, -5, 9, 10)
    context.fillStyle = palette.raised
    context.fill()
    context.strokeStyle = mark.down ? palette.medium : palette.text
    context.stroke()
    context.restore()
    if (!mark.down) return
    context.beginPath()
    context.moveTo(x - CROSSED, y - CROSSED)
    context.lineTo(x + CROSSED, y + CROSSED)
    context.strokeStyle = palette.medium
    context.lineWidth = 2.5
    context.stroke()
  }

  /** A ring in the priority's colour, with as many ticks as the priority has ranks; bold while nobody has it. */
  #alarmed(mark: Mark, x: number, y: number, reach: number): void {
    const context = this.#context
    const priority = mark.alarm ?? 'low'
    const ticks = { high: 3, medium: 2, low: 1 }[priority]
    context.strokeStyle = this.palette[priority]
    context.lineWidth = mark.waiting ? 3 : 1.6
    context.beginPath()
    context.arc(x, y, reach + 2, 0, 2 * Math.PI)
    for (let k = 0; k < ticks; k++) {
      const turn = -Math.PI / 2 + (k - (ticks - 1) / 2) * 0.35
      context.moveTo(x + (reach + 2) * Math.cos(turn), y + (reach + 2) * Math.sin(turn))
      context.lineTo(x + (reach + 8) * Math.cos(turn), y + (reach + 8) * Math.sin(turn))
    }
    context.stroke()
  }

  #brackets(x: number, y: number, reach: number): void {
    const context = this.#context
    const arm = 6
    context.strokeStyle = this.palette.focus
    context.lineWidth = 2
    context.beginPath()
    for (const [sx, sy] of [[1, 1], [1, -1], [-1, 1], [-1, -1]] as const) {
      context.moveTo(x + sx * reach, y + sy * (reach - arm))
      context.lineTo(x + sx * reach, y + sy * reach)
      context.lineTo(x + sx * (reach - arm), y + sy * reach)
    }
    context.stroke()
  }

  #labels(): void {
    const wanted: Wanted[] = []
    for (const { mark, x, y, reach } of this.#spots.slice(-MOST_LABELS)) {
      if (!mark.label) continue
      const { key, weight, selected } = mark
      const w = Math.max(this.#width(mark.label), selected ? this.#width(mark.more) : 0) + 2 * LABEL_PAD
      const lines = selected && mark.more ? 2 : 1
      const ring = mark.alarm || selected ? 8 : 0
      wanted.push({ key, x, y, reach: reach + ring, w, h: lines * LABEL_HEIGHT, weight })
    }
    const boxes = this.#placer.place(wanted, this.#spots, this.#screen.width, this.#screen.height)
    const [weak, strong]: [Line[], Line[]] = [[], []]
    for (const { mark } of this.#spots) {
      const box = boxes.get(mark.key)
      if (!box) continue
      const lines = mark.selected || mark.alarm ? strong : weak
      lines.push({ text: mark.label, x: box.x, y: box.y })
      if (mark.selected && mark.more) lines.push({ text: mark.more, x: box.x, y: box.y + LABEL_HEIGHT })
    }
    // No label lies on another: all plates can go before all words, and the pen is changed but twice.
    this.#texts(weak, false)
    this.#texts(strong, true)
  }

  #texts(lines: readonly Line[], strong: boolean): void {
    if (!lines.length) return
    const context = this.#context
    const { palette } = this
    context.fillStyle = faded(palette.ground, strong ? 0.88 : 0.6)
    for (const { text, x, y } of lines) {
      context.fillRect(x, y + 1, this.#width(text) + 2 * LABEL_PAD, LABEL_HEIGHT - 2)
    }
    context.font = `500 ${LABEL_PX}px ${palette.font}`
    context.textAlign = 'left'
    context.textBaseline = 'middle'
    context.direction = this.#rtl ? 'rtl' : 'ltr'
    context.fillStyle = strong ? palette.text : palette.muted
    for (const { text, x, y } of lines) context.fillText(text, x + LABEL_PAD, y + LABEL_HEIGHT / 2 + 0.5)
  }

  #width(text: string): number {
    let width = this.#widths.get(text)
    if (width === undefined) {
      if (this.#widths.size > 5000) this.#widths.clear()
      this.#context.font = `500 ${LABEL_PX}px ${this.palette.font}`
      this.#context.direction = this.#rtl ? 'rtl' : 'ltr'
      width = this.#context.measureText(text).width
      this.#widths.set(text, width)
    }
    return width
  }

  /** Add a line of x and y pairs of the square map to the path; whether any of it can be seen. */
  #trace(points: ArrayLike<number>, z: number): boolean {
    const context = this.#context
    let begun = false
    for (let k = 0; k < points.length; k += 2) {
      if (!this.#project(points[k]!, points[k + 1]!, z)) continue
      if (begun) context.lineTo(this.#x, this.#y)
      else context.moveTo(this.#x, this.#y)
      begun = true
    }
    return begun
  }
}

/** Whether a mark is drawn as one's own. */
const isOwn = (mark: Mark): boolean => mark.sidc !== undefined && mark.standing === 'own'

const shades = (): Polylines[] => Array.from({ length: TRAIL_SHADES }, () => new Polylines())

/** An ellipse by two conjugate half-axes on the screen. */
function ellipseOn(path: Path2D, x: number, y: number, ux: number, uy: number, vx: number, vy: number): void {
  // Four curves: each meets the ellipse to 3 parts in 10,000.
  const k = 0.5522847498
  const kux = k * ux
  const kuy = k * uy
  const kvx = k * vx
  const kvy = k * vy
  path.moveTo(x + ux, y + uy)
  path.bezierCurveTo(x + ux + kvx, y + uy + kvy, x + vx + kux, y + vy + kuy, x + vx, y + vy)
  path.bezierCurveTo(x + vx - kux, y + vy - kuy, x - ux + kvx, y - uy + kvy, x - ux, y - uy)
  path.bezierCurveTo(x - ux - kvx, y - uy - kvy, x - vx - kux, y - vy - kuy, x - vx, y - vy)
  path.bezierCurveTo(x - vx + kux, y - vy + kuy, x + ux - kvx, y + uy - kvy, x + ux, y + uy)
}

/** Thin slanting lines, to fill what is only expected. */
function hatch(context: CanvasRenderingContext2D, palette: Palette, ratio: number): CanvasPattern | null {
  const side = 8
  const tile = document.createElement('canvas')
  tile.width = tile.height = side * ratio
  const pen = tile.getContext('2d')
  if (!pen) return null
  pen.scale(ratio, ratio)
  pen.strokeStyle = faded(palette.unknown, isRed(palette) ? 0.8 : 0.42)
  pen.lineWidth = 1
  pen.beginPath()
  for (const shift of [-side, 0, side]) {
    pen.moveTo(shift - 1, side + 1)
    pen.lineTo(shift + side + 1, -1)
  }
  pen.stroke()
  const pattern = context.createPattern(tile, 'repeat')
  pattern?.setTransform(new DOMMatrix().scale(1 / ratio))
  return pattern
}
