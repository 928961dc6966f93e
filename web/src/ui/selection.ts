/** What the officer has picked, wherever it was picked: the queue, the map, a list or the palette. */
export type SelectionKind = 'alarm' | 'track' | 'group' | 'camera' | 'incident' | 'patrol' | 'post' | 'partner'

export interface Selection {
  kind: SelectionKind
  id: string
}

/** What the map shows besides the ground, each by its name. */
export interface Layers {
  relief: boolean
  contours: boolean
  base: boolean
  views: boolean
  visible_ground: boolean
  trails: boolean
  corridors: boolean
  observed: boolean
  presence: boolean
  /** What the partner told, and what both sides see; without it the picture is our own alone. */
  joint: boolean
  /** What the partner sees of ours. */
  shared: boolean
}

export const FIRST_LAYERS: Layers = {
  relief: true,
  contours: true,
  base: true,
  views: true,
  visible_ground: false,
  trails: true,
  corridors: true,
  observed: false,
  presence: false,
  joint: true,
  shared: false,
}
