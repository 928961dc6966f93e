import { describe, expect, it } from 'vitest'
import { area_m2, axes95, between, EnuFrame, mercator, mercatorPerMetre, unmercator } from './geodesy'
import known from './geodesy.fixture.json'

describe('the site frame', () => {
  for (const { origin, points } of known) {
    const [latitude_deg = 0, longitude_deg = 0, height_m = 0] = origin
    const frame = new EnuFrame({ latitude_deg, longitude_deg, height_m })
    it(`is the server's own at ${latitude_deg}, ${longitude_deg}`, () => {
      for (const [east = 0, north = 0, up = 0, latitude = 0, longitude = 0, height = 0] of points) {
        const found = frame.position(east, north, up)
        expect(found.latitude_deg).toBeCloseTo(latitude, 10)
        expect(found.longitude_deg).toBeCloseTo(longitude, 10)
        expect(found.height_m).toBeCloseTo(height, 5)
        const back = frame.enu(found)
        expect(back[0]).toBeCloseTo(east, 5)
        expect(back[1]).toBeCloseTo(north, 5)
        expect(back[2]).toBeCloseTo(up, 5)
        expect(Math.abs(frame.up(east, north, height) - up)).toBeLessThan(0.25)
      }
    })
  }
})

describe('the ellipse of 95 %', () => {
  it('lies along the axes of the covariance', () => {
    const [long, short] = axes95({ east_m2: 100, east_north_m2: 0, north_m2: 25 })
    expect(long[0]).toBeCloseTo(24.4775, 3)
    expect(long[1]).toBeCloseTo(0, 9)
    expect(Math.abs(short[1])).toBeCloseTo(12.2387, 3)
  })

  it('has every point of its edge at the same distance by the covariance', () => {
    const covariance = { east_m2: 340, east_north_m2: -210, north_m2: 190 }
    const determinant = 340 * 190 - 210 * 210
    const [long, short] = axes95(covariance)
    for (let k = 0; k < 24; k++) {
      const [c, s] = [Math.cos(k), Math.sin(k)]
      const [e, n] = [c * long[0] + s * short[0], c * long[1] + s * short[1]]
      const squared = (190 * e * e + 2 * 210 * e * n + 340 * n * n) / determinant
      expect(squared).toBeCloseTo(5.99146, 4)
    }
  })
})

describe('the square map', () => {
  it('leads back to where it came from', () => {
    const back = unmercator(mercator(34.46, 40.95))
    expect(back.latitude_deg).toBeCloseTo(34.46, 10)
    expect(back.longitude_deg).toBeCloseTo(40.95, 10)
  })

  it('puts the zero point in its middle and keeps metres', () => {
    expect(mercator(0, 0)).toEqual([0.5, 0.5])
    const [x] = mercator(34.46, 40.95)
    const frame = new EnuFrame({ latitude_deg: 34.46, longitude_deg: 40.95 })
    const east = frame.position(100, 0)
    expect((mercator(east.latitude_deg, east.longitude_deg)[0] - x) / mercatorPerMetre(34.46)).toBeCloseTo(100, 0)
  })
})

describe('measuring', () => {
  it('tells distance, bearing and area', () => {
    const home = { latitude_deg: 34.46, longitude_deg: 40.95 }
    const frame = new EnuFrame(home)
    const corners = [frame.position(0, 0), frame.position(300, 0), frame.position(300, 400), frame.position(0, 400)]
    const [first, , third] = corners
    if (!first || !third) throw new Error('a corner is missing')
    const found = between(first, third)
    expect(found.distance_m).toBeCloseTo(500, 1)
    expect((found.azimuth_rad * 180) / Math.PI).toBeCloseTo(36.87, 2)
    expect(area_m2(corners)).toBeCloseTo(120_000, -1)
    expect(area_m2([])).toBe(0)
  })
})
