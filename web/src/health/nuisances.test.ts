import { describe, expect, it } from 'vitest'
import type { Alarm } from '../api/types'
import { nuisanceShares } from './nuisances'

const alarm = (nuisance: Alarm['nuisance'], camera_ids: string[], hour: number): Alarm =>
  ({ nuisance, camera_ids, raised_ns: new Date(2026, 7, 9, hour, 20).getTime() * 1e6 }) as Alarm

describe('the shares of alarms that were nothing', () => {
  it('are told by cause, camera and hour, the most first', () => {
    const shares = nuisanceShares([
      alarm('animal', ['north'], 2),
      alarm('animal', ['north', 'south'], 2),
      alarm('bird', ['north'], 5),
      alarm(null, ['south'], 2),
      alarm(null, ['east'], 7),
    ])
    expect(shares.causes).toEqual([
      { name: 'animal', alarms: 5, nuisances: 2 },
      { name: 'bird', alarms: 5, nuisances: 1 },
    ])
    expect(shares.cameras).toEqual([
      { name: 'north', alarms: 3, nuisances: 3 },
      { name: 'south', alarms: 2, nuisances: 1 },
    ])
    expect(shares.hours).toEqual([
      { name: '02', alarms: 3, nuisances: 2 },
      { name: '05', alarms: 1, nuisances: 1 },
    ])
  })

  it('are none where there was no such alarm', () => {
    expect(nuisanceShares([alarm(null, ['north'], 2)])).toEqual({ causes: [], cameras: [], hours: [] })
  })
})
