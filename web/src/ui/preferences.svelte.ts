/** What this browser's officer likes: kept in the browser, and no other's business. */
import type { Layers } from './selection'
import { FIRST_LAYERS } from './selection'

export const LANGUAGES = ['ar', 'ckb', 'kmr', 'en'] as const
export type Language = (typeof LANGUAGES)[number]
export const THEMES = ['dark', 'red', 'day'] as const
export type Theme = (typeof THEMES)[number]

interface Kept {
  language: Language
  arabic_digits: boolean
  theme: Theme
  sound: boolean
  mils: boolean
  single_keys: boolean
  layers: Layers
}

const KEY = 'marsad.preferences'
const FIRST: Kept = {
  language: 'ar',
  arabic_digits: false,
  theme: 'dark',
  sound: true,
  mils: false,
  single_keys: true,
  layers: FIRST_LAYERS,
}

function kept(): Kept {
  if (typeof localStorage === 'undefined') return FIRST
  try {
    return { ...FIRST, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Kept>) }
  } catch {
    return FIRST
  }
}

class Preferences {
  #kept = $state(kept())

  get language(): Language {
    return this.#kept.language
  }
  set language(value: Language) {
    this.#keep({ language: value })
  }
  get arabic_digits(): boolean {
    return this.#kept.arabic_digits
  }
  set arabic_digits(value: boolean) {
    this.#keep({ arabic_digits: value })
  }
  get theme(): Theme {
    return this.#kept.theme
  }
  set theme(value: Theme) {
    this.#keep({ theme: value })
  }
  get sound(): boolean {
    return this.#kept.sound
  }
  set sound(value: boolean) {
    this.#keep({ sound: value })
  }
  get mils(): boolean {
    return this.#kept.mils
  }
  set mils(value: boolean) {
    this.#keep({ mils: value })
  }
  /** Whether single letters act: somebody who dictates, or whose hand shakes, can turn them off. */
  get single_keys(): boolean {
    return this.#kept.single_keys
  }
  set single_keys(value: boolean) {
    this.#keep({ single_keys: value })
  }
  get layers(): Layers {
    return this.#kept.layers
  }
  set layers(value: Layers) {
    this.#keep({ layers: value })
  }

  /** Which way lines of text run. */
  get dir(): 'rtl' | 'ltr' {
    return this.language === 'ar' || this.language === 'ckb' ? 'rtl' : 'ltr'
  }

  #keep(change: Partial<Kept>): void {
    Object.assign(this.#kept, change)
    if (typeof localStorage !== 'undefined') localStorage.setItem(KEY, JSON.stringify(this.#kept))
  }
}

export const preferences = new Preferences()

/** Keep the document's language, direction and theme as preferred; call once, in a component. */
export function dressDocument(): void {
  $effect(() => {
    const root = document.documentElement
    root.lang = preferences.language
    root.dir = preferences.dir
    root.dataset.theme = preferences.theme
  })
}
