import { describe, expect, it } from 'vitest'
import { EnuFrame } from './geodesy'
import { measured } from './measure'

const frame = new EnuFrame({ latitude_deg: 34.46, longitude_deg: 40.95 })
const words = {
  distance: (metres: number) => `${metres.toFixed(0)} m`,
  bearing: (azimuth: number) => `${((azimuth * 180) / Math.PI).toFixed(0)}°`,
  area: (metres: number) => `${(metres / 1e4).toFixed(1)} ha`,
}

describe('what is measured', () => {
  it('has a length and bearing on each leg and the whole length at the end', () => {
    const line = measured([frame.position(0, 0), frame.position(1, 300), frame.position(401, 300)], words)
    expect(line.labels.map(({ text }) => text.replace(/[\u2068\u2069]/g, ''))).toEqual(['300 m · 0°', '400 m · 90°', '700 m'])
    expect(line.points).toHaveLength(3)
  })

  it('has no words before it has a second point', () => {
    expect(measured([frame.position(0, 0)], words).labels).toEqual([])
    expect(measured([], words).labels).toEqual([])
  })

  it('closes areas and tells their size in the middle', () => {
    const corners = [frame.position(0, 0), frame.position(200, 0), frame.position(200, 100), frame.position(0, 100)]
    const area = measured(corners, words, true)
    expect(area.labels).toHaveLength(5)
    expect(area.labels.at(-1)?.text).toBe('2.0 ha')
  })
})
