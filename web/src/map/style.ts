/** The map's style: its layers from the ground up, and their dress in the theme's colours. */
import type {
  DataDrivenPropertyValueSpecification as Driven,
  LayerSpecification,
  Map as MapLibre,
  SourceSpecification,
  StyleSpecification,
} from 'maplibre-gl'
import type { MapFacts } from './types'
import { isDark, mix, type Palette } from './palette'
import type { Layers } from '../ui/selection'

export const NOTHING: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] }
/** GeoJSON sources that the map fills as it learns of them. */
export const SHAPES = ['site', 'views', 'answer', 'beyond'] as const
export type ShapeSource = (typeof SHAPES)[number]

/** What the user's own base map holds: pictures, or vector layers by these names. */
export interface BaseMap {
  raster: boolean
  names: string[]
}

const CONTOUR_ZOOM = 11

const origin = (): string => window.location.origin

function sources(facts: MapFacts, base: BaseMap | null): Record<string, SourceSpecification> {
  const heights: SourceSpecification = {
    type: 'raster-dem',
    tiles: [`${origin()}/api/map/terrain/{z}/{x}/{y}.png?v=${facts.version}`],
    encoding: 'terrarium',
    tileSize: 256,
    maxzoom: facts.max_zoom,
  }
  const found: Record<string, SourceSpecification> = {
    // The same heights twice: shading and the ground in three dimensions want tiles of different zooms.
    relief: heights,
    solid: heights,
    contours: {
      type: 'vector',
      tiles: [`${origin()}/api/map/contours/{z}/{x}/{y}.mvt?v=${facts.version}`],
      minzoom: CONTOUR_ZOOM,
      maxzoom: 16,
      bounds: [facts.west_deg, facts.south_deg, facts.east_deg, facts.north_deg],
    },
  }
  for (const name of SHAPES) found[name] = { type: 'geojson', data: NOTHING }
  if (base) {
    const url = `pmtiles://${origin()}/api/map/base.pmtiles`
    found.base = base.raster ? { type: 'raster', url, tileSize: 256 } : { type: 'vector', url }
  }
  return found
}

type Bare = Omit<LayerSpecification, 'paint'> & { type: LayerSpecification['type'] }

/** Layers without their colours, in the order they are drawn. */
function bare(base: BaseMap | null): Bare[] {
  const part = (name: string): ['==', ['get', string], string] => ['==', ['get', 'part'], name]
  return [
    { id: 'ground', type: 'background' } as Bare,
    ...baseLayers(base),
    { id: 'relief', type: 'hillshade', source: 'relief' } as Bare,
    {
      id: 'contours', type: 'line', source: 'contours', 'source-layer': 'contour',
      filter: ['!', ['get', 'index']], minzoom: 12,
    } as Bare,
    {
      id: 'contours-fifth', type: 'line', source: 'contours', 'source-layer': 'contour', filter: ['get', 'index'],
    } as Bare,
    {
      id: 'contours-height', type: 'symbol', source: 'contours', 'source-layer': 'contour', filter: ['get', 'index'],
      minzoom: 13,
      layout: {
        'symbol-placement': 'line', 'symbol-spacing': 260, 'text-size': 11, 'text-max-angle': 70, 'text-font': ['sans-serif'],
        'text-field': ['to-string', ['round', ['get', 'height']]],
      },
    } as Bare,
    { id: 'beyond', type: 'fill', source: 'beyond' } as Bare,
    { id: 'seen', type: 'fill', source: 'views', filter: part('seen') } as Bare,
    { id: 'fields', type: 'fill', source: 'views', filter: part('field') } as Bare,
    { id: 'fields-edge', type: 'line', source: 'views', filter: part('field') } as Bare,
    { id: 'inhabited', type: 'line', source: 'site', filter: part('inhabited') } as Bare,
    { id: 'zones', type: 'fill', source: 'site', filter: part('zone') } as Bare,
    { id: 'zones-edge', type: 'line', source: 'site', filter: part('zone') } as Bare,
    { id: 'band', type: 'line', source: 'site', filter: part('line'), layout: { 'line-join': 'round' } } as Bare,
    { id: 'fences', type: 'line', source: 'site', filter: part('fence') } as Bare,
    { id: 'line', type: 'line', source: 'site', filter: part('line'), layout: { 'line-join': 'round' } } as Bare,
    { id: 'answer-seen', type: 'fill', source: 'answer', filter: part('seen') } as Bare,
    { id: 'answer-within', type: 'fill', source: 'answer', filter: part('within') } as Bare,
    { id: 'answer-within-edge', type: 'line', source: 'answer', filter: part('within') } as Bare,
    {
      id: 'answer-minutes', type: 'symbol', source: 'answer', filter: part('within'),
      layout: {
        'symbol-placement': 'line', 'symbol-spacing': 320, 'text-size': 12, 'text-font': ['sans-serif'],
        'text-max-angle': 60, 'text-field': ['concat', ['get', 'minutes'], '′'],
      },
    } as Bare,
    { id: 'answer-way', type: 'line', source: 'answer', filter: part('way') } as Bare,
  ]
}

/** Vector base maps name their layers as they like; what is drawn is what the common schemas agree on. */
function baseLayers(base: BaseMap | null): Bare[] {
  if (!base) return []
  if (base.raster) return [{ id: 'base', type: 'raster', source: 'base' } as Bare]
  return base.names.flatMap((name): Bare[] => {
    const shared = { source: 'base', 'source-layer': name }
    if (/water/.test(name)) {
      return [
        { id: `base-${name}`, type: 'fill', ...shared, filter: ['==', ['geometry-type'], 'Polygon'] } as Bare,
        { id: `base-${name}-edge`, type: 'line', ...shared, filter: ['==', ['geometry-type'], 'LineString'] } as Bare,
      ]
    }
    if (/building|land/.test(name)) return [{ id: `base-${name}`, type: 'fill', ...shared } as Bare]
    if (/road|transport|boundar/.test(name)) return [{ id: `base-${name}`, type: 'line', ...shared } as Bare]
    return []
  })
}

/** A width that stays so many metres of the ground, at the latitude where a pixel of zoom 0 is `pixel_m` wide. */
const metresWide = (metres: Driven<number>, pixel_m: number): Driven<number> =>
  [
    'interpolate', ['exponential', 2], ['zoom'],
    0, ['/', metres, pixel_m],
    22, ['*', ['/', metres, pixel_m], 2 ** 22],
  ] as unknown as Driven<number>

type Paint = Record<string, unknown>

/** The colours of each layer. `pixel_m` is how wide a pixel of zoom 0 is at the site, of tiles of 512 pixels. */
function dress(palette: Palette, pixel_m: number): Record<string, Paint> {
  const { ground, text, accent, muted, medium, own, declared } = palette
  const dark = isDark(palette)
  const water = mix(ground, own, 0.22)
  return {
    ground: { 'background-color': dark ? mix(ground, text, 0.07) : ground },
    relief: {
      'hillshade-method': 'standard',
      'hillshade-exaggeration': dark ? 0.75 : 0.55,
      'hillshade-shadow-color': dark ? mix(ground, text, 0, 1) : mix(ground, text, 0.45),
      'hillshade-highlight-color': dark ? mix(ground, text, 0.34) : palette.raised,
      'hillshade-accent-color': mix(ground, text, dark ? 0.12 : 0.3),
    },
    contours: { 'line-color': mix(ground, text, 0.3, dark ? 0.35 : 0.5), 'line-width': 0.6 },
    'contours-fifth': { 'line-color': mix(ground, text, 0.4, dark ? 0.5 : 0.65), 'line-width': 1 },
    'contours-height': {
      'text-color': mix(ground, text, 0.65),
      'text-halo-color': ground,
      'text-halo-width': 1.2,
    },
    beyond: { 'fill-color': mix(ground, palette.panel, 0.5, 0.82), 'fill-antialias': false },
    fields: { 'fill-color': accent, 'fill-opacity': 0.07 },
    'fields-edge': { 'line-color': accent, 'line-width': 1, 'line-opacity': 0.45 },
    seen: { 'fill-color': accent, 'fill-opacity': 0.2, 'fill-antialias': false },
    inhabited: { 'line-color': muted, 'line-width': 1, 'line-dasharray': [1, 2] },
    zones: { 'fill-color': medium, 'fill-opacity': 0.06 },
    'zones-edge': { 'line-color': medium, 'line-width': 1.2, 'line-opacity': 0.7, 'line-dasharray': [4, 2] },
    band: {
      'line-color': text,
      'line-opacity': 0.1,
      'line-width': metresWide(['*', 2, ['get', 'band_m']] as unknown as Driven<number>, pixel_m),
    },
    fences: { 'line-color': muted, 'line-width': 2, 'line-dasharray': [0.5, 1.5] },
    line: { 'line-color': text, 'line-width': 2 },
    'answer-seen': { 'fill-color': declared, 'fill-opacity': 0.28, 'fill-antialias': false },
    'answer-within': { 'fill-color': own, 'fill-opacity': 0.012 },
    'answer-minutes': { 'text-color': own, 'text-halo-color': ground, 'text-halo-width': 1.5 },
    'answer-within-edge': { 'line-color': own, 'line-width': 1.2, 'line-opacity': 0.8 },
    'answer-way': { 'line-color': own, 'line-width': 3 },
    base: { 'raster-opacity': dark ? 0.55 : 0.9, 'raster-saturation': dark ? -0.6 : 0 },
    'base:fill': { 'fill-color': mix(ground, text, 0.08), 'fill-opacity': 0.8 },
    'base:line': { 'line-color': mix(ground, text, 0.3), 'line-width': 1 },
    'base:water': { 'fill-color': water },
    'base:stream': { 'line-color': water, 'line-width': 1 },
    'cells:observed': { 'raster-opacity': 0.32, 'raster-resampling': 'nearest', 'raster-fade-duration': 0 },
    'cells:presence': { 'raster-opacity': 0.5, 'raster-resampling': 'nearest', 'raster-fade-duration': 0 },
  }
}

function paintOf(dressed: Record<string, Paint>, layer: { id: string; type: string }): Paint {
  const own = dressed[layer.id]
  if (own) return own
  if (!layer.id.startsWith('base-')) return {}
  const water = layer.id.includes('water')
  if (layer.type === 'fill') return dressed[water ? 'base:water' : 'base:fill'] ?? {}
  return dressed[water ? 'base:stream' : 'base:line'] ?? {}
}

const pixelMetres = (latitude_deg: number): number =>
  (2 * Math.PI * 6_378_137 * Math.cos((latitude_deg * Math.PI) / 180)) / 512

/** The whole style, dressed. */
export function styleOf(facts: MapFacts, base: BaseMap | null, palette: Palette): StyleSpecification {
  const dressed = dress(palette, pixelMetres((facts.south_deg + facts.north_deg) / 2))
  const layers = bare(base).map((layer) => ({ ...layer, paint: paintOf(dressed, layer) }) as LayerSpecification)
  return { version: 8, sources: sources(facts, base), layers }
}

/** Put the theme's colours on a map that is drawn already. */
export function redress(map: MapLibre, facts: MapFacts, palette: Palette): void {
  const dressed = dress(palette, pixelMetres((facts.south_deg + facts.north_deg) / 2))
  for (const layer of map.getStyle().layers) {
    for (const [name, value] of Object.entries(paintOf(dressed, layer))) {
      map.setPaintProperty(layer.id, name as Parameters<MapLibre['setPaintProperty']>[1], value as never)
    }
  }
}

/** The paint of a layer of cells. */
export const cellsPaint = (palette: Palette, kind: 'observed' | 'presence'): Paint =>
  dress(palette, 1)[`cells:${kind}`] ?? {}

const SHOWN: Record<string, keyof Layers> = {
  relief: 'relief',
  contours: 'contours',
  'contours-fifth': 'contours',
  'contours-height': 'contours',
  fields: 'views',
  'fields-edge': 'views',
  seen: 'visible_ground',
  observed: 'observed',
  presence: 'presence',
}

/** Show and hide layers as the officer wants them. */
export function showLayers(map: MapLibre, layers: Layers): void {
  for (const { id } of map.getStyle().layers) {
    const name = SHOWN[id] ?? (id.startsWith('base') ? 'base' : undefined)
    if (name) map.setLayoutProperty(id, 'visibility', layers[name] ? 'visible' : 'none')
  }
}

/** All that lies beyond the ground that is known, to be dimmed. */
export function beyond(facts: MapFacts): GeoJSON.FeatureCollection {
  const { west_deg: w, south_deg: s, east_deg: e, north_deg: n } = facts
  const world = [[-180, -85], [180, -85], [180, 85], [-180, 85], [-180, -85]]
  const known = [[w, s], [w, n], [e, n], [e, s], [w, s]]
  const geometry: GeoJSON.Polygon = { type: 'Polygon', coordinates: [world, known] }
  return { type: 'FeatureCollection', features: [{ type: 'Feature', properties: {}, geometry }] }
}

