import { describe, expect, it } from 'vitest'
import { Pairing } from './decode'
import { delayMs } from './delay'
import { waitMs } from './feed'
import { codecName, fromBase64, parse, type Header } from './message'
import { curves, EVEN, nextPalette } from './palette'
import { boxOf, bounded, fitted, grown, labelPlace, overlap, panned, placed, visible, WHOLE, zoomed } from './view'

const header: Header = { time_ns: 1.7e18, codec: 'h264', key: true, width: 640, height: 512, marks: [] }

function message(head: object, data: number[]): ArrayBuffer {
  const text = new TextEncoder().encode(JSON.stringify(head))
  const bytes = new Uint8Array(4 + text.length + data.length)
  new DataView(bytes.buffer).setUint32(0, text.length, true)
  bytes.set(text, 4)
  bytes.set(data, 4 + text.length)
  return bytes.buffer
}

describe('messages', () => {
  it('are a header and a picture', () => {
    const { header: read, data } = parse(message(header, [1, 2, 3]))
    expect(read).toEqual(header)
    expect([...data]).toEqual([1, 2, 3])
  })

  it('that are cut short are refused', () => {
    expect(() => parse(message(header, []).slice(0, 20))).toThrow(RangeError)
    expect(() => parse(new ArrayBuffer(2))).toThrow(RangeError)
  })

  it('name their codec as the decoder wants it', () => {
    expect(codecName(fromBase64(btoa('\x01\x64\x00\x1f\xff')))).toBe('avc1.64001f')
  })
})

describe('pairing', () => {
  it('gives each picture its own header, in whatever order they come out', () => {
    const pairing = new Pairing()
    const stamps = [0, 1, 2].map((number) => pairing.add({ ...header, time_ns: number }))
    expect(stamps.reverse().map((stamp) => pairing.take(stamp)?.time_ns)).toEqual([2, 1, 0])
    expect(pairing.take(stamps[0] ?? 0)).toBeUndefined()
  })

  it('forgets what never comes out', () => {
    const pairing = new Pairing(4)
    const first = pairing.add(header)
    for (let count = 0; count < 4; count++) pairing.add(header)
    expect(pairing.take(first)).toBeUndefined()
  })
})

describe('zoom', () => {
  it('keeps the point under the hand where it is', () => {
    const picture = { width: 640, height: 512 }
    const area = { x: 0, y: 0, w: 1000, h: 800 }
    const at = { x: 0.7, y: 0.4 }
    const before = visible(picture, WHOLE)
    const point = { x: before.x + at.x * before.w, y: before.y + at.y * before.h, w: 0, h: 0 }
    const after = placed(point, visible(picture, zoomed(WHOLE, 3, at)), area)
    expect(after.x).toBeCloseTo(700)
    expect(after.y).toBeCloseTo(320)
  })

  it('never shows what lies beyond the picture', () => {
    for (const zoom of [panned(WHOLE, 5, -5), panned(zoomed(WHOLE, 4, { x: 0, y: 1 }), 9, 9), bounded({ x: -1, y: 2, factor: 99 })]) {
      const seen = visible({ width: 640, height: 512 }, zoom)
      expect(seen.x).toBeGreaterThanOrEqual(-1e-9)
      expect(seen.y + seen.h).toBeLessThanOrEqual(512 + 1e-9)
    }
    expect(zoomed(zoomed(WHOLE, 4, { x: 0.1, y: 0.1 }), 0.01, { x: 0.9, y: 0.9 })).toEqual(WHOLE)
  })

  it('keeps the shape of the picture', () => {
    expect(fitted({ width: 640, height: 512 }, { width: 1280, height: 512 })).toEqual({ x: 320, y: 0, w: 640, h: 512 })
  })
})

describe('labels', () => {
  const area = { x: 0, y: 0, w: 640, h: 512 }
  const size = { width: 60, height: 14 }

  it('never lie on a target or on each other', () => {
    let seed = 7
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647
    for (let round = 0; round < 200; round++) {
      const boxes = Array.from({ length: 12 }, () => grown({ x: random() * 600, y: random() * 480, w: random() * 60, h: random() * 60 }))
      const taken = [...boxes]
      for (const box of boxes) {
        const place = labelPlace(box, size, taken, area)
        if (!place) continue
        expect(taken.some((other) => overlap(place, other))).toBe(false)
        expect(place.x >= 0 && place.y >= 0 && place.x + place.w <= 640 && place.y + place.h <= 512).toBe(true)
        taken.push(place)
      }
    }
  })

  it('have a place in every corner', () => {
    for (const x of [0, 630]) for (const y of [0, 500]) {
      const box = { x, y, w: 10, h: 12 }
      expect(labelPlace(box, size, [box], area)).toBeDefined()
    }
  })

  it('stand beside boxes that are off the target', () => {
    const box = grown(boxOf({ track_id: 1, kind: 'person', status: 'confirmed', x_px: 100, y_px: 100, w_px: 2, h_px: 4 }))
    expect(box.x).toBeLessThanOrEqual(97)
    expect(box.w).toBeGreaterThanOrEqual(12)
  })
})

describe('palettes', () => {
  const lightness = (colour: number) => {
    const [red = 0, green = 0, blue = 0] = [16, 8, 0].map((shift) => {
      const share = ((colour >> shift) & 255) / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    const y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y
  }

  it('leave white-hot alone, and turn it round for black-hot', () => {
    expect(curves('white')).toBeUndefined()
    expect(curves('black')).toEqual(['1 0', '1 0', '1 0'])
  })

  it('climb evenly in lightness where they are in colour', () => {
    const steps = EVEN.slice(1).map((colour, at) => lightness(colour) - lightness(EVEN[at] ?? 0))
    const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length
    expect(Math.max(...steps.map((step) => Math.abs(step / mean - 1)))).toBeLessThan(1 / 3)
    expect(curves('even')?.[0].split(' ')).toHaveLength(17)
  })

  it('follow one another', () => {
    expect(['white', 'black', 'even'].map((each) => nextPalette(each as 'white'))).toEqual(['black', 'even', 'white'])
  })
})

describe('time', () => {
  it('is the server\'s', () => {
    expect(delayMs(5e9, 4900, 150)).toBe(50)
  })

  it('between attempts grows to ten seconds', () => {
    expect(waitMs(0, 0)).toBe(500)
    expect(waitMs(3, 0)).toBe(4000)
    expect(waitMs(20, 0)).toBe(10_000)
    expect(waitMs(20, 1)).toBeCloseTo(6666.7, 0)
  })
})
