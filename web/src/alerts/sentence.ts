/** An alarm as an officer would say it, made of its facts in the chosen language. */
import type { Alarm, Count, GroundState, Kind, Met, PictureGroup, PictureTrack, Position, Release, Site } from '../api/types'
import { saidOf, whatTold, whoTold } from '../coordination/told'
import { ago, distance, list, plain, sentences, side, span, t, toward, word, type Key } from '../i18n'

const EARTH_M = 6_371_008.8
const RAD = Math.PI / 180

export interface Offset {
  distance_m: number
  azimuth_rad: number
}

/** How far and which way `to` lies from `from`; good to metres over the length of a site. */
export function offset(from: Position, to: Position): Offset {
  const middle = ((from.latitude_deg + to.latitude_deg) / 2) * RAD
  const north = (to.latitude_deg - from.latitude_deg) * RAD * EARTH_M
  const east = (to.longitude_deg - from.longitude_deg) * RAD * EARTH_M * Math.cos(middle)
  return { distance_m: Math.hypot(east, north), azimuth_rad: Math.atan2(east, north) }
}

interface Place {
  name: string
  position: Position
}

/** The places that people name a spot by: the posts, or where the site names none, the cameras. */
function places(site: Site | null): Place[] {
  const posts = (site?.posts ?? []).map((post) => ({ name: post.name || post.id, position: post.position }))
  if (posts.length) return posts
  return (site?.cameras ?? []).flatMap((camera) =>
    camera.pose ? [{ name: camera.name || camera.id, position: camera.pose }] : [],
  )
}

/** "1.2 km north of Post 3". */
export function where(position: Position, site: Site | null): string {
  let nearest: (Offset & { name: string }) | null = null
  for (const place of places(site)) {
    const found = offset(place.position, position)
    if (!nearest || found.distance_m < nearest.distance_m) nearest = { ...found, name: place.name }
  }
  if (!nearest) return ''
  if (nearest.distance_m < 40) return t('place.at', { place: nearest.name })
  return t('place.from', {
    distance: distance(nearest.distance_m),
    side: side(nearest.azimuth_rad),
    place: nearest.name,
  })
}

/** "Group of 4 (3–5), on foot". */
export function who(kind: Kind, count?: Count | null): string {
  const range = count && count.low !== count.high ? ` ${t('who.range', { low: count.low, high: count.high })}` : ''
  if (count && count.best > 1 && (kind === 'group' || kind === 'person'))
    return t('who.group', { n: count.best }) + range
  return kind === 'group' ? t('who.group_open') : t(`who.${kind}`)
}

export function moving(kind: Kind, of: PictureTrack | PictureGroup): string {
  if (of.heading_rad === null || of.heading_rad === undefined)
    return (of.speed_m_s ?? 0) < 0.2 && of.speed_sigma_m_s ? t('moving.still') : ''
  const key = kind === 'vehicle' ? 'moving.vehicle' : kind === 'person' || kind === 'group' ? 'moving.foot' : 'moving.other'
  return t(key, { toward: toward(of.heading_rad) })
}

/** What a line, a zone, a fence, a camera or a patrol is called. */
export function nameOf(id: string, site: Site | null): string {
  const named = [
    ...(site?.lines ?? []),
    ...(site?.zones ?? []),
    ...(site?.fences ?? []),
    ...(site?.posts ?? []),
    ...(site?.cameras ?? []),
  ].find((each) => each.id === id)
  if (named?.name) return named.name
  if (site?.lines?.some((line) => line.id === id)) return t('name.line', { id })
  if (site?.zones?.some((zone) => zone.id === id)) return t('name.zone', { id })
  if (site?.fences?.some((fence) => fence.id === id)) return t('name.fence', { id })
  return (site?.patrols ?? []).find((patrol) => patrol.patrol_id === id)?.name || id
}

/** A camera or a patrol over what is said of it: by the name it was given, which says what it is, or by its number. */
export function titleOf(what: 'camera' | 'patrol', id: string, site: Site | null): string {
  const name = nameOf(id, site)
  if (name !== id) return name
  return what === 'camera' ? t('camera.title', { name }) : t('patrol.title', { name })
}

const DID: Partial<Record<string, Key>> = {
  'line_crossing inward': 'did.line_crossing_inward',
  'line_crossing outward': 'did.line_crossing_outward',
  line_crossing: 'did.line_crossing',
  zone_intrusion: 'did.zone_intrusion',
  confirmed_track: 'did.confirmed_track',
  approach: 'did.approach',
  loitering: 'did.loitering',
  fence_contact: 'did.fence_contact',
  group_size: 'did.group_size',
  night_vehicle: 'did.night_vehicle',
  patrol_silent: 'did.noticed',
  patrol_astray: 'did.noticed',
  camera_silent: 'did.noticed',
  camera_fault: 'did.noticed',
  link_lost: 'did.noticed',
  storage_short: 'did.noticed',
  partner_alarm: 'did.partner_alarm',
}

/** What rule was met: of a camera's faults, which. */
export const ruleOf = (met: Met): string =>
  met.rule === 'camera_fault' ? word('trouble', met.rule_id) : word('rule', met.rule)

/** The camera, patrol or link that an alarm is about; empty for whoever is out there. */
export const thingOf = (alarm: Alarm): string =>
  (alarm.about ?? 'object') === 'object' ? '' : alarm.subject_id.slice(alarm.subject_id.indexOf(':') + 1)

/** Several links that have one cause are one. */
const MANY_CAMERAS = 'cameras'

/** Who or what it is: "Group of 4", or "Camera North mast: lens covered". */
export function whoOf(alarm: Alarm, site: Site | null, count: Count | null | undefined = alarm.count): string {
  const about = alarm.about ?? 'object'
  const newest = alarm.met.at(-1)
  if (about === 'object') return who(alarm.kind, count)
  if (about === 'partner') return whoTold(alarm.kind, alarm.count)
  const id = thingOf(alarm)
  const many = about === 'link' && id === MANY_CAMERAS
  const thing = many ? t('who.cameras') : t(`who.${about}`, { name: bare(nameOf(id, site), about) })
  return newest ? t('who.about', { thing, what: ruleOf(newest) }) : thing
}

/** A name without what it is a name of, where it says so itself: "Patrol 2" is no "Patrol Patrol 2". */
function bare(name: string, about: 'camera' | 'patrol' | 'link' | 'storage'): string {
  if (about === 'link') return name
  const [before = ''] = t(`who.${about}`, { name: '\n' }).split('\n')
  const noun = plain(before).trim()
  return noun && name.startsWith(noun) ? name.slice(noun.length).trim() || name : name
}

/** "crossed L1 inward 6 min ago". */
export function did(met: Met, site: Site | null, now_ns: number): string {
  const key = DID[`${met.rule} ${met.direction}`] ?? DID[met.rule] ?? 'did.other'
  const rule = key === 'did.other' ? ruleOf(met) : nameOf(met.rule_id, site)
  return t(key, { rule, ago: ago(met.time_ns, now_ns) })
}

export interface Facts {
  alarm: Alarm
  site: Site | null
  now_ns: number
  subject?: PictureTrack | PictureGroup | undefined
  /** Of a partner's alarm: what they are called, and what they told as long as it stands. */
  partner?: { name: string; release: Release | undefined } | undefined
  /** The partner, where it told of the same thing, and when. */
  also?: { name: string; time_ns: number } | undefined
}

export const groundOf = ({ alarm, subject }: Pick<Facts, 'alarm' | 'subject'>): GroundState | null =>
  subject?.ground ?? alarm.seen.ground ?? null

/** "Western side: group of 2–4, on foot, line crossing". */
function heard({ alarm, site, partner }: Facts): string {
  const name = partner?.name ?? alarm.met.at(-1)?.rule_id ?? ''
  return saidOf(name, partner?.release ? whatTold(partner.release) : whoOf(alarm, site))
}

/** Who it is, where, and which way they go. */
export function headline(facts: Facts): string {
  const { alarm, site, subject } = facts
  if (alarm.about === 'partner') return heard(facts)
  if (thingOf(alarm)) return whoOf(alarm, site)
  const ground = groundOf({ alarm, subject })
  const count = subject && 'count' in subject ? (subject.count ?? alarm.count) : alarm.count
  const parts = [
    whoOf(alarm, site, count),
    ground ? where(ground.position, site) : t('place.unknown'),
    subject ? moving(alarm.kind, subject) : '',
  ]
  return list(parts.filter(Boolean))
}

/** The whole of it, as it is shown, spoken and sent: who, what they did, and who saw them. */
export function sentence(facts: Facts): string {
  const { alarm, site, now_ns, subject } = facts
  const newest = alarm.met.at(-1)
  const cameras = list((alarm.camera_ids ?? []).map((id) => nameOf(id, site)))
  const crossed = alarm.met.some((met) => met.rule === 'line_crossing')
  const approach = crossed ? undefined : subject?.approaches?.[0]
  if (alarm.about === 'partner') return told(facts)
  if (thingOf(alarm)) return sentences([headline(facts), newest ? capital(did(newest, site, now_ns)) : ''].filter(Boolean))
  const unseen_s = (now_ns - alarm.seen.time_ns) / 1e9
  return sentences(
    [
      headline(facts),
      newest ? capital(did(newest, site, now_ns)) : '',
      approach ? t('sentence.line_in', { span: span(approach.seconds), line: nameOf(approach.line_id, site) }) : '',
      cameras ? t('sentence.seen_by', { cameras }) : '',
      facts.also ? t('sentence.also_seen_by', { name: facts.also.name, ago: ago(facts.also.time_ns, now_ns) }) : '',
      unseen_s > 10 ? t('sentence.not_seen', { span: span(unseen_s) }) : '',
    ].filter(Boolean),
  )
}

/** What a partner told, with the square it was told in and how long ago. */
function told(facts: Facts): string {
  const { alarm, site, now_ns } = facts
  const newest = alarm.met.at(-1)
  const position = alarm.seen.ground?.position
  const placed = list([heard(facts), ...(position ? [where(position, site)] : [])])
  return sentences([placed, newest ? capital(did(newest, site, now_ns)) : ''].filter(Boolean))
}

const capital = (text: string): string => text.charAt(0).toLocaleUpperCase('en') + text.slice(1)
