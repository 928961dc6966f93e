import { describe, expect, it } from 'vitest'
import css from './theme.css?raw'

const SOURCES = import.meta.glob<string>('../**/*.{svelte,css}', { query: '?raw', import: 'default', eager: true })
const THEMES = ['dark', 'red', 'day'] as const

function tokens(theme: string): Record<string, string> {
  const block = new RegExp(`\\[data-theme='${theme}'\\] \\{([^}]*)\\}`).exec(css)?.[1] ?? ''
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#\w+);/g)].map(([, name, value]) => [name, value]))
}

const channels = (hex: string): number[] => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16))

/** WCAG 2.2, "relative luminance" and "contrast ratio". */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = channels(hex).map((channel) => {
    const share = channel / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}

const SURFACES = ['ground', 'panel', 'raised', 'hover', 'accent-soft', 'high-soft', 'medium-soft', 'low-soft']
const WORDS = ['text', 'strong', 'muted', 'accent', 'alarm-high', 'alarm-medium', 'alarm-low', 'own', 'exercise']
const FILLED = [
  ['on-accent', 'accent'],
  ['on-alarm', 'alarm-high'],
  ['on-alarm', 'alarm-medium'],
  ['on-alarm', 'alarm-low'],
  ['on-replay', 'replay'],
  ['ground', 'muted'],
] as const

describe.each(THEMES)('the %s theme', (theme) => {
  const named = tokens(theme)
  const colour = (name: string): string => named[name] ?? ''

  it('has the same names as the others', () => {
    expect(Object.keys(named).length).toBeGreaterThan(25)
    expect(Object.keys(named).sort()).toEqual(Object.keys(tokens('dark')).sort())
  })

  it('can be read: every word on every surface reaches 4.5 to 1', () => {
    const poor = SURFACES.flatMap((surface) =>
      WORDS.map((word) => [word, surface, contrast(colour(word), colour(surface))] as const),
    ).filter(([, , ratio]) => ratio < 4.5)
    expect(poor).toEqual([])
  })

  it('can be read on filled surfaces', () => {
    for (const [word, surface] of FILLED) {
      expect(contrast(colour(word), colour(surface)), `${word} on ${surface}`).toBeGreaterThanOrEqual(4.5)
    }
  })

  it('shows the edges of what can be pressed and the focus at 3 to 1', () => {
    for (const name of ['edge', 'focus', 'well', 'unknown']) {
      for (const surface of ['ground', 'panel', 'raised']) {
        expect(contrast(colour(name), colour(surface)), `${name} on ${surface}`).toBeGreaterThanOrEqual(3)
      }
    }
  })
})

describe('the colours', () => {
  it('have no blue and no green in the red night', () => {
    for (const [name, value] of Object.entries(tokens('red'))) expect(channels(value).slice(1), name).toEqual([0, 0])
  })

  it('are named in the theme file alone', () => {
    const literal = /#[0-9a-f]{3,8}\b(?![^<]*\/)|\b(?:rgb|hsl|oklch)a?\(/i
    const own = Object.entries(SOURCES).filter(([path]) => !/theme\.css$|\/(map|camera)\//.test(path))
    const styles = own.map(([path, source]) => [path, /<style>([\s\S]*)<\/style>/.exec(source)?.[1] ?? (path.endsWith('.css') ? source : '')])
    expect(styles.filter(([, style]) => literal.test(style ?? '')).map(([path]) => path)).toEqual([])
  })
})
