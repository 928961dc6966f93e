/** What a patrol may say next of its order, in the order of the buttons. */
import type { DispatchState, Says } from '../api/types'

const WAY: readonly Says[] = ['received', 'accepted', 'under_way', 'on_scene', 'done']
const OVER = new Set<DispatchState>(['done', 'refused', 'could_not', 'recalled'])

export const isOver = (state: DispatchState): boolean => OVER.has(state)

export function answersTo(state: DispatchState): Says[] {
  if (isOver(state)) return []
  const come = WAY.findIndex((says) => says === state) + 1
  return [...WAY.slice(come), ...(come < 2 ? (['refused'] as const) : []), 'could_not']
}

/** What a patrol most likely says next. */
export const nextAnswer = (state: DispatchState): Says | undefined =>
  state === 'sent' || state === 'not_delivered' || state === 'received' ? 'accepted' : answersTo(state)[0]
