import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DeskStore } from './desk.svelte'
import { modelOf } from './model'
import type { DeskState, PictureTrack } from './types'

const SHELF = { getItem: () => null, setItem: () => undefined }

beforeEach(() => vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed to fetch'))))
afterEach(() => void vi.unstubAllGlobals())

describe('the past that cannot be read', () => {
  it('is said and leaves the screen as it was', async () => {
    const desk = new DeskStore(SHELF)
    desk.onunread = vi.fn()
    await desk.replayFrom(1e18)
    expect(desk.replay).toBeNull()
    expect(desk.onunread).toHaveBeenCalledWith(expect.objectContaining({ failure: 'offline' }))
  })
})

describe('the track that is looked at', () => {
  const brief = { track_id: 'T1', existence: 0.9, brief: true } as PictureTrack
  const told = (...tracks: PictureTrack[]) => modelOf({ sequence: 1, picture: { time_ns: 1, tracks } } as DeskState)

  it('is asked for where the feed has told it in brief, and shown where it is by now', async () => {
    const whole = { track_id: 'T1', existence: 0.5, approaches: [{ line_id: 'L1' }] }
    const asked = vi.fn((_: string) => Promise.resolve(new Response(JSON.stringify(whole))))
    vi.stubGlobal('fetch', asked)
    const desk = new DeskStore(SHELF)
    desk.live = told(brief, { ...brief, track_id: 'T2' })
    desk.look('T1')
    await vi.waitFor(() => expect(desk.live?.tracks.get('T1')?.approaches).toEqual([{ line_id: 'L1' }]))
    expect(desk.live.tracks.get('T1')?.existence).toBe(0.9)
    expect(desk.live.tracks.get('T2')).not.toHaveProperty('approaches')
    expect(asked.mock.calls.map(([path]) => path)).toEqual(['/api/tracks/T1'])
  })

  it('is not asked for where all is known, and stays as it is where the server is silent', async () => {
    const asked = vi.fn(() => Promise.reject(new TypeError('failed to fetch')))
    vi.stubGlobal('fetch', asked)
    const desk = new DeskStore(SHELF)
    desk.live = told({ ...brief, brief: false })
    desk.look('T1')
    desk.look('')
    expect(asked).not.toHaveBeenCalled()
    desk.live = told(brief)
    desk.look('T1')
    await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce())
    expect(desk.live.tracks.get('T1')).toEqual(brief)
  })
})
