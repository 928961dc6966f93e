/** The heavy views, each loaded when it is first shown; null where a build has been made without it. */
import type { Component } from 'svelte'

type View = Component<Record<string, unknown>>
const VIEWS = import.meta.glob<{ default: View }>([
  '../map/MapView.svelte',
  '../camera/CameraView.svelte',
  '../camera/CameraWall.svelte',
])

async function load(path: string): Promise<View | null> {
  const found = VIEWS[path]
  return found ? (await found()).default : null
}

export const mapView = (): Promise<View | null> => load('../map/MapView.svelte')
export const cameraView = (): Promise<View | null> => load('../camera/CameraView.svelte')
export const cameraWall = (): Promise<View | null> => load('../camera/CameraWall.svelte')
