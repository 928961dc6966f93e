import { describe, expect, it } from 'vitest'
import { wallOf } from './wall'

describe('the wall', () => {
  it('uses the room there is, whether of three cameras or of sixteen', () => {
    expect(wallOf(1, 634, 560)).toEqual({ columns: 1, tile_px: 618 })
    expect(wallOf(3, 634, 560).columns).toBe(2)
    expect(wallOf(3, 634, 560).tile_px).toBeGreaterThan(280)
    expect(wallOf(3, 1900, 600).columns).toBe(3)
    expect(wallOf(16, 1900, 1000).columns).toBe(6)
  })

  it('lets no picture out of the room, unless all would be too small to see anything', () => {
    for (let count = 1; count <= 24; count++) {
      for (const [width, height] of [[634, 560], [1200, 900], [2500, 1300]] as const) {
        const { columns, tile_px } = wallOf(count, width, height)
        expect(columns * (tile_px + 8) + 8).toBeLessThanOrEqual(width)
        const tall = Math.ceil(count / columns) * (tile_px / 1.25 + 36 + 8) + 8
        const fitting = [...Array(count).keys()].some((k) => {
          const rows = Math.ceil(count / (k + 1))
          return (width - 8) / (k + 1) >= 184 && (height - 8) / rows >= 176 / 1.25 + 44
        })
        expect(tall <= height).toBe(fitting)
        expect(tile_px).toBeGreaterThanOrEqual(176)
      }
    }
  })

  it('scrolls on a phone rather than show stamps', () => {
    expect(wallOf(16, 390, 600)).toEqual({ columns: 2, tile_px: 183 })
  })
})
