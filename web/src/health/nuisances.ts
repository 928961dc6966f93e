/** How many alarms were nothing: by cause, by the cameras that saw them, and by the hour of the day. */
import type { Alarm } from '../api/types'

export interface Share {
  name: string
  alarms: number
  nuisances: number
}

/** Each name that had any nuisance, with how many of how many alarms there were nothing; the most first. */
function shares(alarms: readonly Alarm[], names: (alarm: Alarm) => readonly string[]): Share[] {
  const found = new Map<string, Share>()
  for (const alarm of alarms) {
    for (const name of names(alarm)) {
      const share = found.get(name) ?? { name, alarms: 0, nuisances: 0 }
      found.set(name, {
        name,
        alarms: share.alarms + 1,
        nuisances: share.nuisances + (alarm.nuisance ? 1 : 0),
      })
    }
  }
  return [...found.values()].filter((each) => each.nuisances).sort((a, b) => b.nuisances - a.nuisances)
}

const hourOf = (alarm: Alarm): string => String(new Date(alarm.raised_ns / 1e6).getHours()).padStart(2, '0')

/** The shares of these alarms; of a cause, it is of all of them. */
export const nuisanceShares = (alarms: readonly Alarm[]): Record<'causes' | 'cameras' | 'hours', Share[]> => ({
  causes: shares(alarms, (alarm) => (alarm.nuisance ? [alarm.nuisance] : [])).map((each) => ({
    ...each,
    alarms: alarms.length,
  })),
  cameras: shares(alarms, (alarm) => alarm.camera_ids ?? []),
  hours: shares(alarms, (alarm) => [hourOf(alarm)]),
})
