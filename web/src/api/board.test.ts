/** The desk in the browser against the desk on the server: the same events make the same of both. */
import { describe, expect, it } from 'vitest'
import board from './board.fixture.json'
import { at, modelOf, withEvent, type Model } from './model'
import type { DeskEvent, DeskState } from './types'

interface Step {
  now_ns: number
  events: DeskEvent[]
  state: DeskState
}
const { first, steps } = board as unknown as { first: DeskState; steps: Step[] }

/** All but what only the server's messages tell, and without the order of what has none. */
function shown(model: Model): Record<string, unknown> {
  const { figures: _f, storage: _s, statements: _t, sequence: _n, picture_ns: _p, cameras, ...rest } = model
  // When a camera's last picture came, and how many come, only the pulse tells.
  const doing = [...cameras.values()].map(({ seen_ns: _seen, fps: _fps, ...camera }) => camera)
  return { ...Object.fromEntries(Object.entries(rest).map(([k, v]) => [k, v instanceof Map ? [...v.values()] : v])), doing }
}

describe('the model beside the server’s board', () => {
  it('is the same after every step of a night', () => {
    let model = modelOf(first)
    for (const { now_ns, events, state } of steps) {
      model = at(events.reduce(withEvent, model), now_ns)
      const wanted = shown(modelOf(state))
      const found = shown(model)
      for (const part of Object.keys(wanted)) expect(found[part], `${part} after ${events.at(-1)?.type}`).toEqual(wanted[part])
    }
  })

  it('has met every kind of event that changes what is shown', () => {
    const kinds = new Set(steps.flatMap(({ events }) => events.map((event) => event.type)))
    expect([...kinds].sort()).toEqual([
      'alarm_changed',
      'assessed',
      'camera_health',
      'camera_lost',
      'camera_restored',
      'camera_run_changed',
      'dispatch_changed',
      'exercise_changed',
      'hold_changed',
      'incident_changed',
      'patrol_position',
      'picture_group_changed',
      'picture_group_ended',
      'picture_started',
      'picture_track_ended',
      'picture_track_point',
      'shift_taken',
      'source_trust_changed',
    ])
  })
})
