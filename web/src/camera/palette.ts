/** How warm becomes colour: white-hot as the camera sends it, black-hot, or a palette of even steps. */
export type Palette = 'white' | 'black' | 'even'

export const PALETTES: readonly Palette[] = ['white', 'black', 'even']

/** Cividis at every sixteenth step: even in lightness, and the same to people who tell few colours apart. */
export const EVEN: readonly number[] = [
  0x00224e, 0x002e6a, 0x1a386f, 0x32436d, 0x434e6c, 0x535a6d, 0x61656f, 0x6f7073, 0x7d7c78, 0x8c8878, 0x9b9476, 0xaba072,
  0xbcae6c, 0xcdbb63, 0xdec958, 0xf0d846, 0xfee838,
]

/** Red, green and blue over brightness, as the tables of an SVG filter; undefined where nothing is to be changed. */
export function curves(palette: Palette): [string, string, string] | undefined {
  if (palette === 'white') return undefined
  if (palette === 'black') return ['1 0', '1 0', '1 0']
  const curve = (shift: number) => EVEN.map((colour) => (((colour >> shift) & 255) / 255).toFixed(4)).join(' ')
  return [curve(16), curve(8), curve(0)]
}

export function nextPalette(palette: Palette): Palette {
  return PALETTES[(PALETTES.indexOf(palette) + 1) % PALETTES.length] ?? 'white'
}
