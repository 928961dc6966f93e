/** What one side told the other, in words, and no finer than it was told. */
import { who } from '../alerts/sentence'
import type { Kind, LinkShown, PartnerState, Position, Release, SharedThing } from '../api/types'
import { distance, grid, list, number, range, span, t, word } from '../i18n'

type Heads = NonNullable<Release['heads']>

/** Classes of heads: "3", "2–4", "5 or more". */
export function heads({ low, high }: Heads): string {
  if (high === null || high === undefined) return t('partner.heads_least', { low })
  return low === high ? number(low) : range(number(low), number(high))
}

/** "Group of 2–4, on foot". */
export function whoTold(kind: Kind, many: Heads | null | undefined): string {
  const people = kind === 'group' || kind === 'person'
  if (!people || !many || many.low === many.high) {
    return who(kind, many?.low === many?.high && many ? { best: many.low, low: many.low, high: many.low } : null)
  }
  if (many.high === null || many.high === undefined) return t('who.group_least', { low: many.low })
  return t('who.group_range', { low: many.low, high: many.high })
}

/** Words as they stand within a sentence; a mark of direction may stand before the first letter. */
const lower = (text: string): string => text.replace(/\p{L}/u, (letter) => letter.toLocaleLowerCase('en'))

/** What was told of a thing: "group of 2–4, on foot, line crossing". */
export function whatTold(release: Release): string {
  const parts = [
    release.item === 'post' && release.post_id ? t('joint.post_named', { name: release.post_id }) : release.kind || release.heads ? whoTold(release.kind ?? 'unknown', release.heads) : t(`item.${release.item}`),
    release.alarm_rule ? lower(word('rule', release.alarm_rule)) : '',
    release.incident_kind ? lower(word('incident_kind', release.incident_kind)) : '',
    release.watched != null ? t(release.watched ? 'joint.watched' : 'joint.unwatched') : '',
    release.heading ? t(`toward.${release.heading}`) : '',
  ]
  return list(parts.filter(Boolean))
}

/** As short as a label on the map: "Group 2–4". */
export const shortOf = ({ item, kind, heads: many }: Release): string =>
  [kind ? t(`kind.${kind}`) : t(`item.${item}`), many ? heads(many) : ''].filter(Boolean).join(' ')

/** Who told it, and what. */
export const saidOf = (name: string, what: string): string => t('partner.says', { name, what: lower(what) })

/** The military grid of a square, with no more digits than the square is known by. */
export function gridOf(position: Position, size_m: number): string {
  const [zone, square, east, north] = grid(position).split(' ')
  if (!zone || !square || !east || !north) return ''
  const digits = size_m >= 1_000 ? 2 : size_m >= 100 ? 3 : 4
  return [zone, square, east.slice(0, digits), north.slice(0, digits)].join(' ')
}

/** Where a thing is: the square it was told in. */
export function whereTold({ release, position, places = [] }: SharedThing): string {
  const [first] = places
  const width = release.cells?.[0]?.size_m
  if (first && width) return list([gridOf(first, width), t('joint.squares', { n: places.length, size: distance(width) })])
  if (position && release.item === 'post') return grid(position)
  if (!position || !release.cell) return t('place.unknown')
  const size = release.cell.size_m
  return list([gridOf(position, size), t('partner.cell', { size: distance(size) })])
}

/** Where it is drawn: the middle of its square, or where its way begins. */
export const placeOfThing = (thing: SharedThing | undefined): Position | null => thing?.position ?? thing?.places?.[0] ?? null

/** How old the newest word of the partner is; nothing where there was none. */
export const ageOf = (link: LinkShown | undefined): string =>
  link?.age_s === null || link?.age_s === undefined ? t('partner.never') : span(link.age_s)

/** Whether what is known of the partner may be out of date. */
export const isAstray = (link: LinkShown | undefined): boolean => (link?.state ?? 'cut') !== 'connected'

/** In the order in which they are listed. */
export const newestFirst = (things: readonly SharedThing[]): SharedThing[] =>
  [...things].sort((a, b) => b.release.time_ns - a.release.time_ns)

/** What tells one line of a list from another; whatever moves and is told alike of one place has one. */
function lineOf(thing: SharedThing): string {
  const { release } = thing
  if (release.item !== 'track' && release.item !== 'group') return release.thing_id
  return [whatTold(release), whereTold(thing), release.priority ?? '', release.basis ?? ''].join('|')
}

/** The lines of a list, the newest first, each with all that it says: five people in one square are one line. */
export function linesOf(things: readonly SharedThing[]): Map<string, [SharedThing, ...SharedThing[]]> {
  const lines = new Map<string, [SharedThing, ...SharedThing[]]>()
  for (const thing of newestFirst(things)) {
    const line = lineOf(thing)
    const held = lines.get(line)
    if (held) held.push(thing)
    else lines.set(line, [thing])
  }
  return lines
}

export const thingIn = (things: readonly SharedThing[] | undefined, thing_id: string): SharedThing | undefined =>
  things?.find(({ release }) => release.thing_id === thing_id)

/** How something of ours was told last and stands with them, by our own names of it; nothing where it was not. */
export const toldOf = (partner: PartnerState | null, subject_ids: readonly string[]): SharedThing | undefined =>
  newestFirst(partner?.ours ?? []).find(
    ({ release, subject_id }) => release.cell && subject_id && subject_ids.includes(subject_id),
  )

/** What the partner told of something that we see too, by our names of it, and since when both are held to be one. */
export function alsoSeen(
  partner: PartnerState | null | undefined,
  subject_ids: readonly string[],
): { thing: SharedThing; since_ns: number } | undefined {
  const found = (partner?.both ?? []).flatMap(({ subject_id, thing_id, since_ns }) => {
    const thing = subject_ids.includes(subject_id) ? thingIn(partner?.theirs, thing_id) : undefined
    return thing ? [{ thing, since_ns }] : []
  })
  return found.sort((a, b) => b.thing.release.time_ns - a.thing.release.time_ns)[0]
}

/** What of ours a thing of theirs is held to be, or a thing of ours is: its own name here. */
export const oursOf = (partner: PartnerState, { release, subject_id }: SharedThing): string | undefined =>
  subject_id || partner.both?.find(({ thing_id }) => thing_id === release.thing_id)?.subject_id

/** What of theirs or ours goes by this name between the two. */
export const thingOfPartner = (partner: PartnerState | null | undefined, thing_id: string): SharedThing | undefined =>
  thingIn(partner?.theirs, thing_id) ?? thingIn(partner?.ours, thing_id)

