/** The records of the server as they come over the wire; names and shapes are those of `marsad.kernel`. */

export type Priority = 'high' | 'medium' | 'low'
export type AlarmState =
  | 'unacknowledged'
  | 'acknowledged'
  | 'returned'
  | 'latched'
  | 'shelved'
  | 'suppressed'
  | 'out_of_service'
  | 'closed'
export type Kind = 'person' | 'group' | 'vehicle' | 'animal' | 'flying' | 'vegetation' | 'unknown'
export type Standing = 'unknown' | 'own' | 'declared'
export type NuisanceCause =
  | 'animal'
  | 'bird'
  | 'insect'
  | 'vegetation'
  | 'weather'
  | 'own_force'
  | 'declared'
  | 'camera'
  | 'other'
export type HoldKind = 'shelved' | 'suppressed' | 'out_of_service'
export type Role = 'viewer' | 'operator' | 'supervisor' | 'planner' | 'administrator' | 'patrol'

export interface Position {
  latitude_deg: number
  longitude_deg: number
  height_m?: number
}

export interface EnuPoint {
  east_m: number
  north_m: number
  up_m?: number
}

export interface GroundCovariance {
  east_m2: number
  east_north_m2: number
  north_m2: number
}

export interface GroundState {
  position: Position
  east_m: number
  north_m: number
  covariance: GroundCovariance
  velocity_east_m_s?: number
  velocity_north_m_s?: number
  range_m?: number
  multimodal?: boolean
}

export interface Count {
  best: number
  low: number
  high: number
}

export interface Box {
  x_px: number
  y_px: number
  w_px: number
  h_px: number
}

export interface Waypoint {
  time_ns: number
  centre: EnuPoint
  covariance: GroundCovariance
}

export interface LineApproach {
  line_id: string
  probability: number
  seconds: number
  low_s: number
  high_s: number
  direction: 'inward' | 'outward'
}

export interface Contributor {
  source_id: string
  origin: string
  time_ns: number
  label?: number | null
  count?: Count | null
}

interface Moving {
  first_ns: number
  kind: Kind
  ground: GroundState
  standing?: Standing
  standing_id?: string
  heading_rad?: number | null
  heading_sigma_rad?: number
  speed_m_s?: number
  speed_sigma_m_s?: number
  corridor?: Waypoint[]
  approaches?: LineApproach[]
}

/**
 * A track of the picture: as the feed tells it, rounded and without what no screen shows, or whole. A `brief` one comes
 * without contributors, corridor and approaches, which `GET /api/tracks/{track_id}` has.
 */
export interface PictureTrack extends Moving {
  track_id: string
  origin: string
  status: 'tentative' | 'confirmed' | 'coasting' | 'lost'
  existence: number
  seen_ns: number
  confirmed_ns?: number | null
  kind_confidence?: number
  count?: Count | null
  contributors?: Contributor[]
  group_id?: string
  brief?: boolean
}

export interface PictureGroup extends Moving {
  time_ns: number
  group_id: string
  members: string[]
  count: Count
  extent_m?: number
  parted_from?: string
  joined?: string[]
}

export interface SourceState {
  source_id: string
  trusted?: boolean
  reason?: string
  looked_ns?: number | null
}

export interface Picture {
  time_ns: number
  tracks?: PictureTrack[]
  groups?: PictureGroup[]
  sources?: SourceState[]
}

/** A rule's name; one that this console does not know yet is shown by itself. */
export type Rule = 'line_crossing' | 'zone_intrusion' | 'confirmed_track' | (string & {})

export interface Met {
  rule: Rule
  rule_id: string
  direction: string
  time_ns: number
  alert_id: string
  /** For how long it was looked at first, because of which lesson. */
  lesson_id?: string
  waited_s?: number
}

export interface Seen {
  time_ns: number
  camera_id?: string
  box?: Box | null
  ground?: GroundState | null
}

/** What an alarm is about: somebody or something out there, a camera, a patrol, a link or the disk, or what a partner told. */
export type About = 'object' | 'camera' | 'patrol' | 'link' | 'storage' | 'partner'

export interface Alarm {
  alarm_id: string
  subject_id: string
  state: AlarmState
  priority: Priority
  kind: Kind
  response: string
  text: string
  met: Met[]
  seen: Seen
  raised_ns: number
  changed_ns: number
  latching: boolean
  stands?: boolean
  count?: Count | null
  formerly?: string[]
  camera_ids?: string[]
  alerts?: number
  escalation?: number
  annunciated_ns?: number | null
  acknowledged_ns?: number | null
  acknowledged_by?: string
  held_until_ns?: number | null
  hold_id?: string
  nuisance?: NuisanceCause | null
  about?: About
  facts?: { trouble?: string; since_ns?: number | null }
}

/** What marks of nuisance ask for at one place: an alert of what nobody can tell waits there before it is an alarm. */
export interface Lesson {
  lesson_id: string
  rule: string
  camera_id: string
  place: { ground?: { position: Position } | null }
  marks: { alarm_id: string; cause: NuisanceCause; officer: string; time_ns: number }[]
  until_ns: number
  changed_ns: number
  wait_s?: number
  lowers?: boolean
  refuted?: boolean
}

/** What a mark of nuisance would teach now: nothing where there is no lesson. */
export interface Teaching {
  lesson: Lesson | null
  causes: NuisanceCause[]
  marks: number
}

/** An alert that waits. */
export interface PutOff {
  alert: { alert_id: string }
  subject_id: string
  lesson_id: string
  due_ns: number
  aside_ns?: number | null
}

export interface Hold {
  hold_id: string
  kind: HoldKind
  from_ns: number
  officer: string
  reason: string
  until_ns?: number | null
  rule_id?: string
  camera_id?: string
  alarm_id?: string
}

export type IncidentKind = 'crossing' | 'approach' | 'civilians' | 'distress' | 'damage' | 'other'
export type IncidentState = 'open' | 'in_hand' | 'contact' | 'closed'
export type Outcome =
  | 'detained'
  | 'surrendered'
  | 'injured'
  | 'dead'
  | 'assisted'
  | 'released'
  | 'turned_back'
  | 'nobody_there'
export type HazardKind = 'possible_explosive' | 'armed' | 'fire' | 'flood' | 'unsafe_ground' | 'sick' | 'other'
export type Step =
  | 'keep_distance'
  | 'call_clearance'
  | 'look_again'
  | 'send_patrol'
  | 'send_medic'
  | 'give_water_and_shelter'
  | 'tell_other_side'
  | 'no_pursuit'
  | 'ask_how_many'
  | 'tell_commander'
  | 'record_handing_over'
  | 'search_surroundings'

export interface Hazard {
  hazard_id: string
  kind: HazardKind
  note: string
  by: string
  time_ns: number
  position?: Position | null
  ended_ns?: number | null
  ended_by?: string
}

export interface Accounted {
  persons: number
  outcome: Outcome
  by: string
  time_ns: number
  note?: string
}

export interface Evidence {
  evidence_id: string
  path: string
  sha256: string
  kind: 'clip' | 'picture' | 'track' | 'document'
  from_ns: number
  to_ns: number
  camera_id?: string
}

export interface StepDone {
  step: Step
  by: string
  time_ns: number
  reason?: string
}

export interface Note {
  text: string
  by: string
  time_ns: number
}

export interface Incident {
  incident_id: string
  kind: IncidentKind
  state: IncidentState
  text: string
  opened_ns: number
  opened_by: string
  changed_ns: number
  exercise?: boolean
  in_charge?: string
  alarm_ids?: string[]
  position?: Position | null
  expected?: Count | null
  accounted?: Accounted[]
  hazards?: Hazard[]
  done?: StepDone[]
  notes?: Note[]
  evidence?: Evidence[]
  met_ns?: number | null
  closed_ns?: number | null
  sought_reason?: string
}

export type Task = 'look' | 'stop' | 'help' | 'observe' | 'search'
export type Skill = 'medic' | 'clearance' | 'interpreter'
export type Via = 'phone' | 'radio' | 'console' | 'nobody'
export type Says = 'received' | 'accepted' | 'under_way' | 'on_scene' | 'done' | 'refused' | 'could_not'
export type DispatchState = 'sent' | Says | 'not_delivered' | 'recalled'

export interface Answer {
  answer_id: string
  dispatch_id: string
  says: Says
  time_ns: number
  by: string
  via: Via
  note?: string
}

export interface Dispatch {
  dispatch_id: string
  incident_id: string
  patrol_id: string
  task: Task
  text: string
  state: DispatchState
  meet: EnuPoint
  meet_ns: number
  ordered_by: string
  sent_ns: number
  changed_ns: number
  receive_by_ns: number
  answer_by_ns: number
  overdue?: boolean
  answers?: Answer[]
}

export interface Option {
  patrol_id: string
  meet: EnuPoint
  meet_ns: number
  they_ns: number | null
  way: [number, number][]
  lacking?: Skill[]
  busy_with?: string
}

export interface Trouble {
  kind: string
  since_ns: number
  detail?: string
}

export interface CameraState {
  camera_id: string
  run: 'starting' | 'running' | 'lost' | 'restarting' | 'stopped'
  since_ns: number
  seen_ns?: number | null
  fps?: number
  restarts?: number
  troubles?: Trouble[]
}

export interface ClosingStep {
  what: 'restore_camera' | 'post_patrol'
  name: string
  minutes: number
  along_m?: number | null
  position?: Position | null
}

/** How a plan holds now: where the line is open by it, and what closes that cheapest. */
export interface Closure {
  time_ns: number
  line_id: string
  required: number
  reached: number
  open: { from_m: number; to_m: number; reached: number }[]
  steps: ClosingStep[]
  minutes: number
  bound_minutes: number
  closable: boolean
  missing?: string[]
  people?: string[]
}

export interface PatrolState {
  patrol_id: string
  position: Position
  sigma_m: number
  time_ns: number
}

export interface Figures {
  rate: number
  flood: number
  standing: number
  waiting: number
  held: number
  stale: number
  escalated: number
  folded: number
  median_to_acknowledge_s: number | null
  slowest_to_acknowledge_s: number | null
  nuisance_share: number | null
}

export interface Assessment {
  subject_id: string
  says: string
  reason: string
  officer: string
  time_ns: number
  until_ns: number
}

export interface Shift {
  officer: string
  since_ns: number
}

export interface Storage {
  film_bytes: number
  quota_bytes: number
  free_bytes: number
  oldest_film_ns?: number | null
  short?: boolean
}

/** What was last erased because it is older than may be kept; under way, or cut off, where it has no end. */
export interface RetentionRun {
  officer: string
  keep: Record<string, number>
  begun_ns: number
  ended_ns?: number | null
  done?: boolean
  erased?: Record<string, number>
}

export type LinkState = 'cut' | 'catching_up' | 'connected' | 'held' | 'refused' | 'revoked'

export interface LinkShown {
  state?: LinkState
  reason?: string
  age_s?: number | null
  behind?: number
  received?: number
  sent?: number
  confirmed?: number
}

export interface GridCell {
  east: number
  north: number
  size_m: number
}

/** What one side tells the other of one thing; `thing_id` means nothing outside the agreement. */
export interface Release {
  release_id: string
  agreement_id: string
  version: number
  rule_id: string
  giver: string
  taker: string
  item: 'track' | 'group' | 'alarm' | 'incident' | 'patrol' | 'sighting' | 'post'
  thing_id: string
  time_ns: number
  act?: 'told' | 'ended' | 'corrected' | 'recalled'
  basis?: 'rule' | 'handover_at_line' | 'life_at_risk'
  exercise?: boolean
  expires_ns?: number | null
  cell?: GridCell | null
  cells?: GridCell[]
  post_id?: string
  watched?: boolean | null
  from_ns?: number | null
  until_ns?: number | null
  sigma_m?: number | null
  kind?: Kind | null
  heads?: { low: number; high?: number | null } | null
  heading?: 'n' | 'ne' | 'e' | 'se' | 's' | 'sw' | 'w' | 'nw' | null
  alarm_rule?: Rule | null
  priority?: Priority | null
  direction?: 'inward' | 'outward' | null
  incident_kind?: IncidentKind | null
  incident_state?: IncidentState | null
}

export interface SharedThing {
  release: Release
  position?: Position | null
  /** The middles of a corridor's squares. */
  places?: Position[]
  /** Our own name of what is ours. */
  subject_id?: string
}

/** Something that we see and the partner told of: our track or group, and their thing. */
export interface SeenByBoth {
  subject_id: string
  thing_id: string
  name: string
  since_ns: number
}

/** How a partner does, once a second; all else of it is asked for when `revision` is another. */
export interface PartnerPulse {
  link: LinkShown
  revision: number
  theirs?: number
  ours?: number
  matters?: number
}

/** `GET /api/partner` */
export interface PartnerView {
  state: PartnerState
  joint: NonNullable<PartnerState['joint']>
  revision?: number
}

export interface Stop {
  officer: string
  reason: string
  time_ns: number
  asked_by?: string
}

export type EmergencyKind = 'handover_at_line' | 'life_at_risk'

export interface EmergencyAct {
  act_id: string
  kind: EmergencyKind
  officer: string
  reason: string
  subject_ids: string[]
  from_ns: number
  until_ns: number
}

/** Ground as whole squares of the agreed grid. */
export interface GridCells {
  size_m: number
  cells: [number, number][]
}

export interface Phrase {
  key: string
  count?: number | null
  place?: string
  name?: string
  time_ns?: number | null
  minutes?: number | null
}

export type Course = 'proposal' | 'offer' | 'request' | 'notice'
export type CourseState =
  | 'proposed'
  | 'agreed'
  | 'declined'
  | 'withdrawn'
  | 'ended'
  | 'offered'
  | 'received'
  | 'taken'
  | 'expired'
  | 'asked'
  | 'looking'
  | 'answered'
  | 'standing'
export type CourseHappening =
  | 'accepted'
  | 'declined'
  | 'withdrawn'
  | 'ended'
  | 'received'
  | 'taken'
  | 'seen'
  | 'nothing_seen'
  | 'could_not'
  | 'expired'
export type DeliveryState = 'sent' | 'received' | 'opened' | 'answered' | 'refused' | 'not_understood'

/** What a message says: those that this console writes, and the parts of the others that it shows. */
export type JointBody =
  | { type: 'thread_message'; text?: string; language?: StatementLanguage | null; phrase?: Phrase | null; about?: string }
  | { type: 'answer'; about: string; says: CourseHappening; text?: string; finding?: Finding | null }
  | {
      type: 'handover_offer'
      told_as: string
      cells: GridCells
      until_ns: number
      kind?: Kind
      count?: Count | null
      text?: string
    }
  | { type: 'look_request'; cells: GridCells; until_ns: number; text?: string }
  | { type: 'incident_proposal'; kind: IncidentKind; text: string; cells?: GridCells | null; expected?: Count | null }
  | {
      type: 'post_proposal'
      name: string
      size_m: number
      cell: [number, number]
      manned_by: string[]
      covers: GridCells
      text?: string
    }
  | { type: 'corridor_notice'; name: string; cells: GridCells; from_ns: number; until_ns: number }
  | { type: 'roster_proposal'; post: string; slots: { from_ns: number; until_ns: number; party: string }[] }
  | { type: 'coverage_offer'; cells: GridCells; text?: string }
  | { type: 'slot_offer'; post: string; from_ns: number; until_ns: number; cannot?: boolean; text?: string }
  | { type: 'slot_claim'; post: string; from_ns: number; until_ns: number; text?: string }
  | { type: 'recall'; releases: string[]; reason: string }
  | { type: 'correction'; release: string; reason: string }
  | { type: 'emergency_notice'; kind: EmergencyKind; until_ns: number; reason: string }
  | { type: 'delivery' }
  | { type: 'releases_opened'; releases: string[] }
  | { type: 'not_understood'; kind: string }

/** What was seen where somebody was asked to look. */
export interface Finding {
  seen_ns: number
  kind?: Kind
  count?: Count | null
  cells?: GridCells | null
  text?: string
}

export interface JointMessage {
  author: string
  sequence: number
  salt: string
  time_ns: number
  stamp_ns: number
  by: Role | 'software'
  body: JointBody
  exercise?: string
}

export interface JointThing {
  thing_id: string
  course: Course
  state: CourseState
  opened: JointMessage
  changed_ns: number
  delivery: DeliveryState
  answers?: JointMessage[]
}

export interface JointLine {
  message: JointMessage
  delivery: DeliveryState
}

/** When a release was first opened by a person of the side that got it, and in what role. */
export interface ReleaseOpened {
  release: string
  by: Role | 'software'
  time_ns: number
}

export type JointKind = 'words' | 'incident' | 'handover' | 'look' | 'coverage' | 'post' | 'roster' | 'corridor' | 'emergency'

export interface JointPost {
  post: { id: string; position: Position; name?: string }
  cell: [number, number]
  manned_by: string[]
  covers: [number, number][]
  proposals: string[]
}

/** Who keeps watch from when until when; nobody where `party` is empty. */
export interface WatchSlot {
  from_ns: number
  until_ns: number
  party: string
  stands_by?: string
}

export interface Caution {
  ours: string
  theirs: string
  from_ns: number
  until_ns: number
  apart_m: number
  cells: [number, number][]
}

/** What both agreed of the ground, and what follows from it. */
export interface JointGround {
  now_ns: number
  ours: string
  theirs: string
  anchor: Position
  cell_m: number
  coverage_cell_m: number
  kinds?: JointKind[]
  posts?: JointPost[]
  hours?: { post_id: string; slots: WatchSlot[] }[]
  gaps?: { cell: [number, number]; closed_by?: string[] }[]
  cautions?: Caution[]
}

/** The coarse squares that could be offered to be kept in view. */
export interface Coverable {
  size_m: number
  cells?: [number, number][]
  places?: Position[]
}

export interface PostWatch {
  post_id: string
  watched: boolean
  time_ns: number
  from_ns: number
  until_ns: number
}

export interface PartnerState {
  party_id: string
  name: string
  link?: LinkShown
  agreement_id?: string
  version?: number
  until_ns?: number
  theirs?: SharedThing[]
  ours?: SharedThing[]
  stop?: Stop | null
  emergencies?: EmergencyAct[]
  /** What both sides see. */
  both?: SeenByBoth[]
  /** What was said between the two, and of which revision all of this is: both as they were asked for last. */
  joint?: { now_ns: number; things?: JointThing[]; lines?: JointLine[]; opened?: ReleaseOpened[] } | null
  revision?: number
}

export interface DeskState {
  sequence: number
  now_ns: number
  site_name: string
  origin: Position
  alarms?: Alarm[]
  holds?: Hold[]
  incidents?: Incident[]
  dispatches?: Dispatch[]
  cameras?: CameraState[]
  patrols?: PatrolState[]
  assessments?: Assessment[]
  picture?: Picture
  figures?: Figures | null
  shift?: Shift | null
  exercise?: string | null
  storage?: Storage | null
  lessons?: Lesson[]
  waiting?: PutOff[]
  retention?: RetentionRun | null
  posts?: PostWatch[]
  partner?: PartnerState | null
}

export interface Pose {
  latitude_deg: number
  longitude_deg: number
  mast_m: number
  azimuth_deg: number
  elevation_deg: number
  roll_deg?: number
}

export interface SiteCamera {
  id: string
  name?: string
  lens: { width_px: number; height_px: number; horizontal_fov_deg: number; vertical_fov_deg?: number | null }
  pose?: Pose | null
  reach_m?: number
}

export interface SitePost {
  id: string
  position: Position
  name?: string
}

export interface SitePatrol {
  patrol_id: string
  means: 'foot' | 'vehicle'
  persons: number
  skills?: Skill[]
  ready_s?: number
  name?: string
  home?: Position | null
}

export interface Site {
  name: string
  organisation?: string
  origin?: Position | null
  cameras?: SiteCamera[]
  lines?: { id: string; name?: string; points: Position[]; inside?: 'right' | 'left'; band_m?: number }[]
  zones?: { id: string; name?: string; points: Position[] }[]
  inhabited?: { id: string; points: Position[] }[]
  posts?: SitePost[]
  fences?: { id: string; name?: string; points: Position[] }[]
  patrols?: SitePatrol[]
}

export interface Session {
  name: string | null
  role: Role | null
  patrol_id?: string
  csrf: string
  first_run: boolean
  /** The types of the acts that the role may ask for. */
  acts?: string[]
  /** The types of what the role may say to a partner. */
  says?: string[]
  /** The types of what opens the matters that the role may answer. */
  answers?: string[]
}

export type StatementLanguage = 'ar' | 'ckb' | 'kmr' | 'en'
export type FactKind =
  | 'seen'
  | 'crossed'
  | 'civilians'
  | 'distress'
  | 'sent'
  | 'arrived'
  | 'met'
  | 'accounted'
  | 'sought'
  | 'nobody'
  | 'hazard'
export type ExposedThing = 'camera' | 'post' | 'patrol' | 'means' | 'place' | 'source' | 'civilian'
export type StatementState = 'draft' | 'approved' | 'released' | 'withdrawn'

export interface Fact {
  fact_id: string
  kind: FactKind
  time_ns: number
  sequences: number[]
  persons?: number
  at_least?: boolean
  detail?: string
}

export interface Sentence {
  text: string
  facts?: string[]
  by?: string
}

export interface Statement {
  statement_id: string
  incident_id: string
  language: StatementLanguage
  state: StatementState
  sentences: Sentence[]
  facts: Fact[]
  exposures: { sentence: number; what: ExposedThing; word: string }[]
  drafted_by: string
  drafted_ns: number
  exercise?: boolean
  approved_by?: string
  approved_ns?: number | null
  accepted?: string
  embargo_until_ns?: number | null
  released_ns?: number | null
  replaces?: string
}

/** What happened in a span of time, for whoever takes over. */
export interface Brief {
  from_ns: number
  to_ns: number
  alarms: Record<string, number>
  kinds: Partial<Record<Kind, number>>
  nuisances: Record<string, number>
  nuisance_cameras: Record<string, { alarms: number; nuisances: number }>
  nuisance_hours: Record<string, { alarms: number; nuisances: number }>
  lessons: Lesson[]
  median_to_acknowledge_s: number | null
  slowest_to_acknowledge_s: number | null
  waiting: Alarm[]
  holds: Hold[]
  opened: number
  closed: number
  standing: Incident[]
  sought: number
  orders: Dispatch[]
  sightings: unknown[]
  statements: Statement[]
  cameras: { camera_id: string; lost_s: number; lost_now: boolean; troubles: Record<string, number> }[]
}

/** An event of the log. Those that the console acts on are told apart by `type`; the others only have a place in time. */
export type DeskEvent =
  | { type: 'alarm_changed'; time_ns: number; alarm: Alarm; happening: string; officer?: string; reason?: string }
  | { type: 'lesson_changed'; time_ns: number; lesson: Lesson; happening: string; officer?: string; reason?: string }
  | { type: 'alert_waits'; time_ns: number; waiting: PutOff; happening: string }
  | { type: 'retention_ran'; time_ns: number; run: RetentionRun }
  | { type: 'hold_changed'; time_ns: number; hold: Hold; ended?: boolean; officer?: string }
  | {
      type: 'incident_changed'
      time_ns: number
      incident: Incident
      happening: string
      officer: string
      reason?: string
    }
  | { type: 'dispatch_changed'; time_ns: number; dispatch: Dispatch; happening: string; by: string; reason?: string }
  | { type: 'patrol_position'; time_ns: number; patrol_id: string; position: Position; sigma_m?: number }
  | { type: 'camera_lost'; time_ns: number; camera_id: string; detail: string }
  | { type: 'camera_restored'; time_ns: number; camera_id: string; blind_ns: number; attempts: number }
  | { type: 'camera_health'; time_ns: number; camera_id: string; kind: string; detail?: string; ended?: boolean }
  | {
      type: 'camera_run_changed'
      time_ns: number
      camera_id: string
      run: CameraState['run']
      restarts?: number
      detail?: string
    }
  | { type: 'source_trust_changed'; time_ns: number; source: SourceState }
  | { type: 'assessed'; time_ns: number; assessment: Assessment }
  | { type: 'exercise_changed'; time_ns: number; officer: string; name?: string }
  | { type: 'shift_taken'; time_ns: number; shift: Shift; brief_read: boolean; note?: string }
  | { type: 'shift_noted'; time_ns: number; officer: string; text: string }
  | {
      type: 'statement_changed'
      time_ns: number
      statement: Statement
      happening: string
      officer: string
      reason?: string
    }
  | { type: 'sighting_reported'; time_ns: number; sighting: { sighting_id: string; what: string }; officer: string }
  | { type: 'storage_short'; time_ns: number; free_bytes: number; needed_bytes: number; ended?: boolean }
  | { type: 'access_logged'; time_ns: number; happening: string; name: string; subject?: string; count?: number }
  | { type: 'picture_started'; time_ns: number; resumed?: number | null }
  | { type: 'picture_kept'; time_ns: number; picture: Picture }
  | { type: 'picture_track_point' | 'picture_track_lost'; time_ns: number; track: PictureTrack }
  | { type: 'picture_track_ended'; time_ns: number; track_id: string; became?: string }
  | { type: 'picture_group_point' | 'picture_group_changed'; time_ns: number; group: PictureGroup; formed?: boolean }
  | { type: 'picture_group_ended'; time_ns: number; group_id: string; became?: string }
  | {
      type: 'officer_decision'
      time_ns: number
      officer: string
      subject: string
      decision: string
      reason?: string
    }
  | { type: 'release_made'; time_ns: number; release: Release; subject_id: string; act_id?: string }
  | { type: 'release_heard'; time_ns: number; release: Release }
  | { type: 'joint_said'; time_ns: number; message: JointMessage; officer?: string }
  | { type: 'joint_heard'; time_ns: number; message: JointMessage; refused?: string }
  | { type: 'partner_refused'; time_ns: number; party_id: string; reason: string }
  | { type: 'link_turned'; time_ns: number; party_id: string; state: LinkState; reason?: string }
  | { type: 'releases_stopped'; time_ns: number; party_id: string; stop: Stop | null; officer: string }
  | { type: 'emergency_released'; time_ns: number; party_id: string; act: EmergencyAct }
  | { type: 'post_kept'; time_ns: number; watch: PostWatch; officer: string }
  | { type: 'other'; time_ns: number }

export interface Told {
  sequence: number
  event: DeskEvent
}

export type FeedMessage =
  | { type: 'hello'; sequence: number; state: DeskState }
  | { type: 'events'; sequence: number; events: Told[] }
  | {
      type: 'picture'
      sequence: number
      time_ns: number
      tracks?: PictureTrack[]
      groups?: PictureGroup[]
      gone?: string[]
      whole?: boolean
    }
  | {
      type: 'pulse'
      sequence: number
      now_ns: number
      figures: Figures | null
      cameras: CameraState[]
      storage?: Storage | null
      partner?: PartnerPulse | null
    }

export type Act =
  | { type: 'acknowledge'; alarm_id: string }
  | { type: 'close_alarm'; alarm_id: string; reason: string }
  | { type: 'mark_nuisance'; alarm_id: string; cause: NuisanceCause }
  | { type: 'person_after_all'; alarm_id: string }
  | { type: 'end_lesson'; lesson_id: string; reason: string }
  | { type: 'shelve'; alarm_id: string; until_ns: number; reason: string }
  | {
      type: 'hold_alarms'
      kind: HoldKind
      reason: string
      until_ns?: number | null
      rule_id?: string
      camera_id?: string
    }
  | { type: 'release_hold'; hold_id: string }
  | {
      type: 'open_incident'
      kind: IncidentKind
      text: string
      alarm_ids?: string[]
      position?: Position | null
      expected?: Count | null
    }
  | { type: 'take_incident'; incident_id: string }
  | { type: 'hand_over_incident'; incident_id: string; to: string }
  | { type: 'meet_people'; incident_id: string; expected: Count }
  | { type: 'add_alarm'; incident_id: string; alarm_id: string }
  | { type: 'add_note'; incident_id: string; text: string }
  | { type: 'change_kind'; incident_id: string; kind: IncidentKind; reason: string }
  | { type: 'add_clip'; incident_id: string; camera_id: string; from_ns: number; to_ns: number }
  | { type: 'add_hazard'; incident_id: string; kind: HazardKind; note?: string; position?: Position | null }
  | { type: 'end_hazard'; incident_id: string; hazard_id: string; reason: string }
  | { type: 'do_step'; incident_id: string; step: Step; left_out?: string }
  | { type: 'account_for'; incident_id: string; persons: number; outcome: Outcome; note?: string }
  | { type: 'close_incident'; incident_id: string; sought_reason?: string }
  | { type: 'reopen_incident'; incident_id: string; reason: string }
  | { type: 'send_patrol'; incident_id: string; patrol_id: string; task: Task; text: string }
  | { type: 'answer_order'; dispatch_id: string; says: Says; time_ns: number; via: Via; note?: string }
  | { type: 'recall_patrol'; dispatch_id: string; reason: string }
  | { type: 'report_position'; patrol_id: string; position: Position; sigma_m: number; time_ns: number }
  | { type: 'assess'; subject_id: string; says: string; reason: string; until_ns: number }
  | { type: 'look_up'; subject_id: string; reason: string }
  | { type: 'set_exercise'; on: boolean; name?: string }
  | { type: 'take_shift'; brief_read: boolean; note?: string }
  | { type: 'note_shift'; text: string }
  | {
      type: 'report_sighting'
      what: string
      position: Position
      sigma_m: number
      seen_ns: number
      source: 'A' | 'B' | 'C' | 'D' | 'E' | 'F'
      content: '1' | '2' | '3' | '4' | '5' | '6'
      reporter_kind: 'patrol' | 'post' | 'resident' | 'other'
      count?: Count | null
      reporter?: string
    }
  | { type: 'draft_statement'; incident_id: string; language: StatementLanguage; place: string }
  | { type: 'edit_statement'; statement_id: string; sentences: Sentence[] }
  | { type: 'approve_statement'; statement_id: string; accepted?: string; embargo_until_ns?: number | null }
  | { type: 'release_statement'; statement_id: string }
  | { type: 'withdraw_statement'; statement_id: string; reason: string }
  | { type: 'stop_releases'; reason: string }
  | { type: 'resume_releases'; reason: string }
  | { type: 'release_beyond'; kind: EmergencyKind; subject_ids: string[]; reason: string; minutes: number }
  | { type: 'keep_post'; post_id: string; watched: boolean; minutes: number }
  | { type: 'say_to_partner'; body: JointBody }

/** An act with the name that makes it count once, however often it is sent. */
export type NamedAct = Act & { act_id: string }

/** An event of the log as it is kept; null once it has been erased. */
export interface Stored {
  sequence: number
  event: DeskEvent | null
}

export interface Done {
  sequence: number
  events: Told[]
  repeated?: boolean
}
