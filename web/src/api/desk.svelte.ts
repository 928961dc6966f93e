/** The desk as the screens see it: live or replayed, with the acts on their way and when the server was last heard. */
import * as client from './client'
import { Feed } from './feed'
import { asksForPartner, at, modelOf, withEvent, withLook, withMessage, withPartnerView, newsTo, type Model } from './model'
import { Outbox, type Shelf, type Waiting } from './outbox'
import type { Act, Done, JointBody, NamedAct, Session, Site, Told } from './types'

/** The newest events that the timeline shows without asking for more. */
const REMEMBERED = 4_000
const NS = 1_000_000_000
/** So much of the night is fetched at a time while it is replayed. */
const REPLAY_CHUNK_S = 120

export interface Replay {
  at_ns: number
  speed: number
  playing: boolean
  /** Why the past is looked into, where somebody has said so. */
  reason: string
}

export interface Heard {
  told: Told
  live: boolean
}

/** A clock that is off by more than this has been set anew. */
const CLOCK_SET_MS = 1_000

/** What was known of how far the desk's clock is ahead, and what it says now: a message that took longer says less. */
function aheadOf(known_ms: number, now_ns: number): number {
  const told_ms = now_ns / 1e6 - Date.now()
  return Math.abs(told_ms - known_ms) > CLOCK_SET_MS ? told_ms : Math.max(known_ms, told_ms)
}

const nothing = <T>(): ReadonlyMap<string, T> => new Map<string, T>()

export class DeskStore {
  session = $state.raw<Session | null>(null)
  site = $state.raw<Site | null>(null)
  /** What the feed has told, whatever is being shown. */
  live = $state.raw<Model | null>(null)
  log = $state.raw<readonly Told[]>([])
  linked = $state(false)
  heard_ms = $state(Date.now())
  /** How far the desk's clock is ahead of this machine's. */
  ahead_ms = $state(0)
  waiting = $state.raw<readonly Waiting[]>([])
  replay = $state.raw<Replay | null>(null)
  #replayed = $state.raw<Model | null>(null)

  model = $derived(this.replay ? this.#replayed : this.live)
  now_ns = $derived(this.replay ? this.replay.at_ns : (this.model?.now_ns ?? 0))
  alarms = $derived(this.model?.alarms ?? nothing<never>())
  holds = $derived(this.model?.holds ?? nothing<never>())
  lessons = $derived(this.model?.lessons ?? nothing<never>())
  put_off = $derived(this.model?.put_off ?? nothing<never>())
  retention = $derived(this.model?.retention ?? null)
  incidents = $derived(this.model?.incidents ?? nothing<never>())
  dispatches = $derived(this.model?.dispatches ?? nothing<never>())
  cameras = $derived(this.model?.cameras ?? nothing<never>())
  patrols = $derived(this.model?.patrols ?? nothing<never>())
  assessments = $derived(this.model?.assessments ?? nothing<never>())
  statements = $derived(this.model?.statements ?? nothing<never>())
  tracks = $derived(this.model?.tracks ?? nothing<never>())
  groups = $derived(this.model?.groups ?? nothing<never>())
  sources = $derived(this.model?.sources ?? nothing<never>())
  figures = $derived(this.model?.figures ?? null)
  shift = $derived(this.model?.shift ?? null)
  exercise = $derived(this.model?.exercise ?? null)
  storage = $derived(this.model?.storage ?? null)
  partner = $derived(this.model?.partner ?? null)
  origin = $derived(this.model?.origin ?? this.site?.origin ?? null)
  site_name = $derived(this.model?.site_name ?? this.site?.name ?? '')
  /** Whether what is shown may be acted on: live, and the server is there or will be. */
  acting = $derived(this.replay === null && this.session?.role !== 'viewer')

  /** Whether the role may ask for acts of this type. */
  may(type: Act['type']): boolean {
    return this.acting && (this.session?.acts?.includes(type) ?? true)
  }

  /** Whether the role may say this to the partner. */
  says(type: JointBody['type']): boolean {
    return this.may('say_to_partner') && (this.session?.says?.includes(type) ?? true)
  }

  /** Whether the role may say what becomes of a joint matter that was opened by this. */
  answers(type: JointBody['type']): boolean {
    return this.may('say_to_partner') && (this.session?.answers?.includes(type) ?? true)
  }

  /** Called for every event that is news, once; sounds and messages hang on it. */
  onnews: (told: Told) => void = () => {}
  onrefused: (act: NamedAct, error: client.CallError) => void = () => {}
  ondone: (act: NamedAct, done: Done) => void = () => {}
  /** Called where the past could not be read: what is shown stays as it was. */
  onunread: (error: client.CallError) => void = () => {}
  onsignedout: () => void = () => {}

  readonly #feed: Feed
  readonly #shelf: Shelf
  #outbox: Outbox | null = null
  #ahead: Told[] = []
  #ahead_to_ns = 0
  #fetching = false
  #frame = 0
  #looked = ''
  #reading = false
  #asking = false
  #again = false

  constructor(shelf: Shelf = window.localStorage) {
    this.#shelf = shelf
    this.#feed = new Feed({
      since: () => this.live?.sequence ?? null,
      message: (message) => {
        if (message.type === 'events' && this.live) this.#remember(newsTo(this.live, message.events))
        if (message.type === 'pulse') this.ahead_ms = aheadOf(this.ahead_ms, message.now_ns)
        const asks = asksForPartner(this.live, message)
        this.live = withMessage(this.live, message)
        if (asks) void this.#readPartner()
        if (message.type === 'picture') void this.#readLooked()
      },
      link: (up, heard_ms) => {
        if (up && !this.linked) this.#linked()
        this.linked = up
        this.heard_ms = heard_ms
      },
      signedOut: () => this.onsignedout(),
    })
  }

  /** Begin to follow the desk for whoever is signed in. */
  async start(session: Session): Promise<void> {
    this.session = session
    // What one officer asked for is never sent under another's name.
    this.#outbox = new Outbox(
      {
        send: client.act,
        changed: (waiting) => (this.waiting = waiting),
        done: (act, done) => this.ondone(act, done),
        refused: (act, error) => this.onrefused(act, error),
      },
      this.#shelf,
      `marsad.outbox.${session.name}`,
    )
    this.waiting = this.#outbox.waiting
    this.#feed.start()
    void this.#outbox.flush()
    await this.#readSite()
  }

  /** Send what still waits for second thoughts: whoever leaves has had them. */
  async settle(): Promise<void> {
    await this.#outbox?.settle()
  }

  stop(): void {
    this.#feed.stop()
    cancelAnimationFrame(this.#frame)
  }

  /** Ask for something to be done. Returns its act_id. `undo_ms` is how long it can still be taken back unsent. */
  act(act: Act, undo_ms = 0): string {
    return this.#outbox?.put(act, undo_ms) ?? ''
  }

  takeBack(act_id: string): boolean {
    return this.#outbox?.takeBack(act_id) ?? false
  }

  /** Whether an act about this object is on its way. */
  pending(id: string): boolean {
    return this.waiting.some(({ act }) => Object.values(act).includes(id))
  }

  /** Keep at hand all that is known of one track, which the feed tells only of those that alarms are about. */
  look(track_id: string): void {
    this.#looked = track_id
    void this.#readLooked()
  }

  async #readLooked(): Promise<void> {
    const id = this.#looked
    if (this.#reading || !this.live?.tracks.get(id)?.brief) return
    this.#reading = true
    // One that is gone by now leaves with the next picture, and a server that is silent is shown to be.
    const whole = await client.track(id).catch(() => null)
    this.#reading = false
    if (this.#looked !== id) void this.#readLooked()
    else if (whole && this.live) this.live = withLook(this.live, whole)
  }

  /** Read what stands between us and the partner; asked for while it is being read, it is read once more. */
  async #readPartner(): Promise<void> {
    this.#again = this.#asking
    if (this.#asking) return
    this.#asking = true
    // Where the server is silent, the next pulse that comes asks again.
    const view = await client.partner().catch(() => null)
    this.#asking = false
    if (view && this.live) this.live = withPartnerView(this.live, view)
    if (this.#again) void this.#readPartner()
  }

  /** Fill the timeline with what happened in a span before the page was opened. */
  async recall(from_ns: number, to_ns: number): Promise<void> {
    const events = await client.eventsBetween(from_ns, to_ns)
    const known = new Set(this.log.map((told) => told.sequence))
    const more = events.filter((told) => !known.has(told.sequence))
    this.log = [...more, ...this.log].sort((a, b) => a.sequence - b.sequence).slice(-REMEMBERED)
  }

  /** Show the desk as it was, standing still until played. */
  async replayFrom(at_ns: number, reason = this.replay?.reason ?? ''): Promise<void> {
    const state = await client.stateAt(at_ns).catch((error: client.CallError) => this.onunread(error))
    if (!state) return
    this.#ahead = []
    this.#ahead_to_ns = at_ns
    const view = state.partner ? await client.partner(at_ns).catch(() => null) : null
    this.#replayed = view ? withPartnerView(modelOf(state), view) : modelOf(state)
    this.replay = { at_ns, reason, speed: this.replay?.speed ?? 1, playing: this.replay?.playing ?? false }
  }

  play(playing: boolean, speed = this.replay?.speed ?? 1): void {
    if (!this.replay) return
    this.replay = { ...this.replay, playing, speed }
    cancelAnimationFrame(this.#frame)
    if (playing) this.#tick(performance.now())
  }

  goLive(): void {
    cancelAnimationFrame(this.#frame)
    this.replay = null
    this.#replayed = null
  }

  #tick(before_ms: number): void {
    this.#frame = requestAnimationFrame((now_ms) => {
      const replay = this.replay
      if (!replay?.playing) return
      // A page in the background gets no frames: the night does not leap ahead when it comes back.
      const passed_ns = Math.min(now_ms - before_ms, 250) * 1e6 * replay.speed
      this.#advance(replay, replay.at_ns + passed_ns)
      this.#tick(now_ms)
    })
  }

  #advance(replay: Replay, to_ns: number): void {
    const end_ns = this.live?.now_ns ?? to_ns
    if (to_ns >= end_ns) {
      this.goLive()
      return
    }
    void this.#fetchAhead(to_ns, replay.speed)
    if (to_ns > this.#ahead_to_ns) return
    let model = this.#replayed
    let taken = 0
    for (const told of this.#ahead) {
      if (told.event.time_ns > to_ns) break
      if (model) model = withEvent(model, told.event)
      taken += 1
    }
    this.#ahead.splice(0, taken)
    if (model) this.#replayed = taken ? at(model, to_ns) : model
    this.replay = { ...replay, at_ns: to_ns }
  }

  async #fetchAhead(at_ns: number, speed: number): Promise<void> {
    const wanted_ns = at_ns + speed * 10 * NS
    if (this.#fetching || this.#ahead_to_ns > wanted_ns) return
    this.#fetching = true
    const from_ns = Math.max(this.#ahead_to_ns, at_ns)
    const to_ns = Math.max(from_ns + REPLAY_CHUNK_S * NS, wanted_ns)
    try {
      const events = await client.eventsBetween(from_ns, to_ns)
      if (this.replay) {
        this.#ahead.push(...events)
        this.#ahead_to_ns = to_ns
      }
    } catch (error) {
      // Standing still rather than asking a silent server again with every picture of the screen.
      this.play(false)
      this.onunread(error as client.CallError)
    } finally {
      this.#fetching = false
    }
  }

  #linked(): void {
    void this.#outbox?.flush()
    if (!this.site) void this.#readSite()
  }

  /** Read the site; where the server is silent it is asked again when the link is back. */
  async #readSite(): Promise<void> {
    this.site = await client.site().catch(() => null)
  }

  #remember(news: readonly Told[]): void {
    if (!news.length) return
    // What was read for the timeline may have been on its way here as news.
    const known = new Set(this.log.map((told) => told.sequence))
    this.log = [...this.log, ...news.filter((told) => !known.has(told.sequence))].slice(-REMEMBERED)
    for (const told of news) this.onnews(told)
  }
}
