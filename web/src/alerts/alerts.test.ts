import { beforeEach, describe, expect, it } from 'vitest'
import type { Alarm, AlarmState, GroundState, PictureGroup, Priority, Site } from '../api/types'
import { answersTo } from '../patrols/answers'
import { placeOf } from '../patrols/place'
import { soughtOf, stepsOf } from '../incidents/procedure'
import type { Incident } from '../api/types'
import { plain } from '../i18n'
import { preferences } from '../ui/preferences.svelte'
import { inOrder, passes } from './order'
import { offset, sentence } from './sentence'

const NOW_NS = 1_790_000_000e9
const ground = (latitude_deg: number, longitude_deg: number): GroundState => ({
  position: { latitude_deg, longitude_deg },
  east_m: 0,
  north_m: 0,
  covariance: { east_m2: 1, east_north_m2: 0, north_m2: 1 },
  range_m: 900,
})

function alarm(alarm_id: string, state: AlarmState, priority: Priority, raised_ns = NOW_NS): Alarm {
  return {
    alarm_id,
    subject_id: 'G1',
    state,
    priority,
    kind: 'group',
    response: 'look_and_send',
    text: '',
    met: [{ rule: 'line_crossing', rule_id: 'L1', direction: 'inward', time_ns: NOW_NS - 360e9, alert_id: 'x' }],
    seen: {
      time_ns: NOW_NS,
      camera_id: 'C2',
      box: { x_px: 0, y_px: 0, w_px: 1, h_px: 1 },
      ground: ground(34.3858, 41.05),
    },
    raised_ns,
    changed_ns: NOW_NS,
    latching: true,
    count: { best: 4, low: 4, high: 4 },
    camera_ids: ['C2', 'C4'],
  }
}

const SITE: Site = {
  name: 'S',
  posts: [{ id: 'M3', name: 'Post 3', position: { latitude_deg: 34.375, longitude_deg: 41.05 } }],
  lines: [{ id: 'L1', points: [] }],
}

beforeEach(() => {
  preferences.language = 'en'
  preferences.arabic_digits = false
})

describe('the queue', () => {
  it('has those that wait first, then the highest, then the newest', () => {
    const alarms = [
      alarm('closed', 'closed', 'high'),
      alarm('held', 'shelved', 'high'),
      alarm('seen', 'acknowledged', 'high'),
      alarm('low', 'unacknowledged', 'low'),
      alarm('old', 'unacknowledged', 'high', NOW_NS - 60e9),
      alarm('new', 'returned', 'high', NOW_NS),
    ]
    expect(inOrder(alarms).map((each) => each.alarm_id)).toEqual(['new', 'old', 'low', 'seen', 'held', 'closed'])
  })

  it('leaves none of those that stand out of what it can show', () => {
    const states: AlarmState[] = [
      'unacknowledged',
      'acknowledged',
      'returned',
      'latched',
      'shelved',
      'suppressed',
      'out_of_service',
      'closed',
    ]
    for (const state of states) {
      const shown = (['all', 'held', 'closed'] as const).filter((filter) => passes(alarm('A', state, 'low'), filter))
      expect(shown, state).toHaveLength(1)
    }
  })
})

describe('an alarm', () => {
  it('reads as an officer would say it', () => {
    const said = sentence({ alarm: alarm('A', 'unacknowledged', 'high'), site: SITE, now_ns: NOW_NS })
    expect(plain(said)).toBe(
      'Group of 4, on foot, 1.2 km north of Post 3. Crossed line L1 inward 6 min ago. Seen by C2, C4.',
    )
  })

  it('says which way they walk, as far as that is known', () => {
    const subject = { ...alarm('A', 'latched', 'high'), group_id: 'G1', members: [], ground: ground(34.3858, 41.05), heading_rad: 1.5 }
    const said = sentence({ alarm: subject, subject: subject as unknown as PictureGroup, site: SITE, now_ns: NOW_NS })
    expect(plain(said)).toContain('north of Post 3, walking east.')
  })

  it('says for how long nobody has seen them', () => {
    const lost = { ...alarm('A', 'latched', 'high'), camera_ids: [] }
    const said = sentence({ alarm: lost, site: SITE, now_ns: NOW_NS + 120e9 })
    expect(plain(said)).toContain('Not seen for 2 min.')
  })
})

describe('places', () => {
  it('lie as far apart as on the ellipsoid', () => {
    // GeographicLib, WGS84: one hundredth of a degree of longitude at 34.375 N is 919.6 m.
    const found = offset({ latitude_deg: 34.375, longitude_deg: 41.05 }, { latitude_deg: 34.375, longitude_deg: 41.06 })
    expect(Math.abs(found.distance_m - 919.6)).toBeLessThan(3)
    expect(found.azimuth_rad).toBeCloseTo(Math.PI / 2, 3)
  })

  it('come back from the site’s frame to where they were', () => {
    const origin = { latitude_deg: 34.375, longitude_deg: 41.05, height_m: 180 }
    const place = placeOf({ east_m: 3_000, north_m: -4_000 }, origin)
    const back = offset(origin, place)
    expect(Math.abs(back.distance_m - 5_000)).toBeLessThan(15)
  })
})

describe('a patrol', () => {
  it('may refuse until it has accepted, and may fail until it is done', () => {
    expect(answersTo('sent')).toEqual(['received', 'accepted', 'under_way', 'on_scene', 'done', 'refused', 'could_not'])
    expect(answersTo('accepted')).toEqual(['under_way', 'on_scene', 'done', 'could_not'])
    expect(answersTo('done')).toEqual([])
  })
})

describe('an incident', () => {
  const incident = { kind: 'distress', expected: { best: 5, low: 4, high: 6 } } as Incident

  it('asks for what its hazards need before all else', () => {
    const mined = { ...incident, hazards: [{ kind: 'possible_explosive' }] } as Incident
    expect(stepsOf(mined).slice(0, 4)).toEqual(['keep_distance', 'call_clearance', 'tell_commander', 'send_medic'])
    expect(new Set(stepsOf(mined)).size).toBe(stepsOf(mined).length)
  })

  it('keeps looking for those who are not accounted for', () => {
    expect(soughtOf(incident)).toBe(4)
    expect(soughtOf({ ...incident, accounted: [{ persons: 3 }] } as Incident)).toBe(1)
    expect(soughtOf({ ...incident, accounted: [{ persons: 9 }] } as Incident)).toBe(0)
  })
})
