import { describe, expect, it } from 'vitest'
import { asksForPartner, modelOf, newsTo, withEvent, withLook, withMessage, type Model, withPartnerView } from './model'
import type { Alarm, CameraState, DeskEvent, DeskState, FeedMessage, Hold, PartnerState, PictureTrack, Told } from './types'

const STATE: DeskState = { sequence: 4, now_ns: 1e18, site_name: 'S', origin: { latitude_deg: 34, longitude_deg: 41 } }
const alarm = (alarm_id: string, state: Alarm['state'] = 'unacknowledged'): Alarm => ({ alarm_id, state }) as Alarm
const raised = (sequence: number, alarm_id: string, state?: Alarm['state']): Told => ({
  sequence,
  event: { type: 'alarm_changed', time_ns: sequence, alarm: alarm(alarm_id, state), happening: 'raised' },
})
const after = (model: Model, ...events: Told[]): Model =>
  withMessage(model, { type: 'events', sequence: events.at(-1)?.sequence ?? 0, events }) as Model

describe('the model of the desk', () => {
  it('is nothing until it has been told everything', () => {
    expect(withMessage(null, { type: 'events', sequence: 1, events: [raised(1, 'A')] })).toBeNull()
    expect(withMessage(null, { type: 'hello', sequence: 4, state: STATE })?.sequence).toBe(4)
  })

  it('takes what an event carries in place of what was there', () => {
    const model = after(modelOf(STATE), raised(5, 'A'), raised(6, 'B'), raised(7, 'A', 'acknowledged'))
    expect([...model.alarms.values()].map((each) => [each.alarm_id, each.state])).toEqual([
      ['B', 'unacknowledged'],
      ['A', 'acknowledged'],
    ])
    expect(model.sequence).toBe(7)
  })

  it('has what marks ask for and what waits until that is over', () => {
    const lesson = { lesson_id: 'N1', rule: 'loitering', camera_id: 'north', place: {}, marks: [], until_ns: 9, changed_ns: 1 }
    const waiting = { alert: { alert_id: 'a' }, subject_id: 'T1', lesson_id: 'N1', due_ns: 7 }
    const event = (happening: string): DeskEvent => ({ type: 'lesson_changed', time_ns: 1, lesson, happening })
    const waits = (happening: string): DeskEvent => ({ type: 'alert_waits', time_ns: 1, waiting, happening })
    let model = withEvent(withEvent(modelOf(STATE), event('marked')), waits('waits'))
    expect([[...model.lessons.keys()], [...model.put_off.keys()]]).toEqual([['N1'], ['a']])
    model = withEvent(withEvent(model, waits('aside')), event('refuted'))
    expect([model.lessons.size, model.put_off.size]).toEqual([1, 1])
    model = withEvent(withEvent(model, waits('raised')), event('ended'))
    expect([model.lessons.size, model.put_off.size]).toEqual([0, 0])
    const run = { officer: 'Huda', keep: { looks: 90 }, begun_ns: 1 }
    expect(withEvent(model, { type: 'retention_ran', time_ns: 1, run }).retention).toEqual(run)
  })

  it('counts an event once, however often a resumed feed brings it', () => {
    const once = after(modelOf(STATE), raised(5, 'A'), raised(6, 'A', 'acknowledged'))
    expect(after(once, raised(5, 'A'), raised(6, 'A', 'acknowledged'))).toEqual(once)
    expect(newsTo(once, [raised(6, 'A'), raised(7, 'B')]).map((told) => told.sequence)).toEqual([7])
  })

  it('is the same after a resumed feed as after an unbroken one', () => {
    const events = Array.from({ length: 40 }, (_, i) => raised(5 + i, `A${i % 7}`, i % 3 ? 'acknowledged' : 'latched'))
    const unbroken = after(modelOf(STATE), ...events)
    for (let cut = 0; cut < events.length; cut++) {
      const before = after(modelOf(STATE), ...events.slice(0, cut))
      const again = events.filter((told) => told.sequence > Math.max(before.sequence - 3, 4))
      expect(after(before, ...again)).toEqual(unbroken)
    }
  })

  it('starts anew with a whole state', () => {
    const model = after(modelOf(STATE), raised(5, 'A'))
    const anew = withMessage(model, { type: 'hello', sequence: 2, state: { ...STATE, sequence: 2 } })
    expect([anew?.sequence, anew?.alarms.size]).toEqual([2, 0])
  })

  it('drops from the picture what is gone, and all that a whole picture leaves out', () => {
    const track = (track_id: string): PictureTrack => ({ track_id }) as PictureTrack
    const picture = { type: 'picture', sequence: 4, time_ns: 9 } as const
    const two = withMessage(modelOf(STATE), { ...picture, tracks: [track('T1'), track('T2')] }) as Model
    expect([...(withMessage(two, { ...picture, gone: ['T1'] })?.tracks.keys() ?? [])]).toEqual(['T2'])
    expect([...(withMessage(two, { ...picture, tracks: [track('T3')], whole: true })?.tracks.keys() ?? [])]).toEqual(['T3'])
  })

  it('keeps what was asked for of a track that the feed tells in brief, and of no other', () => {
    const brief = (track_id: string, existence: number): PictureTrack => ({ track_id, existence, brief: true }) as PictureTrack
    const whole = { track_id: 'T1', existence: 0.1, corridor: [{}], approaches: [{}], contributors: [{}] } as PictureTrack
    const picture = { type: 'picture', sequence: 4, time_ns: 9 } as const
    const told = withMessage(modelOf(STATE), { ...picture, tracks: [brief('T1', 0.2), brief('T2', 0.2)] }) as Model
    const looked = withLook(told, whole)
    expect(looked.tracks.get('T1')).toMatchObject({ existence: 0.2, corridor: [{}], approaches: [{}], contributors: [{}] })
    const next = withMessage(looked, { ...picture, tracks: [brief('T1', 0.3), brief('T2', 0.3)] }) as Model
    expect(next.tracks.get('T1')).toMatchObject({ existence: 0.3, corridor: [{}] })
    expect(next.tracks.get('T2')?.corridor).toBeUndefined()
    expect(withLook(modelOf(STATE), whole).tracks.size).toBe(0)
  })

  it('forgets a hold that has ended', () => {
    const hold = { hold_id: 'H' } as Hold
    const held = withEvent(modelOf(STATE), { type: 'hold_changed', time_ns: 1, hold })
    expect(held.holds.size).toBe(1)
    expect(withEvent(held, { type: 'hold_changed', time_ns: 2, hold, ended: true }).holds.size).toBe(0)
  })

  it('lists what is wrong with a camera once, until it is not any more', () => {
    const model = modelOf({ ...STATE, cameras: [{ camera_id: 'C', run: 'running', since_ns: 0 } as CameraState] })
    const covered = { type: 'camera_health', time_ns: 5, camera_id: 'C', kind: 'covered' } as const
    const twice = withEvent(withEvent(model, covered), { ...covered, time_ns: 6 })
    expect(twice.cameras.get('C')?.troubles?.map((each) => each.since_ns)).toEqual([5])
    expect(withEvent(twice, { ...covered, ended: true }).cameras.get('C')?.troubles).toEqual([])
  })

  it('has the partner from the whole state, from every pulse, and what turns at once from its event', () => {
    const partner = { party_id: 'west', name: 'Western side', link: { state: 'connected', age_s: 2 } } as PartnerState
    const model = modelOf({ ...STATE, partner })
    expect(model.partner?.name).toBe('Western side')
    const pulse = { type: 'pulse' as const, sequence: 4, now_ns: 1e18, figures: null, cameras: [] } satisfies FeedMessage
    const told3 = { ...pulse, partner: { revision: 1, link: { state: 'connected' as const, age_s: 3 } } }
    const older = withMessage(model, told3)
    expect(older?.partner).toMatchObject({ name: 'Western side', link: { age_s: 3 } })
    expect(withMessage(model, pulse)?.partner).toBeNull()
    const cut = withEvent(model, { type: 'link_turned', time_ns: 1, party_id: 'west', state: 'cut', reason: 'timeout' })
    expect(cut.partner?.link).toEqual({ state: 'cut', reason: 'timeout', age_s: 2 })
    const stop = { officer: 'Rana', reason: 'they publish it', time_ns: 1 }
    const stopped = withEvent(cut, { type: 'releases_stopped', time_ns: 1, party_id: 'west', stop, officer: 'Rana' })
    expect(stopped.partner?.stop).toEqual(stop)
    const told: DeskEvent = {
      type: 'emergency_released',
      time_ns: 1,
      party_id: 'west',
      act: { act_id: 'e', kind: 'life_at_risk', officer: 'Rana', reason: 'r', subject_ids: [], from_ns: 1, until_ns: 9 },
    }
    expect(withEvent(withEvent(stopped, told), told).partner?.emergencies).toHaveLength(1)
    expect(withEvent(modelOf(STATE), told).partner).toBeNull()
  })

  it('asks for the partner when it begins, when something is said, and when a pulse tells of more', () => {
    const state = { party_id: 'west', name: 'W' } as PartnerState
    const pulse = (revision: number) =>
      ({ type: 'pulse', sequence: 4, now_ns: 1e18, figures: null, cameras: [], partner: { revision, link: {} } }) satisfies FeedMessage
    const hello = { type: 'hello' as const, sequence: 1, state: { ...STATE, partner: state } }
    expect(asksForPartner(null, hello)).toBe(true)
    expect(asksForPartner(null, { ...hello, state: STATE })).toBe(false)
    const joint = { now_ns: 1, lines: [] }
    const model = withPartnerView(modelOf(hello.state), { state, joint, revision: 7 })
    expect([6, 7, 8].map((revision) => asksForPartner(model, pulse(revision)))).toEqual([true, false, true])
    const events = (type: string): FeedMessage =>
      ({ type: 'events', sequence: 2, events: [{ sequence: 2, event: { type, time_ns: 1 } as DeskEvent }] })
    expect(['joint_said', 'joint_heard', 'shift_noted'].map((type) => asksForPartner(model, events(type)))).toEqual([true, true, false])
    // What was said is not lost from the screen while it is asked for again.
    expect(withMessage(model, hello)?.partner?.joint).toEqual(joint)
    expect(withMessage(model, pulse(8))?.partner).toMatchObject({ joint, revision: 7 })
  })

  it('passes over events that it does not know', () => {
    const model = modelOf(STATE)
    expect(withEvent(model, { type: 'payload_erased', time_ns: 1 } as unknown as DeskEvent)).toBe(model)
  })
})
