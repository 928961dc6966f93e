/** Sounds by priority, made here: no file and no voice. Silence is shown in the status bar and changes nothing else. */
import type { Priority } from '../api/types'
import { preferences } from './preferences.svelte'

/** Hertz, and seconds from the start: rising and thrice for high, twice for medium, once and soft for low. */
const TONES: Record<Priority, readonly (readonly [number, number])[]> = {
  high: [
    [660, 0],
    [784, 0.18],
    [988, 0.36],
  ],
  medium: [
    [587, 0],
    [587, 0.28],
  ],
  low: [[440, 0]],
}
const LOUD: Record<Priority, number> = { high: 0.3, medium: 0.2, low: 0.1 }
const LENGTH_S = 0.16

class Sound {
  /** Browsers keep pages silent until their user has touched them. */
  blocked = $state(true)
  #context: AudioContext | null = null

  /** Call from a key or a click: only then may a page begin to sound. */
  wake(): void {
    if (!navigator.userActivation.hasBeenActive) return
    this.#context ??= new AudioContext()
    void this.#context.resume().then(() => (this.blocked = this.#context?.state !== 'running'))
  }

  play(priority: Priority): void {
    const context = this.#context
    if (!preferences.sound || !context || context.state !== 'running') return
    for (const [hertz, at_s] of TONES[priority]) this.#tone(context, hertz, at_s, LOUD[priority])
  }

  #tone(context: AudioContext, hertz: number, at_s: number, loud: number): void {
    const start = context.currentTime + at_s
    const tone = new OscillatorNode(context, { frequency: hertz, type: 'sine' })
    const volume = new GainNode(context, { gain: 0 })
    volume.gain.linearRampToValueAtTime(loud, start + 0.015)
    volume.gain.setValueAtTime(loud, start + LENGTH_S - 0.04)
    volume.gain.linearRampToValueAtTime(0, start + LENGTH_S)
    tone.connect(volume).connect(context.destination)
    tone.start(start)
    tone.stop(start + LENGTH_S + 0.02)
  }
}

export const sound = new Sound()
