/** Acts on their way to the server: kept across a reload, sent in order, each counted once, none lost to a poor link. */
import { CallError } from './client'
import type { Act, Done, NamedAct } from './types'

export interface Waiting {
  act: NamedAct
  /** Not before this moment of the browser's time: until then the act can still be taken back. */
  from_ms: number
}

export interface Shelf {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

export interface OutboxHooks {
  send: (act: NamedAct) => Promise<Done>
  changed: (waiting: readonly Waiting[]) => void
  done: (act: NamedAct, done: Done) => void
  /** The server will never do it; the act is gone from the box. */
  refused: (act: NamedAct, error: CallError) => void
}

const RETRY_MS = 2_000

/** A name that no other act has; `crypto.randomUUID` is missing where the page came over plain HTTP. */
export function actId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export class Outbox {
  #waiting: Waiting[]
  #sending = false
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #hooks: OutboxHooks
  readonly #shelf: Shelf
  readonly #key: string

  constructor(hooks: OutboxHooks, shelf: Shelf, key: string) {
    this.#hooks = hooks
    this.#shelf = shelf
    this.#key = key
    this.#waiting = JSON.parse(shelf.getItem(key) ?? '[]') as Waiting[]
  }

  get waiting(): readonly Waiting[] {
    return this.#waiting
  }

  /** Put an act in the box, to be sent at once or after a time in which it can be taken back. */
  put(act: Act, after_ms = 0): string {
    const act_id = actId()
    // Where a patrol was before is of no use to anybody once it is known where it is.
    const others = this.#waiting.filter((each) => act.type !== 'report_position' || each.act.type !== act.type)
    this.#keep([...others, { act: { ...act, act_id }, from_ms: Date.now() + after_ms }])
    void this.flush()
    return act_id
  }

  /** Take an act back. False where it has been sent already. */
  takeBack(act_id: string): boolean {
    const left = this.#waiting.filter((each) => each.act.act_id !== act_id)
    const found = left.length < this.#waiting.length
    if (found) this.#keep(left)
    return found
  }

  /** Send all that waits, second thoughts or not; what the server does not take now goes on waiting. */
  async settle(): Promise<void> {
    this.#keep(this.#waiting.map((each) => ({ ...each, from_ms: 0 })))
    await this.flush()
  }

  /** Send what is due; called again by itself while anything waits. */
  async flush(): Promise<void> {
    if (this.#sending) return
    this.#sending = true
    let wait = 0
    for (let next = this.#due(); next && !wait; next = this.#due()) wait = await this.#one(next)
    this.#sending = false
    this.#later(wait)
  }

  #due(): Waiting | undefined {
    return this.#waiting.find((each) => each.from_ms <= Date.now())
  }

  async #one({ act }: Waiting): Promise<number> {
    try {
      const done = await this.#hooks.send(act)
      this.takeBack(act.act_id)
      this.#hooks.done(act, done)
    } catch (error) {
      const failed = error instanceof CallError ? error : new CallError('server', String(error))
      if (failed.passing) return Math.max(RETRY_MS, failed.retry_s * 1_000)
      if (failed.failure === 'signed_out') return RETRY_MS
      this.takeBack(act.act_id)
      this.#hooks.refused(act, failed)
    }
    return 0
  }

  #later(wait_ms: number): void {
    clearTimeout(this.#timer)
    if (!this.#waiting.length) return
    const soonest = Math.min(...this.#waiting.map((each) => each.from_ms)) - Date.now()
    this.#timer = setTimeout(() => void this.flush(), Math.max(wait_ms, soonest, 20))
  }

  #keep(waiting: Waiting[]): void {
    this.#waiting = waiting
    this.#shelf.setItem(this.#key, JSON.stringify(waiting))
    this.#hooks.changed(waiting)
  }
}
