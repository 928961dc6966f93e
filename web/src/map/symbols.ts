/**
 * APP-6 symbols of what is on the map. The software says unknown, own or declared and no more: there is no way from a
 * record to a hostile, suspect or assumed symbol.
 */
import ms from 'milsymbol'
import type { Kind, Standing } from '../api/types'
import { isRed, type Palette } from './palette'

const IDENTITY: Record<Standing, string> = { unknown: '1', own: '3', declared: '4' }
/** Symbol set and entity by kind; what APP-6 has no symbol for, and nothing is claimed of, is a frame without one. */
const ENTITY: Record<Kind, [string, string]> = {
  person: ['27', '110000'],
  group: ['10', '000000'],
  vehicle: ['15', '140000'],
  animal: ['10', '000000'],
  flying: ['01', '000000'],
  vegetation: ['10', '000000'],
  unknown: ['10', '000000'],
}
const POST: [string, string] = ['20', '000000']

/** The 20 digits of a symbol. `played` marks an exercise. */
export function sidc(kind: Kind | 'post', standing: Standing, played = false): string {
  const [set, entity] = kind === 'post' ? POST : ENTITY[kind]
  return `10${played ? '1' : '0'}${IDENTITY[standing]}${set}0000${entity}0000`
}

export interface Sprite {
  image: ImageBitmap
  width: number
  height: number
  anchor_x: number
  anchor_y: number
}

/** Symbols drawn once for each theme, size and screen. */
export class Sprites {
  /** By size, then by code: no key is put together for each of hundreds of symbols. */
  readonly #drawn = new Map<number, Map<string, Sprite>>()
  #palette: Palette
  #ratio: number

  constructor(palette: Palette, ratio: number) {
    this.#palette = palette
    this.#ratio = ratio
  }

  dress(palette: Palette, ratio: number): void {
    this.#palette = palette
    this.#ratio = ratio
    this.#drawn.clear()
  }

  /** Whether symbols are drawn as outlines alone. */
  get hollow(): boolean {
    return isRed(this.#palette)
  }

  sprite(code: string, size: number): Sprite {
    let sized = this.#drawn.get(size)
    if (!sized) this.#drawn.set(size, (sized = new Map<string, Sprite>()))
    let found = sized.get(code)
    if (!found) sized.set(code, (found = this.#draw(code, size)))
    return found
  }

  #draw(code: string, size: number): Sprite {
    const palette = this.#palette
    const colours = ms.ColorMode(
      palette.declared,
      palette.own,
      palette.unknown,
      palette.declared,
      palette.unknown,
      palette.unknown,
    )
    const dark = ms.ColorMode(...(Array(6).fill(palette.ground) as [string, string, string, string, string, string]))
    const symbol = new ms.Symbol(code, {
      size,
      infoFields: false,
      outlineWidth: 3,
      outlineColor: palette.ground,
      ...(isRed(palette)
        ? { monoColor: palette.unknown, fill: false, strokeWidth: 7, outlineWidth: 0 }
        : { colorMode: colours, frameColor: dark, iconColor: dark }),
    })
    const { width, height } = symbol.getSize()
    const { x, y } = symbol.getAnchor()
    return { image: still(symbol.asCanvas(this.#ratio)), width, height, anchor_x: x, anchor_y: y }
  }
}

/** The picture on a canvas, which is drawn faster than the canvas: that could change in the meantime. */
function still(canvas: HTMLCanvasElement): ImageBitmap {
  const copy = new OffscreenCanvas(Math.max(canvas.width, 1), Math.max(canvas.height, 1))
  copy.getContext('2d')?.drawImage(canvas, 0, 0)
  return copy.transferToImageBitmap()
}
