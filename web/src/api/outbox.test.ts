import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CallError } from './client'
import { actId, Outbox, type OutboxHooks } from './outbox'
import type { Done, NamedAct } from './types'

const DONE: Done = { sequence: 1, events: [] }
const NOTE = { type: 'note_shift', text: 'x' } as const

function shelf() {
  const kept = new Map<string, string>()
  return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) }
}

function hooks(send: (act: NamedAct) => Promise<Done>): OutboxHooks {
  return { send, changed: vi.fn(), done: vi.fn(), refused: vi.fn() }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('the outbox', () => {
  it('keeps acts through a dead link, then sends each of them in order', async () => {
    let up = false
    const sent: string[] = []
    const given = hooks(async (act) => {
      if (!up) throw new CallError('offline', '')
      sent.push(act.act_id)
      return DONE
    })
    const box = new Outbox(given, shelf(), 'k')
    const ids = ['1', '2', '3'].map((text) => box.put({ ...NOTE, text }))
    await vi.advanceTimersByTimeAsync(30_000)
    expect([sent, box.waiting.length]).toEqual([[], 3])
    up = true
    await vi.advanceTimersByTimeAsync(5_000)
    expect([sent, box.waiting.length]).toEqual([ids, 0])
  })

  it('sends the same act_id again when the answer was lost on the way', async () => {
    const heard: string[] = []
    const box = new Outbox(
      hooks(async (act) => {
        heard.push(act.act_id)
        if (heard.length === 1) throw new CallError('offline', '')
        return DONE
      }),
      shelf(),
      'k',
    )
    const id = box.put(NOTE)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(heard).toEqual([id, id])
  })

  it('still holds after a reload what was not sent before it', async () => {
    const kept = shelf()
    const dead = new Outbox(
      hooks(() => Promise.reject(new CallError('offline', ''))),
      kept,
      'k',
    )
    const id = dead.put(NOTE)
    await vi.advanceTimersByTimeAsync(0)
    const sent: string[] = []
    const alive = new Outbox(
      hooks(async (act) => (sent.push(act.act_id), DONE)),
      kept,
      'k',
    )
    await alive.flush()
    expect(sent).toEqual([id])
  })

  it('sends at once what still waited for second thoughts when its officer leaves', async () => {
    const sent: string[] = []
    const box = new Outbox(
      hooks(async (act) => (sent.push(act.act_id), DONE)),
      shelf(),
      'k',
    )
    const id = box.put(NOTE, 6_000)
    expect(sent).toEqual([])
    await box.settle()
    expect([sent, box.waiting.length]).toEqual([[id], 0])
  })

  it('says so and goes on when the server refuses', async () => {
    const given = hooks(async (act) => {
      if (act.type === 'note_shift' && act.text === 'bad') throw new CallError('refused', 'a rule')
      return DONE
    })
    const box = new Outbox(given, shelf(), 'k')
    box.put({ ...NOTE, text: 'bad' })
    box.put(NOTE)
    await vi.advanceTimersByTimeAsync(0)
    expect(given.refused).toHaveBeenCalledOnce()
    expect(given.done).toHaveBeenCalledOnce()
    expect(box.waiting).toEqual([])
  })

  it('lets an act be taken back until it goes', async () => {
    const send = vi.fn(async () => DONE)
    const box = new Outbox(hooks(send), shelf(), 'k')
    const id = box.put(NOTE, 6_000)
    await vi.advanceTimersByTimeAsync(5_900)
    expect(send).not.toHaveBeenCalled()
    expect(box.takeBack(id)).toBe(true)
    box.put(NOTE, 6_000)
    await vi.advanceTimersByTimeAsync(6_100)
    expect(send).toHaveBeenCalledOnce()
    expect(box.takeBack(id)).toBe(false)
  })

  it('keeps only the newest of a patrol’s own positions', () => {
    const box = new Outbox(
      hooks(() => Promise.reject(new CallError('offline', ''))),
      shelf(),
      'k',
    )
    const position = { latitude_deg: 34, longitude_deg: 41 }
    for (const time_ns of [1, 2, 3]) box.put({ type: 'report_position', patrol_id: 'P', position, sigma_m: 5, time_ns })
    expect(box.waiting.map(({ act }) => act.type === 'report_position' && act.time_ns)).toEqual([3])
  })

  it('never gives two acts the same name', () => {
    expect(new Set(Array.from({ length: 2_000 }, actId)).size).toBe(2_000)
  })
})
