/** The change feed: kept open, resumed by sequence after every break, and honest about when the server was last heard. */
import type { FeedMessage } from './types'

export interface FeedHooks {
  /** The sequence to resume after, or null for everything. */
  since: () => number | null
  message: (message: FeedMessage) => void
  /** Whether the server is there; `heard_ms` is when it last was, in the browser's time. */
  link: (up: boolean, heard_ms: number) => void
  /** The server said that nobody is signed in. */
  signedOut: () => void
}

/** So long without a word (the server pulses once a second) is a server that is gone. */
const SILENT_MS = 5_000
const FIRST_WAIT_MS = 400
const LONGEST_WAIT_MS = 8_000
const SIGNED_OUT = new Set([4401, 4403])
/** The server does not know what to resume after. */
const BAD_SINCE = 4400

/** How long to wait before the nth try; `random` spreads many browsers that lost the same server. */
export const waitMs = (tries: number, random: number): number =>
  Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries) * (0.6 + 0.4 * random)

export class Feed {
  #socket: WebSocket | null = null
  #timer = 0
  #watch = 0
  #tries = 0
  #heard = Date.now()
  #stopped = false
  #anew = false
  readonly #hooks: FeedHooks

  constructor(hooks: FeedHooks) {
    this.#hooks = hooks
  }

  start(): void {
    this.#stopped = false
    this.#watch = window.setInterval(() => this.#notice(), 1_000)
    window.addEventListener('online', this.#again)
    this.#open()
  }

  stop(): void {
    this.#stopped = true
    window.clearInterval(this.#watch)
    window.clearTimeout(this.#timer)
    window.removeEventListener('online', this.#again)
    this.#socket?.close()
  }

  #again = (): void => {
    this.#tries = 0
    if (!this.#socket) this.#open()
  }

  #open(): void {
    window.clearTimeout(this.#timer)
    if (this.#stopped || this.#socket) return
    const since = this.#anew ? null : this.#hooks.since()
    this.#anew = false
    const address = new URL('/api/feed', window.location.href)
    address.protocol = address.protocol.replace('http', 'ws')
    if (since !== null) address.searchParams.set('since', String(since))
    const socket = new WebSocket(address)
    this.#socket = socket
    socket.onmessage = (event) => this.#take(socket, String(event.data))
    socket.onclose = (event) => this.#closed(socket, event.code)
  }

  #take(socket: WebSocket, text: string): void {
    if (socket !== this.#socket) return
    this.#tries = 0
    this.#heard = Date.now()
    this.#hooks.message(JSON.parse(text) as FeedMessage)
    this.#hooks.link(true, this.#heard)
  }

  #closed(socket: WebSocket, code: number): void {
    if (socket !== this.#socket) return
    this.#socket = null
    this.#hooks.link(false, this.#heard)
    if (this.#stopped) return
    this.#anew = code === BAD_SINCE
    if (SIGNED_OUT.has(code)) {
      this.#hooks.signedOut()
      return
    }
    this.#timer = window.setTimeout(() => this.#open(), waitMs(this.#tries++, Math.random()))
  }

  #notice(): void {
    const silent = Date.now() - this.#heard > SILENT_MS
    if (!silent || this.#socket?.readyState !== WebSocket.OPEN) return
    const socket = this.#socket
    this.#closed(socket, 0)
    socket.close()
  }
}
