/** The map's words; its strings stand with the others in the locale files. */
import { t, type Key, type Params } from '../i18n'
import type strings from './strings.en.json'

export type MapKey = keyof typeof strings

export const say = (key: MapKey, params?: Params): string => t(key as string as Key, params)
