import { parse } from 'svelte/compiler'
import { beforeEach, describe, expect, it } from 'vitest'
import { preferences, type Language } from '../ui/preferences.svelte'
import ar from './ar.json'
import ckb from './ckb.json'
import en from './en.json'
import { age, bearing, distance, grid, inAll, list, number, sought, span, t, type Key } from './index'
import kmr from './kmr.json'
import mapAr from '../map/strings.ar.json'
import mapCkb from '../map/strings.ckb.json'
import mapEn from '../map/strings.en.json'
import mapKmr from '../map/strings.kmr.json'

const LANGUAGES = { ar, ckb, kmr, en } as const
const SOURCES = import.meta.glob<string>('../**/*.{svelte,ts}', { query: '?raw', import: 'default', eager: true })
const FORMS: Record<string, readonly string[]> = {
  ar: ['zero', 'one', 'two', 'few', 'many', 'other'],
  ckb: ['one', 'other'],
  kmr: ['one', 'other'],
  en: ['one', 'other'],
}
/** What a neighbour's keyboard puts in: Arabic kaf and yeh, a heh for a vowel or a weak r at a beginning in Sorani, other commas and marks. */
const FOREIGN = {
  ar: /[یکەێۆڕڵپچژگڤھ,;?]|\u200c(?!ث)/,
  ckb: /[يىكةھ\u064b-\u0652,;?]|ه\u200c|(?<!\p{L})ر/u,
  kmr: /[،؛؟ıİğĞöÖüÜäëéàòìù’]|\p{Script=Arabic}/u,
}
const MAP_WORDS: Record<Language, object> = { ar: mapAr, ckb: mapCkb, kmr: mapKmr, en: {} }
const named = (words: unknown): string[] =>
  [...new Set([...JSON.stringify(words).matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? ''))].sort()

describe('the locale files', () => {
  it.each(Object.entries(LANGUAGES))('%s has every word, with the same gaps to fill', (language, words) => {
    expect(Object.keys(words).sort()).toEqual(Object.keys(en).sort())
    for (const [key, word] of Object.entries(words)) {
      expect(JSON.stringify(word).trim().length, key).toBeGreaterThan(2)
      expect(named(word), `${language} ${key}`).toEqual(named(en[key as Key]))
    }
  })

  it.each(Object.entries({ ...MAP_WORDS, en: mapEn }))('%s has every word of the map', (language, words) => {
    const kept: Record<string, unknown> = LANGUAGES[language as Language]
    for (const [key, word] of Object.entries(words)) expect(kept[key], key).toEqual(word)
  })

  it.each(Object.entries(LANGUAGES))('%s has every plural form of its language', (language, words) => {
    const plurals = Object.entries(words).filter(([, word]) => typeof word !== 'string')
    expect(plurals.length).toBeGreaterThan(5)
    for (const [key, word] of plurals) expect(Object.keys(word).sort(), key).toEqual([...(FORMS[language] ?? [])].sort())
  })

  it.each(Object.entries(FOREIGN))('%s is written in its own letters', (language, foreign) => {
    const words = { ...LANGUAGES[language as Language], ...MAP_WORDS[language as Language] }
    for (const [key, word] of Object.entries(words)) {
      if (!key.startsWith('language.')) expect(typeof word === 'string' ? word : Object.values(word as object).join(' '), key).not.toMatch(foreign)
    }
  })

  it.each([ar, ckb])('begin no sentence that can follow a name with a number', (words) => {
    for (const [key, word] of Object.entries(words)) if (key.startsWith('sentence.')) expect(word, key).toMatch(/^\p{Script=Arabic}/u)
  })

  it('has no word that nobody says', () => {
    const said = Object.values(SOURCES).join('\n')
    const views = Object.keys(SOURCES).join('\n')
    const unsaid = Object.keys(en).filter((key) => {
      // The words of a view that a build is made without wait for it.
      if (!views.includes('/map/MapView.svelte') && key.startsWith('map.')) return false
      if (!views.includes('/camera/CameraView.svelte') && key.startsWith('film.')) return false
      const group = key.slice(0, key.lastIndexOf('.') + 1)
      const stem = key.replace(/(?<=[_.])[^_.]+$/, '')
      return ![`'${key}'`, `"${key}"`, `\`${group}\${`, `word('${group.slice(0, -1)}'`, `\`${stem}\${`, `error.\${`].some((way) =>
        said.includes(way) && (way !== `error.\${` || group === 'error.'),
      )
    })
    expect(unsaid).toEqual([])
  })
})

interface Node {
  type: string
  name?: string
  data?: string
  value?: unknown
  [key: string]: unknown
}

/** Words that stand in a component instead of in the locale files; key names in <kbd> are no words. */
function literals(node: unknown, inside = ''): string[] {
  if (Array.isArray(node)) return node.flatMap((each) => literals(each, inside))
  if (typeof node !== 'object' || node === null) return []
  const { type, name = '', data = '' } = node as Node
  if (type === 'Text') return /\p{L}{2,}/u.test(data) && inside !== 'kbd' ? [data.trim()] : []
  if (type === 'Attribute') {
    const spoken = ['title', 'alt', 'placeholder', 'label', 'aria-label', 'aria-description', 'aria-valuetext']
    return spoken.includes(name) ? literals((node as Node).value, name) : []
  }
  if (type === 'ExpressionTag' || type === 'Script' || type === 'StyleDirective') return []
  const deeper = type === 'RegularElement' ? name : inside
  return Object.entries(node).flatMap(([key, each]) => (key === 'expression' ? [] : literals(each, deeper)))
}

describe('the components', () => {
  it.each(Object.entries(SOURCES).filter(([path]) => path.endsWith('.svelte')))('%s says nothing by itself', (_, source) => {
    expect(literals(parse(source, { modern: true }).fragment)).toEqual([])
  })
})

function speak(language: Language, arabic_digits = false): void {
  preferences.language = language
  preferences.arabic_digits = arabic_digits
}
const bare = (text: string): string => text.replace(/[\u2066-\u2069]/g, '')

describe('what is said', () => {
  beforeEach(() => speak('en'))

  it('follows the six forms of Arabic', () => {
    speak('ar')
    const said = [0, 1, 2, 3, 11, 100].map((n) => t('queue.waiting', { n }))
    expect(said).toEqual([
      'لا إنذار بانتظارك',
      'إنذار واحد بانتظارك',
      'إنذاران بانتظارك',
      '3 إنذارات بانتظارك',
      '11 إنذارًا بانتظارك',
      '100 إنذار بانتظارك',
    ])
  })

  it('has the digits that were asked for, everywhere', () => {
    speak('ar', true)
    expect([number(1234.5, 1), distance(1_240), bearing(0.5), age(0, 65e9)]).toEqual(['١٬٢٣٤٫٥', '⁨١٫٢⁩ كم', '⁨٠٢٩⁩°', '١:٠٥'])
    speak('ar', false)
    expect(number(1234.5, 1)).toBe('1,234.5')
  })

  it('seeks words in every language, whatever the keyboard writes them with', () => {
    for (const words of Object.values(LANGUAGES)) expect(inAll('sign_in.out')).toContain(words['sign_in.out'])
    // An Arabic keyboard's yeh, kaf and heh in Kurdish words, left-out hamzas and vowel signs, capitals and accents.
    expect(sought('كامێرا')).toBe(sought('کامێرا'))
    expect(sought('إعدادات')).toBe(sought('اعدادات'))
    expect(sought('المُناوبة')).toBe(sought('المناوبه'))
    expect(sought('ÇIYA Î')).toBe(sought('ciya i'))
    expect(sought('٤٢')).toBe('42')
    expect(sought('جبل')).not.toBe(sought('جمل'))
  })

  it('keeps names in their own direction within a list', () => {
    expect(list(['C2', 'C4'])).toBe('\u2068C2\u2069, \u2068C4\u2069')
    expect(bare(t('sentence.seen_by', { cameras: list(['C2', 'C4']) }))).toBe('Seen by C2, C4')
  })

  it('says distances and spans as coarsely as people do', () => {
    expect([40, 844, 999, 1_240, 12_400].map((m) => bare(distance(m)))).toEqual(['40 m', '840 m', '1 km', '1.2 km', '12 km'])
    expect([42, 360, 4_800, 7_200, 200_000].map((s) => bare(span(s)))).toEqual(['42 s', '6 min', '1 h 20 min', '2 h', '2 days'])
  })

  it('gives bearings in degrees or in mils', () => {
    expect(bare(bearing(-Math.PI / 2))).toBe('270°')
    preferences.mils = true
    expect(bare(bearing(Math.PI))).toBe('3200 mil')
    preferences.mils = false
  })

  it('gives the military grid, and none near the poles', () => {
    // PROJ: UTM zone 37 north, 688491.8 m east, 3805640.9 m north; a grid reference is cut off, not rounded.
    expect(grid({ latitude_deg: 34.375, longitude_deg: 41.05 })).toBe('37S FU 88491 05640')
    expect(grid({ latitude_deg: 85, longitude_deg: 0 })).toBe('')
  })
})
