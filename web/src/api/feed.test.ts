import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Feed, waitMs } from './feed'
import type { FeedMessage } from './types'

class Socket {
  static readonly OPEN = 1
  static all: Socket[] = []
  readyState = 1
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  constructor(readonly address: URL) {
    Socket.all.push(this)
  }
  close(): void {
    this.readyState = 3
    this.onclose?.({ code: 1000 })
  }
  say(message: Partial<FeedMessage>): void {
    this.onmessage?.({ data: JSON.stringify(message) })
  }
}

beforeEach(() => {
  vi.useFakeTimers()
  Socket.all = []
  const page = { location: { href: 'http://desk.test/' }, addEventListener: vi.fn(), removeEventListener: vi.fn() }
  vi.stubGlobal('window', { ...page, setInterval, clearInterval, setTimeout, clearTimeout })
  vi.stubGlobal('WebSocket', Socket)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function feed(since: number | null = null) {
  const hooks = { since: () => since, message: vi.fn(), link: vi.fn(), signedOut: vi.fn() }
  return { hooks, feed: new Feed(hooks) }
}

const pulse = { type: 'pulse', sequence: 1, now_ns: 1 } as const

describe('the change feed', () => {
  it('asks for everything first, and afterwards for what came since', () => {
    feed().feed.start()
    feed(41).feed.start()
    expect(Socket.all.map((socket) => socket.address.href)).toEqual([
      'ws://desk.test/api/feed',
      'ws://desk.test/api/feed?since=41',
    ])
  })

  it('tries again after the server is gone, and says when it was last heard', () => {
    const { hooks, feed: one } = feed()
    one.start()
    Socket.all[0]?.say(pulse)
    const heard = Date.now()
    vi.advanceTimersByTime(700)
    Socket.all[0]?.close()
    expect(hooks.link).toHaveBeenLastCalledWith(false, heard)
    vi.advanceTimersByTime(1_000)
    expect(Socket.all).toHaveLength(2)
    Socket.all[1]?.say(pulse)
    expect(hooks.link).toHaveBeenLastCalledWith(true, Date.now())
  })

  it('takes a silent server for a gone one, though its connection stands', () => {
    const { hooks, feed: one } = feed()
    one.start()
    Socket.all[0]?.say(pulse)
    vi.advanceTimersByTime(7_000)
    expect(hooks.link).toHaveBeenLastCalledWith(false, expect.any(Number))
    expect(Socket.all.length).toBeGreaterThan(1)
  })

  it('does not knock again where nobody is signed in', () => {
    const { hooks, feed: one } = feed()
    one.start()
    Socket.all[0]?.onclose?.({ code: 4401 })
    vi.advanceTimersByTime(60_000)
    expect(hooks.signedOut).toHaveBeenCalledOnce()
    expect(Socket.all).toHaveLength(1)
  })

  it('waits longer each time, and never for more than eight seconds', () => {
    const waits = [0, 1, 2, 3, 4, 5, 20].map((tries) => waitMs(tries, 1))
    expect(waits).toEqual([400, 800, 1_600, 3_200, 6_400, 8_000, 8_000])
    expect(waitMs(20, 0)).toBeGreaterThan(4_000)
  })
})
