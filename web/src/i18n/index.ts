/** Words, numbers, times and places in the officer's language. Strings live in the locale files only. */
import { forward } from 'mgrs'
import { preferences, type Language } from '../ui/preferences.svelte'
import ar from './ar.json'
import ckb from './ckb.json'
import en from './en.json'
import kmr from './kmr.json'

export type Key = keyof typeof en
export type Params = Readonly<Record<string, string | number>>

type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }
type Words = Record<Key, string | Forms>

const WORDS: Record<Language, Words> = { ar, ckb, kmr, en }
/** Browsers need not know Kurdish, whose two plural forms are English's. */
const PLURALS: Record<Language, Intl.PluralRules> = {
  ar: new Intl.PluralRules('ar'),
  ckb: new Intl.PluralRules('en'),
  kmr: new Intl.PluralRules('en'),
  en: new Intl.PluralRules('en'),
}
/** A name or a grid keeps its own direction within a sentence of the other one. */
const ISOLATE = '\u2068'
const END = '\u2069'
const DASH = '–'

function formOf(words: string | Forms, params: Params): string {
  if (typeof words === 'string') return words
  const n = typeof params.n === 'number' ? params.n : 0
  return words[PLURALS[preferences.language].select(n)] ?? words.other
}

/** A name that keeps its own direction; words that hold such names already run as the sentence does. */
const isolated = (text: string): string => (text.includes(ISOLATE) ? text : `${ISOLATE}${text}${END}`)

/** Words as they are kept and sent: without the marks that only a screen needs. */
export const plain = (text: string): string => text.replace(/[\u2066-\u2069]/g, '')

/** Letters that keyboards and spellings write in more than one way, each with the one it is sought by. */
const ALIKE: readonly (readonly [RegExp, string])[] = [
  [/[\u064b-\u065f\u0670\u0640\u200b-\u200f]/g, ''],
  [/[أإآٱ]/g, 'ا'],
  [/[ىيیێ]/g, 'ی'],
  [/[كک]/g, 'ک'],
  [/[ةهھە]/g, 'ه'],
  [/[ؤۆ]/g, 'و'],
  [/ڕ/g, 'ر'],
  [/ڵ/g, 'ل'],
]

/** Words as they are sought by: without case, accents, vowel signs and letters that only the keyboard tells apart. */
export function sought(text: string): string {
  const bare = plain(text).normalize('NFKD').replace(/[\u0300-\u036f\u0653-\u0655]/g, '').replaceAll('ı', 'i')
  const western = bare.replace(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x0660))
  return ALIKE.reduce((out, [letters, one]) => out.replace(letters, one), western.toLowerCase())
}

/** The words for a key in every language, to seek among. */
export const inAll = (key: Key): string => Object.values(WORDS).map((words) => formOf(words[key], {})).join(' ')

/** The words for a key in the officer's language; numbers among the params get the officer's digits. */
export function t(key: Key, params: Params = {}): string {
  // Only the words' own digits follow the officer's choice: a camera's name is its name.
  const text = digits(formOf(WORDS[preferences.language][key], params))
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name]
    if (value === undefined) return ''
    return typeof value === 'number' ? number(value) : isolated(value)
  })
}

const isKey = (key: string): key is Key => key in en

/** The word for a value of the server's; one that this console does not know yet is shown by itself. */
export function word(group: string, value: string): string {
  const key = `${group}.${value}`
  return isKey(key) ? t(key) : value.replaceAll('_', ' ')
}

/** Digits as the officer prefers them. */
export function digits(text: string): string {
  if (!preferences.arabic_digits) return text
  return text.replace(/\d/g, (digit) => String.fromCharCode(0x0660 + Number(digit)))
}

const FORMATS: Intl.NumberFormat[] = []

/** A number with at most so many decimals. */
export function number(value: number, decimals = 0): string {
  // To make a format takes far longer than to use it, and the map asks for one with every label.
  const format = (FORMATS[decimals] ??= new Intl.NumberFormat('en', { maximumFractionDigits: decimals }))
  const text = format.format(value)
  if (!preferences.arabic_digits) return text
  return digits(text.replaceAll(',', '٬').replaceAll('.', '٫'))
}

export function share(value: number): string {
  const text = t('unit.percent', { n: Math.round(value * 100) })
  // The Arabic sign goes with Arabic digits alone.
  return preferences.arabic_digits ? text : text.replace('٪', '%')
}

/** Several things in a row. */
export const list = (items: readonly string[]): string => items.map(isolated).join(t('list.comma'))

/** Sentences in a row, each ended as the language ends them. */
export const sentences = (items: readonly string[]): string => items.join(t('list.stop')) + t('list.stop').trim()

const pad = (value: number): string => String(value).padStart(2, '0')
const dateOf = (time_ns: number): Date => new Date(time_ns / 1e6)

/** The time of day on this machine's clock. */
export function clock(time_ns: number, seconds = true): string {
  const at = dateOf(time_ns)
  return digits(`${pad(at.getHours())}:${pad(at.getMinutes())}${seconds ? `:${pad(at.getSeconds())}` : ''}`)
}

/** From so long on a time of day alone would be taken for another day's. */
const DAY_S = 20 * 3600

/** A time of day, with its day where that is another one's. */
export const moment = (time_ns: number, now_ns: number): string =>
  Math.abs(time_ns - now_ns) / 1e9 < DAY_S ? clock(time_ns, false) : `${date(time_ns)} ${clock(time_ns, false)}`

/** The time of day in UTC, as soldiers write it. */
export function utc(time_ns: number): string {
  const at = dateOf(time_ns)
  return `${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}:${pad(at.getUTCSeconds())}Z`
}

export function date(time_ns: number): string {
  const at = dateOf(time_ns)
  const month = word('month', String(at.getMonth() + 1))
  return t('date.day', { day: at.getDate(), month, year: digits(String(at.getFullYear())) })
}

/** A span of time, as coarse as people say it. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  if (s < 90) return t('unit.s', { n: s })
  const min = Math.round(s / 60)
  if (min < 60) return t('unit.min', { n: min })
  const h = Math.floor(min / 60)
  if (h >= 48) return t('unit.days', { n: Math.round(h / 24) })
  return min % 60 ? t('unit.h_min', { h, m: min % 60 }) : t('unit.h', { n: h })
}

/** How long before `now_ns` something was. */
export function ago(time_ns: number, now_ns: number): string {
  const seconds = (now_ns - time_ns) / 1e9
  return seconds < 1 ? t('time.now') : t('time.ago', { span: span(seconds) })
}

/** How long something has been going on, for a column: 0:42, 12:05, 3 h. */
export function age(time_ns: number, now_ns: number): string {
  const s = Math.max(0, Math.round((now_ns - time_ns) / 1e9))
  if (s >= 36_000) return t('unit.h', { n: Math.round(s / 3600) })
  const h = Math.floor(s / 3600)
  const minutes = Math.floor(s / 60) % 60
  return digits(h ? `${h}:${pad(minutes)}:${pad(s % 60)}` : `${minutes}:${pad(s % 60)}`)
}

/** Metres below a kilometre, then kilometres. */
export function distance(metres: number): string {
  if (metres < 100) return t('unit.m', { n: Math.round(metres) })
  if (metres < 995) return t('unit.m', { n: Math.round(metres / 10) * 10 })
  return filled('unit.km', number(metres / 1000, metres < 9_950 ? 1 : 0))
}

export const speed = (metres_s: number): string => filled('unit.km_h', number(metres_s * 3.6, 1))
export const gigabytes = (bytes: number): string => filled('unit.gb', number(bytes / 1e9, bytes < 1e10 ? 1 : 0))
export const milliseconds = (ms: number): string => t('unit.ms', { n: Math.round(ms) })

/** A number that is written already, in its unit. */
const filled = (key: 'unit.km' | 'unit.km_h' | 'unit.gb', n: string): string => t(key, { n })

/** Degrees with three digits, or mils with four, clockwise from true north. */
export function bearing(azimuth_rad: number): string {
  const turn = (((azimuth_rad / (2 * Math.PI)) % 1) + 1) % 1
  if (preferences.mils) return t('unit.mil', { n: digits(String(Math.round(turn * 6400) % 6400).padStart(4, '0')) })
  return t('unit.deg', { n: digits(String(Math.round(turn * 360) % 360).padStart(3, '0')) })
}

const SIDES = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'] as const
type Side = (typeof SIDES)[number]
const sideOf = (azimuth_rad: number): Side => SIDES[((Math.round(azimuth_rad / (Math.PI / 4)) % 8) + 8) % 8] as Side
/** "north of", as the language says it before a place. */
export const side = (azimuth_rad: number): string => t(`side.${sideOf(azimuth_rad)}`)
/** "north", as the language says where something goes. */
export const toward = (azimuth_rad: number): string => t(`toward.${sideOf(azimuth_rad)}`)

export interface LatLon {
  latitude_deg: number
  longitude_deg: number
}

/** The military grid to a metre, in its groups and as maps and radios have it; empty beyond the grid's ends near the poles. */
export function grid({ latitude_deg, longitude_deg }: LatLon): string {
  if (Math.abs(latitude_deg) > 80) return ''
  const text = forward([longitude_deg, latitude_deg], 5)
  const parts = /^(\d{1,2}[A-Z])([A-Z]{2})(\d{5})(\d{5})$/.exec(text)
  return parts ? parts.slice(1).join(' ') : text
}

export const latLon = ({ latitude_deg, longitude_deg }: LatLon): string =>
  `${latitude_deg.toFixed(5)}, ${longitude_deg.toFixed(5)}`

export const range = (low: string, high: string): string => `${low}${DASH}${high}`

/** What stands where there is nothing to count. */
export const NOTHING = '—'
