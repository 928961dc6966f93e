/** What an officer can do, said once for keys, buttons and the palette: each act confirms in place and, where it can, has undo. */
import { headline, sentence, thingOf, type Facts } from '../alerts/sentence'
import type { CallError } from '../api/client'
import type { Alarm, Dispatch, Incident, IncidentKind, JointBody, NuisanceCause, Says, Via } from '../api/types'
import { alsoSeen, thingIn } from '../coordination/told'
import { clock, plain, span, t } from '../i18n'
import { screen } from './screen.svelte'

/** How long an act that cannot be undone once it is done waits for second thoughts. */
export const SECOND_THOUGHTS_MS = 6_000

export function factsOf(alarm: Alarm): Facts {
  const { desk } = screen
  const subject = desk.groups.get(alarm.subject_id) ?? desk.tracks.get(alarm.subject_id)
  const told = alarm.about === 'partner' && desk.partner ? thingIn(desk.partner.theirs, thingOf(alarm)) : undefined
  const partner = alarm.about === 'partner' && desk.partner ? { name: desk.partner.name, release: told?.release } : undefined
  const other = alarm.about === 'partner' ? undefined : alsoSeen(desk.partner, [alarm.subject_id, ...(alarm.formerly ?? [])])
  const also = other && desk.partner ? { name: desk.partner.name, time_ns: other.thing.release.time_ns } : undefined
  return { alarm, subject, site: desk.site, now_ns: desk.now_ns, partner, also }
}

export function incidentOf(alarm_id: string): Incident | undefined {
  const found = [...screen.desk.incidents.values()].filter((each) => each.alarm_ids?.includes(alarm_id))
  return found.sort((a, b) => b.opened_ns - a.opened_ns)[0]
}

/** Why a call came to nothing, in the officer's words. */
export function whyNot(error: CallError): string {
  switch (error.failure) {
    case 'too_many':
      return t('error.too_many', { span: span(Math.max(1, error.retry_s)) })
    case 'input':
    case 'refused':
    case 'server':
      return t(`error.${error.failure}`, { why: error.message })
    default:
      return t(`error.${error.failure}`)
  }
}

export function acknowledge(alarm: Alarm): void {
  screen.desk.act({ type: 'acknowledge', alarm_id: alarm.alarm_id })
}

function withSecondThoughts(text: string, act: Parameters<typeof screen.desk.act>[0]): void {
  const act_id = screen.desk.act(act, SECOND_THOUGHTS_MS)
  screen.say(text, 'done', () => screen.desk.takeBack(act_id))
}

export function nuisance(alarm: Alarm, cause: NuisanceCause): void {
  const text = t('alarm.nuisance_toast', { cause: t(`cause.${cause}`) })
  withSecondThoughts(text, { type: 'mark_nuisance', alarm_id: alarm.alarm_id, cause })
}

/** What was marked as a nuisance was somebody: it sounds anew at once, without second thoughts. */
export function personAfterAll(alarm: Alarm): void {
  screen.desk.act({ type: 'person_after_all', alarm_id: alarm.alarm_id })
  screen.say(t('alarm.person_toast'), 'done')
}

export function closeAlarm(alarm: Alarm, reason: string): void {
  withSecondThoughts(t('alarm.closed_toast'), { type: 'close_alarm', alarm_id: alarm.alarm_id, reason })
}

export function shelve(alarm: Alarm, seconds: number, reason: string): void {
  const until_ns = screen.desk.now_ns + seconds * 1e9
  const text = t('alarm.shelved_toast', { until: t('time.until', { time: clock(until_ns, false) }) })
  withSecondThoughts(text, { type: 'shelve', alarm_id: alarm.alarm_id, until_ns, reason })
}

const KIND_BY_RULE: Partial<Record<string, IncidentKind>> = { line_crossing: 'crossing', approach: 'approach' }

/** Open an incident from an alarm with what is known of it, to be taken charge of once it is there. Returns the act_id. */
export function openIncident(alarm: Alarm): string {
  const facts = factsOf(alarm)
  const rule = alarm.met.at(-1)?.rule ?? ''
  return screen.desk.act({
    type: 'open_incident',
    kind: KIND_BY_RULE[rule] ?? 'other',
    text: plain(sentence(facts)),
    alarm_ids: [alarm.alarm_id],
    position: (facts.subject?.ground ?? alarm.seen.ground)?.position ?? null,
    expected: alarm.count ?? null,
  })
}

export function take(incident: Incident): void {
  screen.desk.act({ type: 'take_incident', incident_id: incident.incident_id })
}

export function recall(dispatch: Dispatch): void {
  screen.desk.act({ type: 'recall_patrol', dispatch_id: dispatch.dispatch_id, reason: t('send.recall_reason') })
}

export function answer(dispatch: Dispatch, says: Says, via: Via, note = ''): void {
  const time_ns = Math.round(screen.desk.now_ns)
  screen.desk.act({ type: 'answer_order', dispatch_id: dispatch.dispatch_id, says, time_ns, via, note })
}

export function closeIncident(incident: Incident, sought_reason: string): void {
  screen.desk.act({ type: 'close_incident', incident_id: incident.incident_id, sought_reason })
  screen.say(t('alarm.closed_toast'), 'done', () =>
    screen.desk.act({
      type: 'reopen_incident',
      incident_id: incident.incident_id,
      reason: t('incident.reopened_reason'),
    }),
  )
}

/** Say something to the partner. Returns the act_id. */
export const say = (body: JointBody): string => screen.desk.act({ type: 'say_to_partner', body })

export const shortOf = (alarm: Alarm): string => headline(factsOf(alarm))
