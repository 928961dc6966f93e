/** Layers of cells, coloured in the browser by the theme. */
import type { Map as MapLibre } from 'maplibre-gl'
import { ramp, type Palette } from './palette'
import { cellsPaint } from './style'
import type { Cells } from './types'

export type CellsKind = 'observed' | 'presence'
const MASKED = 255

/** How many classes a layer colours: with that above the last end, and for what was observed also never. */
export const classesOf = (kind: CellsKind, cells: Pick<Cells, 'ends'>): number =>
  cells.ends.length + (kind === 'observed' ? 2 : 1)

/** The cells as a picture, a pixel each; the lowest class of presence and what is masked are left clear. */
export function pictureOf(kind: CellsKind, cells: Cells, palette: Palette): ImageData {
  const bytes = Uint8Array.from(atob(cells.cells), (letter) => letter.charCodeAt(0))
  const colours = ramp(palette, kind, classesOf(kind, cells))
  const picture = new ImageData(cells.columns, cells.rows)
  bytes.forEach((cell, k) => {
    const colour = colours[cell]
    const clear = cell === MASKED || cell === 0
    if (!colour || clear) return
    picture.data.set([...colour, 255], 4 * k)
  })
  return picture
}

/** Put a layer of cells on the map, under what is drawn by name. */
export function putCells(map: MapLibre, kind: CellsKind, cells: Cells, palette: Palette): void {
  dropCells(map, kind)
  const canvas = document.createElement('canvas')
  canvas.width = cells.columns
  canvas.height = cells.rows
  canvas.getContext('2d')?.putImageData(pictureOf(kind, cells, palette), 0, 0)
  const [nw, ne, se, sw] = cells.corners
  if (!nw || !ne || !se || !sw) return
  map.addSource(kind, { type: 'canvas', canvas, animate: false, coordinates: [nw, ne, se, sw] })
  map.addLayer({ id: kind, type: 'raster', source: kind, paint: cellsPaint(palette, kind) }, 'fields')
}

export function dropCells(map: MapLibre, kind: CellsKind): void {
  if (map.getLayer(kind)) map.removeLayer(kind)
  if (map.getSource(kind)) map.removeSource(kind)
}
