/** How many pictures stand side by side on the wall, and how wide they are. */

export interface WallPlan {
  columns: number
  tile_px: number
}

/** As the wall's style has it: around and between the pictures, and the line of words under each. */
const GAP_PX = 8
const LINE_PX = 36
const SHAPE = 5 / 4
/** Below this nothing can be made out: the wall is scrolled rather than made smaller. */
const LEAST_PX = 176

/** The columns with which so many pictures come out largest in a room; all fit into it unless they would be too small. */
export function wallOf(count: number, width_px: number, height_px: number): WallPlan {
  let best: WallPlan = { columns: 1, tile_px: 0 }
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns)
    const across = (width_px - GAP_PX * (columns + 1)) / columns
    const down = ((height_px - GAP_PX * (rows + 1)) / rows - LINE_PX) * SHAPE
    const tile_px = Math.floor(Math.min(across, down))
    if (tile_px > best.tile_px) best = { columns, tile_px }
  }
  if (best.tile_px >= LEAST_PX || width_px <= 0) return best
  const columns = Math.max(1, Math.floor((width_px - GAP_PX) / (LEAST_PX + GAP_PX)))
  return { columns, tile_px: Math.floor((width_px - GAP_PX * (columns + 1)) / columns) }
}
