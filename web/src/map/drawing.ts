/** Lines and areas that the officer draws on the map and can change; they stay in this browser. */
import type { Map as MapLibre } from 'maplibre-gl'
import {
  TerraDraw,
  TerraDrawLineStringMode,
  TerraDrawPolygonMode,
  TerraDrawSelectMode,
  type GeoJSONStoreFeatures,
  type HexColor,
} from 'terra-draw'
import { TerraDrawMapLibreGLAdapter } from 'terra-draw-maplibre-gl-adapter'
import type { Position } from '../api/types'
import { measured, type Measures } from './measure'
import type { Drawn } from './overlay'
import type { Palette } from './palette'

export type DrawMode = 'linestring' | 'polygon' | 'select'

const position = ([longitude_deg = 0, latitude_deg = 0]: number[]): Position => ({ latitude_deg, longitude_deg })

export class Drawing {
  readonly #draw: TerraDraw
  readonly #words: Measures

  constructor(map: MapLibre, palette: Palette, words: Measures, changed: (drawn: Drawn[]) => void) {
    this.#words = words
    const line = palette.accent as HexColor
    const point = palette.focus as HexColor
    const styles = { lineStringColor: line, lineStringWidth: 2, closingPointColor: point }
    const flags = { feature: { draggable: true, coordinates: { midpoints: true, draggable: true, deletable: true } } }
    this.#draw = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map, prefixId: 'drawn' }),
      modes: [
        new TerraDrawLineStringMode({ styles }),
        new TerraDrawPolygonMode({
          styles: { fillColor: line, fillOpacity: 0.1, outlineColor: line, outlineWidth: 2, closingPointColor: point },
        }),
        new TerraDrawSelectMode({ flags: { linestring: flags, polygon: flags } }),
      ],
    })
    this.#draw.start()
    this.#draw.on('change', () => changed(this.drawn()))
  }

  set mode(mode: DrawMode) {
    this.#draw.setMode(mode)
  }

  /** The drawings' words; the lines themselves are terra-draw's. */
  drawn(): Drawn[] {
    return this.#draw.getSnapshot().flatMap((feature) => this.#words_of(feature))
  }

  clear(): void {
    this.#draw.clear()
  }

  /** Let the pointer go; what was drawn stays. */
  rest(): void {
    this.#draw.setMode('static')
  }

  close(): void {
    this.#draw.stop()
  }

  #words_of({ geometry, properties }: GeoJSONStoreFeatures): Drawn[] {
    if (properties.mode !== 'linestring' && properties.mode !== 'polygon') return []
    if (geometry.type === 'LineString') return [hollow(measured(geometry.coordinates.map(position), this.#words))]
    if (geometry.type !== 'Polygon') return []
    const ring = (geometry.coordinates[0] ?? []).slice(0, -1).map(position)
    return [hollow(measured(ring, this.#words, true))]
  }
}

const hollow = (drawn: Drawn): Drawn => ({ ...drawn, points: [] })
