import { describe, expect, it } from 'vitest'
import type { Alarm, PartnerState, PictureTrack, Position, SharedThing } from '../api/types'
import { axes95, EnuFrame, mercator, mercatorRates } from './geodesy'
import { SceneMaker, stoodFor, type Words } from './scene'
import { Trails } from './trails'
import type { MapDesk } from './types'

const ORIGIN: Position = { latitude_deg: 34.46, longitude_deg: 40.95 }
const FRAME = new EnuFrame(ORIGIN)
const NS = 1e9
const COVARIANCE = { east_m2: 340, east_north_m2: -210, north_m2: 190 }
const SHOW = { trails: true, corridors: true }

function track(id: string, east_m: number, more: Partial<PictureTrack> = {}): PictureTrack {
  return {
    track_id: id, origin: 'own', status: 'confirmed', existence: 1, first_ns: 0, seen_ns: 100 * NS,
    kind: 'person', standing: 'unknown',
    ground: { position: FRAME.position(east_m, 0), east_m, north_m: 0, covariance: COVARIANCE, range_m: 900 },
    ...more,
  }
}

function desk(tracks: PictureTrack[], more: Partial<MapDesk> = {}): MapDesk {
  return {
    site: null, origin: ORIGIN, now_ns: 100 * NS, exercise: null, groups: new Map(), alarms: new Map(),
    cameras: new Map(), patrols: new Map(), incidents: new Map(), dispatches: new Map(),
    tracks: new Map(tracks.map((each) => [each.track_id, each])),
    ...more,
  }
}

const words = (dialect = 'en'): Words => ({
  dialect,
  kind: (kind) => `${dialect} ${kind}`,
  count: (low, high) => `${low}-${high}`,
  unseen: (seconds) => `${Math.round(seconds)} s`,
  moving: (speed) => `${speed} m/s`,
  incident: (kind) => kind,
  meeting: () => 'meet',
  both: (seconds) => `both ${Math.round(seconds)} s`,
  told: ({ release }, ours) => `${ours ? 'seen' : 'P'} ${release.kind}`,
})

describe('the scene', () => {
  it('says what is there, and says it anew when it changes', () => {
    const maker = new SceneMaker()
    const make = (...tracks: PictureTrack[]) => maker.make(desk(tracks), null, new Trails(), words(), SHOW).marks[0]
    expect(make(track('a', 0))?.label).toBe('en person')
    expect(make(track('a', 0, { count: { best: 3, low: 2, high: 4 } }))?.label).toBe('en person 2-4')
    expect(make(track('a', 0, { seen_ns: 70 * NS }))?.label).toBe('en person · 30 s')
    expect(make(track('a', 0, { kind: 'vehicle', standing: 'own', standing_id: 'P1' }))?.label).toBe('P1')
  })

  it('is said in the language chosen since', () => {
    const maker = new SceneMaker()
    const told = desk([track('a', 0)])
    expect(maker.make(told, null, new Trails(), words('en'), SHOW).marks[0]?.label).toBe('en person')
    expect(maker.make(told, null, new Trails(), words('ar'), SHOW).marks[0]?.label).toBe('ar person')
  })

  it('moves what moves, forgets what is gone, and takes up again what comes back', () => {
    const maker = new SceneMaker()
    const make = (...tracks: PictureTrack[]) => maker.make(desk(tracks), null, new Trails(), words(), SHOW).marks
    make(track('a', 0), track('b', 50))
    const [moved, ...rest] = make(track('a', 400))
    expect(rest).toEqual([])
    const { latitude_deg, longitude_deg } = FRAME.position(400, 0)
    expect([moved?.x, moved?.y]).toEqual([...mercator(latitude_deg, longitude_deg)])
    expect(make(track('a', 400), track('b', 60)).map(({ id }) => id)).toEqual(['a', 'b'])
  })

  it('drops what was selected, alarmed or expected of a track once it is so no more', () => {
    const maker = new SceneMaker()
    const corridor = [{ time_ns: 160 * NS, centre: { east_m: 80, north_m: 0 }, covariance: COVARIANCE }]
    const told = desk([track('a', 0, { corridor, heading_rad: 1, speed_m_s: 2 })])
    const first = maker.make(told, { kind: 'track', id: 'a' }, new Trails(), words(), SHOW).marks[0]
    expect(first).toMatchObject({ selected: true, more: '2 m/s', weight: 1002 })
    expect(first?.corridor?.length).toBe(8)
    const bare = maker.make(told, null, new Trails(), words(), { trails: false, corridors: false }).marks[0]
    expect(bare).toMatchObject({ selected: false, more: '', weight: 2, corridor: undefined, trail: undefined })
  })

  it('changes the symbol with the kind, the standing and an exercise', () => {
    const maker = new SceneMaker()
    const make = (each: PictureTrack, exercise: string | null = null) =>
      maker.make(desk([each], { exercise }), null, new Trails(), words(), SHOW).marks[0]
    const person = make(track('a', 0))?.sidc
    const vehicle = make(track('a', 0, { kind: 'vehicle' }))?.sidc
    const own = make(track('a', 0, { kind: 'vehicle', standing: 'own' }))?.sidc
    const played = make(track('a', 0, { kind: 'vehicle', standing: 'own' }), 'drill')?.sidc
    expect(new Set([person, vehicle, own, played]).size).toBe(4)
    expect(make(track('a', 0, { kind: 'animal' }))).toMatchObject({ sidc: undefined, shape: 'animal', weight: 0 })
    expect(make(track('a', 0))).toMatchObject({ sidc: person, shape: undefined, weight: 2 })
  })

  it('draws the ellipse as the site frame has it, to a hundredth at 50 km', () => {
    const [long] = axes95(COVARIANCE)
    for (const east_m of [0, 10_000, 50_000]) {
      const mark = new SceneMaker().make(desk([track('a', east_m)]), null, new Trails(), words(), SHOW).marks[0]
      const { latitude_deg, longitude_deg } = FRAME.position(east_m + long[0], long[1])
      const [x, y] = mercator(latitude_deg, longitude_deg)
      const off = Math.hypot(x - (mark?.x ?? 0) - (mark?.ellipse?.[0] ?? 0), y - (mark?.y ?? 0) - (mark?.ellipse?.[1] ?? 0))
      expect(off / Math.hypot(...mercatorRates(34.46).map((rate, k) => rate * (long[k] ?? 0)))).toBeLessThan(0.01)
    }
  })

  it('has what the partner told in its square, and what they see of ours where that is wanted or picked', () => {
    const told = (thing_id: string) =>
      ({ release: { thing_id, item: 'alarm', kind: 'group', time_ns: 40 * NS, cell: { east: 0, north: 0, size_m: 1000 } }, position: ORIGIN }) as SharedThing
    const nowhere = { release: { ...told('x').release, cell: null }, position: null }
    const partner: PartnerState = { party_id: 'west', name: 'W', theirs: [told('w1'), nowhere], ours: [told('e1')] }
    const alarm = { alarm_id: 'A', subject_id: 'partner:w1', state: 'unacknowledged', priority: 'high' } as Alarm
    const make = (shared: boolean, picked = '') =>
      new SceneMaker().make(
        desk([], { partner, alarms: new Map([['A', alarm]]) }),
        picked ? { kind: 'partner', id: picked } : null,
        new Trails(),
        words(),
        { ...SHOW, shared },
      ).marks
    const [theirs] = make(false)
    expect(make(false).map(({ id }) => id)).toEqual(['w1'])
    expect(theirs).toMatchObject({ label: 'P group · 60 s', alarm: 'high', waiting: true, standing: 'unknown' })
    const [left, top, right, , , bottom] = [...(theirs?.corridor ?? [])]
    const [across, up] = mercatorRates(ORIGIN.latitude_deg)
    expect(((right ?? 0) - (left ?? 0)) / across).toBeCloseTo(1000, 3)
    expect(((bottom ?? 0) - (top ?? 0)) / up).toBeCloseTo(1000, 3)
    expect(theirs?.origin).toBe('theirs')
    expect(make(true).map(({ id, shape }) => [id, shape])).toEqual([['w1', undefined], ['e1', 'told']])
    expect(make(false, 'e1').map(({ id, selected }) => [id, selected])).toEqual([['w1', false], ['e1', true]])
  })

  it('names a corridor in a square in which nothing else stands', () => {
    const cell = (east: number) => ({ east, north: 0, size_m: 1000 })
    const places = [0, 1000, 2000].map((east) => FRAME.position(east, 0))
    const way = { release: { thing_id: 'w', item: 'patrol', time_ns: 0, cells: [0, 1, 2].map(cell) }, places } as SharedThing
    const alarm = (thing_id: string, east: number) =>
      ({ release: { thing_id, item: 'alarm', kind: 'group', time_ns: 40 * NS, cell: cell(east) }, position: places[east] }) as SharedThing
    const named = (theirs: SharedThing[]) =>
      new SceneMaker().make(desk([], { partner: { party_id: 'west', name: 'W', theirs } }), null, new Trails(), words(), SHOW).marks
        .filter(({ id, sidc }) => id === 'w' && sidc).map(({ longitude_deg }) => places.findIndex((each) => each.longitude_deg === longitude_deg))
    expect(named([way])).toEqual([0])
    expect(named([way, alarm('a', 0)])).toEqual([1])
    expect(named([way, alarm('a', 0), alarm('b', 1), alarm('c', 2)])).toEqual([0])
  })

  describe('the joint picture', () => {
    const moving = (thing_id: string, time_ns: number) =>
      ({ release: { thing_id, item: 'track', kind: 'person', time_ns, cell: { east: 0, north: 0, size_m: 500 } }, position: ORIGIN }) as SharedThing
    const make = (partner: Partial<PartnerState>, now_ns = 100 * NS, joint = true, picked = '') =>
      new SceneMaker().make(
        desk([track('a', 0), track('b', 90)], { now_ns, partner: { party_id: 'west', name: 'W', ...partner } }),
        picked ? { kind: 'partner', id: picked } : null,
        new Trails(),
        words(),
        { ...SHOW, joint },
      ).marks
    const both = [{ subject_id: 'a', thing_id: 'w1', name: 'a', since_ns: 0 }]

    it('has one symbol of what both see, with how old their word of it is', () => {
      const marks = make({ theirs: [moving('w1', 70 * NS), moving('w2', 70 * NS)], both })
      expect(marks.map(({ id, origin }) => [id, origin])).toEqual([['a', 'both'], ['b', 'ours'], ['w2', 'theirs']])
      expect(marks[0]?.label).toBe('en person · both 30 s')
      expect(marks[2]?.label).toBe('P person · 30 s')
    })

    it('has one of their word and none of what is too old, and fades in between', () => {
      const theirs = [moving('w2', 0)]
      const shown = [100, 540, 900, 901].map((s) => make({ theirs }, s * NS).find(({ id }) => id === 'w2')?.alpha)
      expect(shown).toEqual([1, 0.5, 0.35, undefined])
    })

    it('is our own alone where that is chosen, but for what is picked', () => {
      const partner = { theirs: [moving('w1', 70 * NS), moving('w2', 70 * NS)], both }
      expect(make(partner, 100 * NS, false).map(({ id, origin }) => [id, origin])).toEqual([['a', 'ours'], ['b', 'ours']])
      expect(make(partner, 100 * NS, false, 'w2').map(({ id }) => id)).toEqual(['a', 'b', 'w2'])
    })
  })
})

describe('what the partner told of in one square', () => {
  const told = (thing_id: string, item: string, more: object = {}): SharedThing => ({
    release: {
      release_id: `r${thing_id}`, agreement_id: 'a', version: 1, rule_id: 'r', giver: 'west', taker: 'east', item, thing_id,
      time_ns: 90 * NS, cell: { east: 1, north: 2, size_m: 500 }, ...more,
    } as SharedThing['release'],
    position: ORIGIN,
  })
  const group = { kind: 'group', heads: { low: 2, high: 2 } }

  it('has one symbol for an alarm and the group it is about, and for a group and those in it', () => {
    const tracks = ['t1', 't2', 't3'].map((id) => told(id, 'track', { kind: 'person' }))
    // Two are the group; the third is somebody else.
    expect([...stoodFor([told('g', 'group', group), ...tracks])]).toEqual(['t1', 't2'])
    expect([...stoodFor([told('a', 'alarm', group), told('g', 'group', group), ...tracks])]).toEqual(['t1', 't2', 'g'])
    expect([...stoodFor([told('a', 'alarm', { kind: 'person' }), ...tracks])]).toEqual(['t1'])
  })

  it('keeps what stands in another square, or was counted without an end', () => {
    const far = told('t1', 'track', { cell: { east: 2, north: 2, size_m: 500 } })
    expect([...stoodFor([told('g', 'group', group), far])]).toEqual([])
    const many = { kind: 'group', heads: { low: 5, high: null } }
    expect([...stoodFor([told('g', 'group', many), told('t2', 'track')])]).toEqual(['t2'])
  })

  it('has one symbol for a post that both know', () => {
    const post = { id: 'gate', name: 'Gate', position: ORIGIN }
    const site = { name: 'S', posts: [post] } as MapDesk['site']
    const theirs = [told('p', 'post', { post_id: 'gate', watched: true, cell: null })]
    const partner = { party_id: 'west', name: 'W', theirs } as PartnerState
    const marks = (joint: boolean): string[] =>
      new SceneMaker().make(desk([], { site, partner }), null, new Trails(), words(), { ...SHOW, joint }).marks.map(({ key }) => key)
    expect(marks(true)).toEqual(['partner p'])
    expect(marks(false)).toEqual(['post gate'])
  })
})
