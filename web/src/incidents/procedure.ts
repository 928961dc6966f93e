/** The steps of an incident and who is still sought, as the server's rules have them. */
import type { HazardKind, Incident, IncidentKind, Step } from '../api/types'

const PROCEDURES: Record<IncidentKind, readonly Step[]> = {
  crossing: ['look_again', 'send_patrol', 'search_surroundings', 'record_handing_over'],
  approach: ['look_again', 'send_patrol'],
  civilians: ['look_again', 'no_pursuit', 'ask_how_many', 'give_water_and_shelter', 'record_handing_over'],
  distress: [
    'send_medic',
    'no_pursuit',
    'ask_how_many',
    'give_water_and_shelter',
    'tell_other_side',
    'tell_commander',
    'search_surroundings',
    'record_handing_over',
  ],
  damage: ['look_again', 'send_patrol'],
  other: ['look_again'],
}
const BY_HAZARD: Partial<Record<HazardKind, readonly Step[]>> = {
  possible_explosive: ['keep_distance', 'call_clearance', 'tell_commander'],
  sick: ['send_medic'],
}

/** Those that its hazards ask for before those of its kind. */
export function stepsOf(incident: Incident): Step[] {
  const standing = (incident.hazards ?? []).filter((hazard) => !hazard.ended_ns)
  const first = standing.flatMap((hazard) => BY_HAZARD[hazard.kind] ?? [])
  return [...new Set([...first, ...PROCEDURES[incident.kind]])]
}

export const accountedOf = (incident: Incident): number =>
  (incident.accounted ?? []).reduce((sum, each) => sum + each.persons, 0)

/** How many at the least nobody knows the fate of. */
export const soughtOf = (incident: Incident): number =>
  Math.max((incident.expected?.low ?? 0) - accountedOf(incident), 0)
