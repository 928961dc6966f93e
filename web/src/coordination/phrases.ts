/** Ready phrases: sent by their key, so that either side reads them in its own language. */
import type { Phrase } from '../api/types'
import { clock, NOTHING, t, type Key } from '../i18n'
import en from '../i18n/en.json'
import order from './phrases.json'

export type Gap = 'count' | 'place' | 'name' | 'time' | 'minutes'
type PhraseKey = Extract<Key, `phrase.${string}`>
export type PhraseName = PhraseKey extends `phrase.${infer Name}` ? Name : never

/** As they are listed: those first that go ahead of everything that can wait. */
export const PHRASES = order as PhraseName[]
const GAPS = new Map<string, Gap[]>(
  PHRASES.map((name) => [name, [...en[`phrase.${name}`].matchAll(/\{(\w+)\}/g)].map((found) => found[1] as Gap)]),
)

/** What is to be filled in. */
export const gapsOf = (name: string): readonly Gap[] => GAPS.get(name) ?? []

const isPhrase = (key: string): key is PhraseName => GAPS.has(key)

/** The phrase in the officer's language. */
export function said(phrase: Phrase): string {
  const { key, count, place, name, time_ns, minutes } = phrase
  if (!isPhrase(key)) return t('partner.unknown_phrase', { key })
  return t(`phrase.${key}`, {
    count: count ?? 0,
    place: place ?? '',
    name: name ?? '',
    time: time_ns ? clock(time_ns, false) : '',
    minutes: minutes ?? 0,
  })
}

/** A phrase as it is listed, with its gaps left open. */
export const listed = (name: PhraseName): string =>
  t(`phrase.${name}`, { count: NOTHING, place: NOTHING, name: NOTHING, time: NOTHING, minutes: NOTHING })

export interface Filled {
  count: number
  place: string
  name: string
  /** Minutes from now. */
  time: number
  minutes: number
}

/** The phrase as it is sent: only what it has gaps for. */
export function toSend(key: PhraseName, filled: Filled, now_ns: number): Phrase {
  const gaps = gapsOf(key)
  return {
    key,
    ...(gaps.includes('count') ? { count: filled.count } : {}),
    ...(gaps.includes('place') ? { place: filled.place.trim() } : {}),
    ...(gaps.includes('name') ? { name: filled.name.trim() } : {}),
    ...(gaps.includes('time') ? { time_ns: Math.round(now_ns + filled.time * 60e9) } : {}),
    ...(gaps.includes('minutes') ? { minutes: filled.minutes } : {}),
  }
}
