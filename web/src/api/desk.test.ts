import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DeskStore } from './desk.svelte'

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
