/** The theme's colours as the map needs them: read from the page's own variables, mixed, and never named here. */

export interface Palette {
  ground: string
  panel: string
  raised: string
  text: string
  muted: string
  line: string
  accent: string
  focus: string
  high: string
  medium: string
  low: string
  own: string
  unknown: string
  declared: string
  /** The type that labels are set in. */
  font: string
}

type Rgb = [number, number, number]

const NAMES: Record<Exclude<keyof Palette, 'font'>, [string, string]> = {
  ground: ['--ground', '--ground'],
  panel: ['--panel', '--panel'],
  raised: ['--raised', '--raised'],
  text: ['--text', '--text'],
  muted: ['--muted', '--muted'],
  line: ['--line', '--line'],
  accent: ['--accent', '--accent'],
  focus: ['--focus', '--focus'],
  high: ['--alarm-high', '--alarm-high'],
  medium: ['--alarm-medium', '--alarm-medium'],
  low: ['--alarm-low', '--alarm-low'],
  own: ['--own', '--accent'],
  unknown: ['--unknown', '--alarm-low'],
  declared: ['--well', '--muted'],
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const read = ([name, instead]: [string, string]): string =>
    style.getPropertyValue(name).trim() || style.getPropertyValue(instead).trim() || style.color
  const colours = Object.entries(NAMES).map(([key, names]) => [key, read(names)])
  return { ...(Object.fromEntries(colours) as unknown as Palette), font: style.fontFamily }
}

function rgb(colour: string): Rgb {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(colour)
  if (hex) return [1, 2, 3].map((k) => parseInt(hex[k] ?? '0', 16)) as Rgb
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(colour)
  if (short) return [1, 2, 3].map((k) => parseInt(`${short[k]}${short[k]}`, 16)) as Rgb
  const numbers = colour.match(/[\d.]+/g)?.map(Number) ?? []
  return [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0]
}

const css = (colour: Rgb, alpha: number): string =>
  `rgba(${colour.map((channel) => Math.round(channel)).join(', ')}, ${alpha})`

/** A colour that is a share of the way from one to another. */
export function mix(from: string, to: string, share: number, alpha = 1): string {
  const [a, b] = [rgb(from), rgb(to)]
  return css(a.map((channel, k) => channel + ((b[k] ?? 0) - channel) * share) as Rgb, alpha)
}

export const faded = (colour: string, alpha: number): string => css(rgb(colour), alpha)

/** Whether a palette is for a dark room. */
export const isDark = (palette: Palette): boolean => rgb(palette.ground).reduce((sum, each) => sum + each) < 384

/** Whether a palette is of one hue, to keep eyes used to the dark. */
export const isRed = (palette: Palette): boolean => {
  const [, green, blue] = rgb(palette.text)
  return green + blue < 60
}

/** Colours of a layer of cells, class by class, as RGBA bytes. */
export function ramp(palette: Palette, kind: 'observed' | 'presence', classes: number): Rgb[] {
  const [from, to] = kind === 'observed' ? [palette.accent, palette.medium] : [palette.low, palette.high]
  return Array.from({ length: classes }, (_, k) => rgb(mix(from, to, classes > 1 ? k / (classes - 1) : 0)))
}

export const rampCss = (palette: Palette, kind: 'observed' | 'presence', classes: number): string[] =>
  ramp(palette, kind, classes).map((colour) => css(colour, 1))
