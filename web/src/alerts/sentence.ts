/** An alarm as an officer would say it, made of its facts in the chosen language. */
import type { Alarm, Count, GroundState, Kind, Met, PictureGroup, PictureTrack, Position, Site } from '../api/types'
import { ago, distance, list, sentences, side, span, t, toward, word, type Key } from '../i18n'

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
  vehicle_at_night: 'did.vehicle_at_night',
  absence: 'did.absence',
  camera_health: 'did.camera_health',
  link_health: 'did.link_health',
}

/** "crossed L1 inward 6 min ago". */
export function did(met: Met, site: Site | null, now_ns: number): string {
  const key = DID[`${met.rule} ${met.direction}`] ?? DID[met.rule] ?? 'did.other'
  const rule = key === 'did.other' ? word('rule', met.rule) : nameOf(met.rule_id, site)
  return t(key, { rule, ago: ago(met.time_ns, now_ns) })
}

export interface Facts {
  alarm: Alarm
  site: Site | null
  now_ns: number
  subject?: PictureTrack | PictureGroup | undefined
}

export const groundOf = ({ alarm, subject }: Pick<Facts, 'alarm' | 'subject'>): GroundState | null =>
  subject?.ground ?? alarm.seen.ground ?? null

/** Who it is, where, and which way they go. */
export function headline({ alarm, site, subject }: Facts): string {
  const ground = groundOf({ alarm, subject })
  const count = subject && 'count' in subject ? (subject.count ?? alarm.count) : alarm.count
  const parts = [
    who(alarm.kind, count),
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
  const unseen_s = (now_ns - alarm.seen.time_ns) / 1e9
  return sentences(
    [
      headline(facts),
      newest ? capital(did(newest, site, now_ns)) : '',
      approach ? t('sentence.line_in', { span: span(approach.seconds), line: nameOf(approach.line_id, site) }) : '',
      cameras ? t('sentence.seen_by', { cameras }) : '',
      unseen_s > 10 ? t('sentence.not_seen', { span: span(unseen_s) }) : '',
    ].filter(Boolean),
  )
}

const capital = (text: string): string => text.charAt(0).toLocaleUpperCase('en') + text.slice(1)
