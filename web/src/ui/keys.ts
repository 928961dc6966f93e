/** Every key of the console. Keys are told by their place on the keyboard, so that an Arabic layout changes nothing. */
import { inOrder, passes, waits } from '../alerts/order'
import { newestFirst } from '../coordination/told'
import { answersTo, isOver } from '../patrols/answers'
import * as acts from './acts'
import { screen } from './screen.svelte'
import { preferences } from './preferences.svelte'
import { sound } from './sound.svelte'

const { desk } = screen
/** How long after r a number counts as a patrol's answer. */
const RADIO_MS = 3_000
let radio_ms = 0

const alarm = () => (screen.selection?.kind === 'alarm' ? desk.alarms.get(screen.selection.id) : undefined)
const incident = () => (screen.selection?.kind === 'incident' ? desk.incidents.get(screen.selection.id) : undefined)

function dispatch() {
  const open = [...desk.dispatches.values()].filter((each) => !isOver(each.state))
  const { kind, id } = screen.selection ?? { kind: '', id: '' }
  const about = kind === 'alarm' ? acts.incidentOf(id)?.incident_id : id
  return open.find((each) => each.incident_id === about || each.patrol_id === about)
}

const KINDS = { alarms: 'alarm', incidents: 'incident', patrols: 'patrol', partner: 'partner' } as const

/** Move along the list that shows, and keep the picked one in sight. */
function step(by: number): void {
  const ids =
    screen.left === 'alarms'
      ? inOrder(desk.alarms.values()).flatMap((each) => (passes(each, screen.filter) ? [each.alarm_id] : []))
      : screen.left === 'incidents'
        ? [...desk.incidents.keys()]
        : screen.left === 'partner'
          ? newestFirst(desk.partner?.theirs ?? []).map((each) => each.release.thing_id)
          : (desk.site?.patrols ?? []).map((each) => each.patrol_id)
  const kind = KINDS[screen.left]
  if (!ids.length) return
  const at = ids.indexOf(screen.selection?.id ?? '')
  const id = ids[at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + by))]
  if (id === undefined) return
  screen.selection = { kind, id }
  document.querySelector(`[data-alarm="${CSS.escape(id)}"]`)?.scrollIntoView({ block: 'nearest' })
}

export function pickTop(): void {
  const top = inOrder(desk.alarms.values())[0]
  if (!top) return
  screen.left = 'alarms'
  screen.pick({ kind: 'alarm', id: top.alarm_id })
}

function look(): void {
  if (!alarm()) pickTop()
  screen.part = 'focus'
}

function acknowledge(): void {
  if (!alarm()) pickTop()
  const found = alarm()
  if (found && waits(found)) acts.acknowledge(found)
}

function send(): void {
  const found = alarm() ?? incident()
  if (found) screen.open('send', 'alarm_id' in found ? found.alarm_id : found.incident_id)
}

function forAlarm(dialog: Parameters<typeof screen.open>[0]): void {
  const found = alarm()
  if (found) screen.open(dialog, found.alarm_id)
}

function close(): void {
  const [found, open] = [alarm(), incident()]
  if (found?.state === 'latched') screen.open('close_alarm', found.alarm_id)
  if (open && open.state !== 'closed') screen.open('close_incident', open.incident_id)
}

function assess(): void {
  const found = screen.selection
  if (!found) return
  if (found.kind === 'alarm') screen.open('assess', alarm()?.subject_id ?? '')
  if (found.kind === 'track' || found.kind === 'group') screen.open('assess', found.id)
}

/** What needs somebody who may act; a viewer's keys, and those in a replay, only look. */
const ACTING: Record<string, () => void> = {
  KeyA: acknowledge,
  KeyS: send,
  KeyN: () => forAlarm('nuisance'),
  KeyH: () => forAlarm('shelve'),
  KeyI: () => {
    const found = alarm()
    const held = found && acts.incidentOf(found.alarm_id)
    if (held) screen.pick({ kind: 'incident', id: held.incident_id })
    else screen.open('open_incident', found?.alarm_id ?? '')
  },
  KeyC: close,
  KeyE: assess,
  KeyR: () => (radio_ms = performance.now()),
}

const LOOKING: Record<string, () => void> = {
  KeyL: look,
  KeyT: pickTop,
  KeyJ: () => step(1),
  KeyK: () => step(-1),
  KeyM: () => (screen.centre = 'map'),
  KeyV: () => (screen.centre = 'cameras'),
  KeyB: () => screen.open('shift'),
  KeyG: () => desk.goLive(),
  Digit1: () => (screen.left = 'alarms'),
  Digit2: () => (screen.left = 'incidents'),
  Digit3: () => (screen.left = 'patrols'),
  Digit4: () => desk.partner && (screen.left = 'partner'),
  Space: () => desk.replay && desk.play(!desk.replay.playing),
  Comma: () => void desk.replayFrom(desk.now_ns - 10e9),
  Escape: () => screen.pick(null),
}

function answered(code: string): boolean {
  const number = /^(?:Digit|Numpad)([1-9])$/.exec(code)?.[1]
  const held = dispatch()
  if (!number || !held || performance.now() - radio_ms > RADIO_MS) return false
  const says = answersTo(held.state)[Number(number) - 1]
  if (says) acts.answer(held, says, 'radio')
  radio_ms = 0
  return !!says
}

const TYPING = 'input:not([type="checkbox"], [type="radio"], [type="range"]), textarea, select, [contenteditable]'

export function onkeydown(event: KeyboardEvent): void {
  sound.wake()
  if (event.ctrlKey && event.code === 'KeyK') {
    event.preventDefault()
    screen.open('palette')
    return
  }
  const target = event.target as Element
  if (event.ctrlKey || event.altKey || event.metaKey || screen.dialog || target.closest?.(TYPING)) return
  if (event.shiftKey && event.code === 'Slash') {
    screen.open('keys')
    return
  }
  if (!preferences.single_keys && event.code !== 'Escape') return
  // A button in focus is pressed with the space bar, as everywhere.
  if (event.code === 'Space' && target.closest?.('button, [role="button"], input')) return
  if (desk.acting && answered(event.code)) return
  const done = (desk.acting ? ACTING[event.code] : undefined) ?? LOOKING[event.code] ?? arrow(event)
  if (!done) return
  event.preventDefault()
  done()
}

/** Arrows move along the list unless the map or a slider wants them. */
function arrow(event: KeyboardEvent): (() => void) | undefined {
  if ((event.target as Element).closest?.('[data-own-keys], input, canvas, [role="tablist"]')) return undefined
  if (event.code === 'ArrowDown') return () => step(1)
  return event.code === 'ArrowUp' ? () => step(-1) : undefined
}
