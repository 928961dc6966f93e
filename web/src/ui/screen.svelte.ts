/** What is on the screen now: what is picked, which parts show, which dialog is open, and what was just said. */
import { DeskStore } from '../api/desk.svelte'
import type { Filter } from '../alerts/order'
import type { Selection } from './selection'

export type Left = 'alarms' | 'incidents' | 'patrols' | 'partner'
export type Centre = 'map' | 'cameras'
/** On a phone each part is a tab. */
export type Part = 'left' | 'centre' | 'focus' | 'timeline'
export type DialogName =
  | 'keys'
  | 'palette'
  | 'settings'
  | 'shift'
  | 'sighting'
  | 'send'
  | 'assess'
  | 'shelve'
  | 'nuisance'
  | 'close_alarm'
  | 'open_incident'
  | 'close_incident'
  | 'look_up'
  | 'tell_partner'
  | 'offer_handover'
  | 'stop_releases'
  | 'ask_look'
  | 'announce_patrol'
  | 'answer_seen'
  | 'propose_incident'
  | 'propose_post'
  | 'propose_roster'
  | 'offer_coverage'
  | 'take_back'
  | 'correct'
  | 'keep_post'
  | 'resume_releases'
  | 'accounts'
  | 'password'

export interface Toast {
  id: number
  text: string
  tone: 'done' | 'refused'
  undo?: (() => void) | undefined
}

const TOAST_MS = 6_000

class Screen {
  readonly desk = new DeskStore()
  selection = $state.raw<Selection | null>(null)
  left = $state<Left>('alarms')
  centre = $state<Centre>('map')
  part = $state<Part>('left')
  filter = $state<Filter>('all')
  dialog = $state<DialogName | null>(null)
  /** What the open dialog is about. */
  about = $state('')
  toasts = $state.raw<readonly Toast[]>([])
  /** What is read out to somebody who does not look: the newest alarm, in words. */
  spoken = $state('')
  /** The act that was refused last, by its act_id. */
  refused = $state('')
  #said = 0

  pick(selection: Selection | null): void {
    this.selection = selection
    if (selection) this.part = 'focus'
  }

  /** What every film on the screen is shown by: now or then, why, and by whose clock. */
  get filmed() {
    const { replay, ahead_ms } = this.desk
    return {
      mode: replay ? 'replay' : 'live',
      fromNs: replay?.at_ns,
      reason: replay?.reason ?? '',
      offsetMs: ahead_ms,
      playing: replay?.playing ?? true,
      speed: replay?.speed ?? 1,
      onplay: replay ? (playing: boolean) => this.desk.play(playing) : undefined,
    } as const
  }

  open(dialog: DialogName, about = ''): void {
    this.about = about
    this.dialog = dialog
  }

  say(text: string, tone: Toast['tone'] = 'done', undo?: () => void): void {
    const toast = { id: ++this.#said, text, tone, undo }
    this.toasts = [...this.toasts.slice(-2), toast]
    setTimeout(() => this.unsay(toast.id), TOAST_MS)
  }

  unsay(id: number): void {
    this.toasts = this.toasts.filter((toast) => toast.id !== id)
  }
}

export const screen = new Screen()
