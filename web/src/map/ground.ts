/** The map itself: MapLibre below, the overlay above, and what joins them. */
import {
  addProtocol,
  Map as MapLibre,
  setWorkerUrl,
  type CustomLayerInterface,
  type GeoJSONSource,
  type MapMouseEvent,
  type PaddingOptions,
} from 'maplibre-gl'
import 'maplibre-gl/dist/maplibre-gl.css'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { PMTiles, Protocol, TileType } from 'pmtiles'
import type { Position } from '../api/types'
import type { Layers } from '../ui/selection'
import { Overlay } from './overlay'
import { readPalette, type Palette } from './palette'
import { beyond, NOTHING, redress, showLayers, styleOf, type BaseMap, type ShapeSource } from './style'
import type { MapFacts } from './types'

setWorkerUrl(workerUrl)

let protocol: Protocol | null = null

/** What the user's base map holds, asked of its own header. */
async function baseMap(): Promise<BaseMap> {
  protocol ??= new Protocol()
  addProtocol('pmtiles', protocol.tile)
  const tiles = new PMTiles(`${window.location.origin}/api/map/base.pmtiles`)
  protocol.add(tiles)
  const header = await tiles.getHeader()
  if (header.tileType !== TileType.Mvt) return { raster: true, names: [] }
  const metadata = (await tiles.getMetadata()) as { vector_layers?: { id: string }[] }
  return { raster: false, names: (metadata.vector_layers ?? []).map(({ id }) => id) }
}

export const EXAGGERATION = 1

export class Ground {
  readonly map: MapLibre
  readonly overlay: Overlay
  readonly facts: MapFacts
  readonly #host: HTMLElement
  readonly #resized: ResizeObserver
  readonly #rethemed: MutationObserver
  #waiting = 0
  #gone = false
  #solid = false
  /** Called when the theme has changed, with its colours. */
  onretheme: (palette: Palette) => void = () => {}

  /** The map in an element with its overlay, once it can be drawn on. */
  static async open(host: HTMLElement, canvas: HTMLCanvasElement, facts: MapFacts, label: string): Promise<Ground> {
    const base = facts.base_map ? await baseMap().catch(() => null) : null
    const ground = new Ground(host, canvas, facts, base, label)
    await new Promise<void>((ready) => ground.map.once('load', () => ready()))
    ground.#begin()
    return ground
  }

  private constructor(host: HTMLElement, canvas: HTMLCanvasElement, facts: MapFacts, base: BaseMap | null, label: string) {
    const palette = readPalette(host)
    this.#host = host
    this.facts = facts
    this.overlay = new Overlay(canvas, palette, this.#screen())
    this.map = new MapLibre({
      container: host,
      style: styleOf(facts, base, palette),
      center: [(facts.west_deg + facts.east_deg) / 2, (facts.south_deg + facts.north_deg) / 2],
      zoom: 12,
      minZoom: 6,
      maxZoom: 19,
      maxPitch: 75,
      attributionControl: false,
      dragRotate: true,
      locale: { 'Map.Title': label },
      fadeDuration: 0,
      canvasContextAttributes: { antialias: true },
    })
    this.#resized = new ResizeObserver(() => {
      this.overlay.resize(this.#screen())
      this.soon()
    })
    this.#rethemed = new MutationObserver(() => this.retheme())
  }

  get #dom(): HTMLElement {
    return document.documentElement
  }

  #screen(): { width: number; height: number; ratio: number } {
    const { clientWidth, clientHeight } = this.#host
    return { width: Math.max(clientWidth, 1), height: Math.max(clientHeight, 1), ratio: window.devicePixelRatio || 1 }
  }

  #begin(): void {
    const { map, overlay } = this
    this.shape('beyond', beyond(this.facts))
    const above: CustomLayerInterface = {
      id: 'overlay',
      type: 'custom',
      renderingMode: '3d',
      render: (_, { defaultProjectionData }) => {
        const matrix = defaultProjectionData.mainMatrix as ArrayLike<number>
        if (overlay.moved(matrix)) overlay.draw(matrix)
      },
    }
    map.addLayer(above)
    // All of it stands on the ground: a height that was told is of another survey, or none at all, and would sink it.
    overlay.lift = ({ latitude_deg, longitude_deg }) =>
      this.solid ? (map.queryTerrainElevation([longitude_deg, latitude_deg]) ?? 0) : 0
    this.#resized.observe(this.#host)
    this.#rethemed.observe(this.#dom, { attributes: true, attributeFilter: ['data-theme', 'dir', 'lang', 'class'] })
    void document.fonts?.ready.then(() => this.retheme())
  }

  /** Whether the ground is drawn in three dimensions. */
  get solid(): boolean {
    return this.#solid
  }

  set solid(on: boolean) {
    this.#solid = on
    this.map.setTerrain(on ? { source: 'solid', exaggeration: EXAGGERATION } : null)
    this.map.easeTo({ pitch: on ? 60 : 0, duration: 600 })
  }

  /** Draw the overlay anew before the next picture. */
  soon(): void {
    if (this.#waiting || this.#gone) return
    this.#waiting = requestAnimationFrame(() => {
      this.#waiting = 0
      this.overlay.draw()
    })
  }

  shape(name: ShapeSource, data: GeoJSON.FeatureCollection = NOTHING): void {
    void (this.map.getSource(name) as GeoJSONSource | undefined)?.setData(data)
  }

  show(layers: Layers): void {
    showLayers(this.map, layers)
  }

  retheme(): void {
    if (this.#gone) return
    const palette = readPalette(this.#host)
    redress(this.map, this.facts, palette)
    this.overlay.dress(palette)
    this.onretheme(palette)
    this.soon()
  }

  fit(bounds: [[number, number], [number, number]], padding: number | PaddingOptions = 60): void {
    this.map.fitBounds(bounds, { padding, maxZoom: 15.5, duration: 500, bearing: 0 })
  }

  /** Bring a place into view, if it is not well within it already. */
  reveal({ latitude_deg, longitude_deg }: Position, always = false): void {
    const { x, y } = this.map.project([longitude_deg, latitude_deg])
    const { width, height } = this.#screen()
    const margin = Math.min(width, height) / 6
    const inside = x > margin && y > margin && x < width - margin && y < height - margin
    if (inside && !always) return
    this.map.easeTo({ center: [longitude_deg, latitude_deg], duration: always ? 400 : 600 })
  }

  close(): void {
    this.#gone = true
    cancelAnimationFrame(this.#waiting)
    this.#resized.disconnect()
    this.#rethemed.disconnect()
    this.map.remove()
  }
}

export const positionOf = (event: MapMouseEvent): Position => ({
  latitude_deg: event.lngLat.lat,
  longitude_deg: event.lngLat.lng,
})
