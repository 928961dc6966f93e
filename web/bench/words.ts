/** English alone, for a page that stands by itself. */
import words from '../src/camera/strings.en.json'

const english: Record<string, string> = words

export const t = (key: string, params: Readonly<Record<string, string | number>> = {}): string =>
  (english[key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? ''))

export const word = (_group: string, value: string): string => value

export const clock = (time_ns: number): string => new Date(time_ns / 1e6).toISOString().slice(11, 19)
