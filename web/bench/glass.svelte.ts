/** A page with one camera view or the wall, which keeps what `benchmarks/glass.py` wants to know. */
import { mount } from 'svelte'
import CameraView from '../src/camera/CameraView.svelte'
import CameraWall from '../src/camera/CameraWall.svelte'

const asked = new URLSearchParams(location.search)
const target = document.getElementById('view')
const delays: number[] = []
Object.assign(window, { delays })

if (target && asked.has('wall')) {
  const cameras = Array.from({ length: 16 }, (_, number) => ({ camera_id: `C${number}` }))
  mount(CameraWall, { target, props: { cameras, alarmed: ['C3'], onselect: () => undefined } })
} else if (target) {
  const codec = asked.get('codec') === 'jpeg' ? 'jpeg' : 'h264'
  const palette = asked.get('palette') === 'even' ? 'even' : 'white'
  const replay = asked.get('from')
  const led = asked.has('led')
  const props = $state({
    cameraId: 'C0', codec, palette, marked: [1],
    ...(replay ? { mode: 'replay' as const, fromNs: Number(replay), playing: !led } : {}),
    ...(led ? { onplay: (playing: boolean) => (props.playing = playing) } : {}),
  } as Record<string, unknown> & { cameraId: string; fromNs?: number; playing?: boolean })
  Object.assign(window, { props })
  mount(CameraView, { target, props })
  target.addEventListener(
    'painted',
    (event) => delays.push((event as CustomEvent<{ delay_ms: number }>).detail.delay_ms),
    true,
  )
}
