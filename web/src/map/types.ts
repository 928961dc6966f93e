/** What the map needs of the desk, and what the server's map routes answer. */
import type {
  Alarm,
  CameraState,
  Dispatch,
  Incident,
  PartnerState,
  PatrolState,
  PictureGroup,
  PictureTrack,
  Position,
  Site,
} from '../api/types'

/** The desk as the map reads it; `DeskStore` is one. All of it is replaced, never changed in place. */
export interface MapDesk {
  readonly site: Site | null
  readonly origin: Position | null
  readonly now_ns: number
  /** The name of the exercise that runs, whose symbols are marked as played. */
  readonly exercise: string | null
  readonly tracks: ReadonlyMap<string, PictureTrack>
  readonly groups: ReadonlyMap<string, PictureGroup>
  readonly alarms: ReadonlyMap<string, Alarm>
  readonly cameras: ReadonlyMap<string, CameraState>
  readonly patrols: ReadonlyMap<string, PatrolState>
  readonly incidents: ReadonlyMap<string, Incident>
  readonly dispatches: ReadonlyMap<string, Dispatch>
  /** What was told by and to the other side, where there is one. */
  readonly partner?: PartnerState | null
}

/** `GET /api/map` */
export interface MapFacts {
  west_deg: number
  south_deg: number
  east_deg: number
  north_deg: number
  max_zoom: number
  version: string
  illustrative: boolean
  source: string
  base_map: boolean
  layers: boolean
}

export interface PlaceFacts {
  latitude_deg: number
  longitude_deg: number
  mgrs: string
  height_m: number | null
  slope_deg: number | null
  falls_deg: number | null
}

export interface Sight {
  verdict: 'seen' | 'hidden' | 'out_of_field' | 'out_of_reach'
  range_m: number
  azimuth_deg: number
  needs_m?: number | null
  screen_m?: number | null
}

export interface Watcher {
  watcher_id: string
  name: string
  what: 'camera' | 'post'
  sight: Sight
}

/** `GET /api/map/sees` */
export interface Seen {
  place: PlaceFacts
  height_m: number
  watchers: Watcher[]
}

/** `GET /api/map/profile` */
export interface Profile {
  distance_m: number[]
  ground_m: (number | null)[]
  sight_m: number[]
  range_m: number
  azimuth_deg: number
  clear: boolean
  screen_m?: number | null
}

/** `GET /api/map/mast` and `/api/map/travel`: GeoJSON with a few facts beside its features. */
export interface Shapes extends GeoJSON.FeatureCollection {
  seen_km2?: number
  share?: number
  arrival_s?: number | null
}

/** `GET /api/map/observed.json` and `/api/map/presence.json` */
export interface Cells {
  version: string
  time_ns: number
  rows: number
  columns: number
  corners: [number, number][]
  ends: number[]
  cells: string
}
