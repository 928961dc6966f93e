import { parse, type Message } from './message'

export interface FeedOptions {
  /** Address under `/api`, given anew at every attempt. */
  url: () => string
  message: (message: Message) => void
  state: (open: boolean) => void
  /** How long before another attempt, by the number of failures in a row. */
  wait_ms?: (failures: number) => number
}

/** Half a second, then twice as long each time up to ten, less up to a third by chance. */
export function waitMs(failures: number, random: number = Math.random()): number {
  return Math.min(10_000, 500 * 2 ** Math.min(failures, 10)) * (1 - random / 3)
}

export function socketUrl(path: string, location: Location = window.location): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api${path}`
}

/** Film over a socket, kept open; says how many pictures have arrived, so that the server runs only a little ahead. */
export class FilmFeed {
  private socket: WebSocket | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private failures = 0
  private arrived = 0
  private ended = false

  constructor(private readonly options: FeedOptions) {
    this.open()
  }

  send(command: Record<string, number>): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(command))
  }

  close(): void {
    this.ended = true
    clearTimeout(this.timer)
    this.socket?.close()
  }

  private open(): void {
    const socket = new WebSocket(this.options.url())
    socket.binaryType = 'arraybuffer'
    this.socket = socket
    this.arrived = 0
    socket.onopen = () => this.options.state(true)
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => {
      this.failures = 0
      this.arrived++
      this.send({ got: this.arrived })
      this.options.message(parse(event.data))
    }
    socket.onclose = () => this.again()
  }

  private again(): void {
    if (this.ended) return
    this.options.state(false)
    this.timer = setTimeout(() => this.open(), (this.options.wait_ms ?? waitMs)(this.failures++))
  }
}
