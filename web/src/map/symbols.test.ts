import ms from 'milsymbol'
import { describe, expect, it } from 'vitest'
import type { Kind, Standing } from '../api/types'
import { sidc } from './symbols'

const KINDS: (Kind | 'post')[] = ['person', 'group', 'vehicle', 'animal', 'flying', 'vegetation', 'unknown', 'post']
const AFFILIATION: Record<Standing, string> = { unknown: 'Unknown', own: 'Friend', declared: 'Neutral' }

describe('symbols', () => {
  for (const standing of Object.keys(AFFILIATION) as Standing[]) {
    for (const kind of KINDS) {
      it(`of ${standing} ${kind} are valid and of the right affiliation, played or not`, () => {
        for (const played of [false, true]) {
          const code = sidc(kind, standing, played)
          expect(code).toHaveLength(20)
          const symbol = new ms.Symbol(code)
          expect(symbol.isValid()).toBe(true)
          const facts = symbol.getMetadata()
          expect(facts.affiliation).toBe(AFFILIATION[standing])
          expect(facts.context).toBe(played ? 'Exercise' : 'Reality')
          expect([facts.joker, facts.faker, facts.suspect]).not.toContain(true)
        }
      })
    }
  }
})
