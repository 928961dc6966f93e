import { beforeEach, describe, expect, it } from 'vitest'
import { headline, sentence } from '../alerts/sentence'
import type { Alarm, JointBody, JointGround, JointPost, JointThing, PartnerState, Release, SharedThing } from '../api/types'
import { plain } from '../i18n'
import { preferences } from '../ui/preferences.svelte'
import { answersTo, isOver } from './courses'
import { cellAt, middleOf, nextHour, turns, wayCells } from './joint.svelte'
import { gapsOf, listed, PHRASES, said, toSend } from './phrases'
import { ageOf, alsoSeen, gridOf, heads, isAstray, linesOf, oursOf, placeOfThing, shortOf, thingOfPartner, toldOf, whatTold, whereTold } from './told'

const NOW_NS = 1_790_000_000e9
const PLACE = { latitude_deg: 34.375, longitude_deg: 41.05 }

const release = (thing_id: string, more: Partial<Release> = {}): Release => ({
  release_id: `r-${thing_id}`,
  agreement_id: 'a',
  version: 1,
  rule_id: 'r',
  giver: 'west',
  taker: 'east',
  item: 'alarm',
  thing_id,
  time_ns: NOW_NS,
  kind: 'group',
  heads: { low: 2, high: 4 },
  alarm_rule: 'line_crossing',
  cell: { east: 0, north: 0, size_m: 1_000 },
  ...more,
})
const thing = (thing_id: string, more: Partial<Release> = {}): SharedThing => ({
  release: release(thing_id, more),
  position: PLACE,
})
const matter = (author: string, more: Partial<JointThing> = {}, type: JointBody['type'] = 'handover_offer'): JointThing => ({
  thing_id: 'm',
  course: 'offer',
  state: 'offered',
  changed_ns: NOW_NS,
  delivery: 'sent',
  opened: {
    author,
    sequence: 1,
    salt: '0',
    time_ns: NOW_NS,
    stamp_ns: NOW_NS,
    by: 'operator',
    body: { type } as JointBody,
  },
  ...more,
})

beforeEach(() => {
  preferences.language = 'en'
  preferences.arabic_digits = false
})

describe('what was told', () => {
  it('is said as people are counted in classes', () => {
    expect(heads({ low: 3, high: 3 })).toBe('3')
    expect(heads({ low: 2, high: 4 })).toBe('2–4')
    expect(plain(heads({ low: 5, high: null }))).toBe('5 or more')
    expect(plain(whatTold(release('t')))).toBe('Group of 2–4, on foot, line crossing')
    expect(plain(whatTold(release('t', { kind: 'vehicle', heads: null, alarm_rule: null, heading: 'ne' })))).toBe('Vehicle, north-east')
    expect([shortOf(release('t')), shortOf(release('t', { kind: null, heads: null }))]).toEqual(['Group 2–4', 'Alarm'])
    expect(plain(whatTold(release('t', { item: 'post', kind: null, heads: null, alarm_rule: null })))).toBe('Post')
  })

  it('is one line where it says the same of one place, but never of two alarms', () => {
    const track = { item: 'track', kind: 'person', heads: null, alarm_rule: null } as const
    const told = [
      { ...thing('t1'), release: release('t1', track) },
      { ...thing('t2'), release: release('t2', { ...track, time_ns: NOW_NS + 1e9 }) },
      { ...thing('t3'), release: release('t3', { ...track, kind: 'vehicle' }) },
      thing('a1'),
      thing('a2'),
    ]
    const lines = [...linesOf(told).values()].map((alike) => alike.map(({ release: { thing_id } }) => thing_id))
    expect(lines).toEqual([['t2', 't1'], ['t3'], ['a1'], ['a2']])
  })

  it('is placed no finer than it was told', () => {
    expect([gridOf(PLACE, 1_000), gridOf(PLACE, 250), gridOf(PLACE, 50)]).toEqual([
      '37S FU 88 05',
      '37S FU 884 056',
      '37S FU 8849 0564',
    ])
    expect(plain(whereTold(thing('t')))).toBe('37S FU 88 05, in a square of 1 km')
    expect(whereTold({ release: release('t') })).toBe('no position')
  })

  it('has an age, and is doubted where the link is not up', () => {
    expect([ageOf(undefined), plain(ageOf({ age_s: 12 }))]).toEqual(['nothing yet', '12 s'])
    expect([undefined, { state: 'cut' }, { state: 'catching_up' }, { state: 'connected' }].map((link) => isAstray(link as never))).toEqual([
      true,
      true,
      true,
      false,
    ])
  })

  it('is found by our own name as long as it stands with them', () => {
    const ours = [{ ...thing('t7', { giver: 'east' }), subject_id: 'G1' }]
    const partner = { party_id: 'west', name: 'W', ours, theirs: [thing('t1')] } as PartnerState
    expect(toldOf(partner, ['G1'])?.release.thing_id).toBe('t7')
    expect(toldOf(partner, ['G2'])).toBeUndefined()
    expect(toldOf({ ...partner, ours: [] }, ['G1'])).toBeUndefined()
    expect(thingOfPartner(partner, 't1')?.release.thing_id).toBe('t1')
  })

  it('is found by theirs where both see it, with their newest word', () => {
    const theirs = [thing('t1'), thing('t2', { time_ns: NOW_NS + 1e9 }), thing('t3')]
    const both = ['t1', 't2'].map((thing_id, k) => ({ subject_id: 'G1', thing_id, name: 'G1', since_ns: k }))
    const partner: PartnerState = { party_id: 'west', name: 'W', theirs, both }
    expect(alsoSeen(partner, ['A', 'G1'])).toMatchObject({ thing: theirs[1], since_ns: 1 })
    expect(alsoSeen(partner, ['G2'])).toBeUndefined()
    expect(theirs.map((each) => oursOf(partner, each))).toEqual(['G1', 'G1', undefined])
  })
})

describe("a partner's alarm", () => {
  const alarm = {
    alarm_id: 'A9',
    subject_id: 'partner:t1',
    about: 'partner',
    kind: 'group',
    count: { best: 3, low: 2, high: 4 },
    met: [{ rule: 'partner_alarm', rule_id: 'west', direction: '', time_ns: NOW_NS - 120e9, alert_id: 'x' }],
    seen: { time_ns: NOW_NS, ground: { position: PLACE } },
  } as Alarm
  const site = { name: 'S', posts: [{ id: 'M3', name: 'Post 3', position: PLACE }] }
  const facts = { alarm, site, now_ns: NOW_NS, partner: { name: 'Western side', release: release('t1') } }

  it('says who told what', () => {
    expect(plain(headline(facts))).toBe('Western side: group of 2–4, on foot, line crossing')
    expect(plain(sentence(facts))).toBe('Western side: group of 2–4, on foot, line crossing, at Post 3. Told 2 min ago.')
  })

  it('is read out in Arabic, and also once it does not stand any more', () => {
    preferences.language = 'ar'
    expect(plain(headline(facts))).toBe('Western side: مجموعة من 2–4 سيرًا على الأقدام، عبور الخط')
    expect(plain(headline({ ...facts, partner: undefined }))).toBe('west: مجموعة من 2–4 سيرًا على الأقدام')
  })
})

describe('ready phrases', () => {
  it('are sent by their key, with what they have gaps for and no more', () => {
    const filled = { count: 3, place: ' 37S FU 88 05 ', name: 'x', time: 10, minutes: 5 }
    expect(toSend('group_heading', filled, NOW_NS)).toEqual({ key: 'group_heading', count: 3, place: '37S FU 88 05' })
    expect(toSend('meet_at_line', filled, NOW_NS).time_ns).toBe(NOW_NS + 600e9)
    expect(toSend('thank_you', filled, NOW_NS)).toEqual({ key: 'thank_you' })
  })

  it('are read in one’s own language', () => {
    preferences.language = 'ar'
    expect(plain(said({ key: 'civilians', place: '37S FU 88 05' }))).toContain('مدنيون قرب 37S FU 88 05')
    expect(plain(said({ key: 'sung' }))).toContain('sung')
    expect(plain(listed('wait'))).toContain('—')
    expect(PHRASES).toContain('hold')
    expect(gapsOf('hold')).toEqual([])
  })
})

describe('ground that both know', () => {
  const ground = { anchor: { latitude_deg: 34.375, longitude_deg: 41.03 }, cell_m: 1_000 } as JointGround
  const post = { manned_by: ['east', 'west'] } as JointPost

  it('is told in the square that holds a place, whose middle lies in it', () => {
    expect(cellAt(ground, 1_000, { latitude_deg: 34.391, longitude_deg: 41.045 })).toEqual([1, 1])
    expect(cellAt(ground, 1_000, { latitude_deg: 34.374, longitude_deg: 41.029 })).toEqual([-1, -1])
    for (const cell of [[0, 0], [-3, 7], [12, -4]] as [number, number][]) {
      expect(cellAt(ground, 3_000, middleOf(ground, 3_000, cell))).toEqual(cell)
    }
  })

  it('is watched by turns without a gap', () => {
    const slots = turns(post, nextHour(NOW_NS + 1), 6)
    expect(slots.map(({ party }) => party)).toEqual(['east', 'west', 'east', 'west'])
    slots.slice(1).forEach((slot, k) => expect(slot.from_ns).toBe(slots[k]?.until_ns))
    expect((slots[0]?.from_ns ?? 1) % 3_600e9).toBe(0)
  })

  it('is said of posts and patrols with their hours and squares', () => {
    const gate = { item: 'post', post_id: 'gate', watched: true, kind: null, heads: null, alarm_rule: null, cell: null } as const
    expect(plain(whatTold(release('p', gate)))).toBe('Post gate, somebody keeps watch')
    const way = thing('w', { item: 'patrol', cell: null, cells: [{ east: 0, north: 0, size_m: 500 }] })
    expect(plain(whereTold({ ...way, position: null, places: [PLACE] }))).toBe('37S FU 884 056, 1 square of 500 m')
    expect(placeOfThing({ ...way, position: null, places: [PLACE] })).toBe(PLACE)
  })
})

describe('joint matters', () => {
  const us = { partner: 'west', now_ns: NOW_NS }

  it('are answered by the side that may', () => {
    expect(answersTo(matter('west'), us)).toEqual(['taken', 'declined'])
    expect(answersTo(matter('east'), us)).toEqual(['withdrawn'])
    const asked = { course: 'request', state: 'asked' } as const
    expect(answersTo(matter('west', asked, 'look_request'), us)).toEqual([
      'accepted',
      'seen',
      'nothing_seen',
      'could_not',
      'declined',
    ])
    expect(answersTo(matter('east', { course: 'notice', state: 'standing' }, 'recall'), us)).toEqual([])
    expect(answersTo(matter('east', { state: 'taken' }), us)).toEqual([])
  })

  it('are answered no more once their time has run out, but with what was seen', () => {
    const until_ns = NOW_NS - 1e9
    const over = (thing: JointThing): JointThing => ({ ...thing, opened: { ...thing.opened, body: { ...thing.opened.body, until_ns } as JointBody } })
    expect(answersTo(over(matter('west')), us)).toEqual([])
    const asked = matter('west', { course: 'request', state: 'asked' }, 'look_request')
    expect(answersTo(over(asked), us)).toEqual(['seen', 'nothing_seen', 'could_not'])
  })

  it('are answered only where both are played or both are real', () => {
    const played = (thing: JointThing): JointThing => ({ ...thing, opened: { ...thing.opened, exercise: 'storm' } })
    expect(answersTo(played(matter('west')), us)).toEqual([])
    expect(answersTo(matter('west'), { ...us, exercise: 'storm' })).toEqual([])
    expect(answersTo(played(matter('west')), { ...us, exercise: 'storm' })).toEqual(['taken', 'declined'])
  })

  it('are over when nothing is waited for', () => {
    expect([matter('west'), matter('west', { state: 'taken' })].map(isOver)).toEqual([false, true])
  })
})

describe('the way of a patrol', () => {
  const ground = { now_ns: 0, ours: 'east', theirs: 'west', anchor: PLACE, cell_m: 500, coverage_cell_m: 1_500 } as JointGround
  const at = (east: number, north: number) => middleOf(ground, 1, [east, north])

  it('is the squares that it goes through, whichever way it goes, and that of one place alone', () => {
    expect(wayCells(ground, [at(100, 100)])).toEqual([[0, 0]])
    const there = wayCells(ground, [at(-700, 100), at(900, 100)])
    expect(there).toEqual([[-2, 0], [-1, 0], [0, 0], [1, 0]])
    expect(wayCells(ground, [at(900, 100), at(-700, 100)])).toEqual(there)
    expect(wayCells(ground, [at(100, 100), at(100, 1_200)])).toEqual([[0, 0], [0, 1], [0, 2]])
    expect(wayCells(ground, [])).toEqual([])
  })

  it('leaves no square out: every point of it lies in one', () => {
    for (let k = 0; k < 60; k++) {
      const [a, b] = [[300 * Math.cos(k) * k, 170 * Math.sin(3 * k) * k] as const, [-90 * k, 211 * Math.cos(2 * k) * k] as const]
      const cells = new Set(wayCells(ground, [at(...a), at(...b)]).map(String))
      for (let part = 0; part <= 1; part += 0.01) {
        const [east, north] = [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])]
        const edge = [east, north].some((metres) => Math.abs(metres / 500 - Math.round(metres / 500)) < 0.01)
        if (!edge) expect(cells.has(String([Math.floor(east / 500), Math.floor(north / 500)]))).toBe(true)
      }
      expect(cells.size).toBeLessThanOrEqual((Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1])) / 500 + 3)
    }
  })
})
