/** The map with a crowd on it: `?tracks=500&lang=ar&theme=dark`; `step()` and `select()` are called from outside. */
import { mount } from 'svelte'
import '../src/ui/theme.css'
import '../src/ui/fonts.css'
import '../src/ui/base.css'
import Page from './Page.svelte'
import { Crowd } from './crowd.svelte'
import { preferences, type Language, type Theme } from '../src/ui/preferences.svelte'
import type { Layers, Selection } from '../src/ui/selection'

const asked = new URLSearchParams(location.search)
preferences.language = (asked.get('lang') ?? 'ar') as Language
preferences.theme = (asked.get('theme') ?? 'dark') as Theme

const crowd = new Crowd(await (await fetch('/api/site')).json(), Number(asked.get('tracks') ?? 500))
const target = document.getElementById('map')
if (target) mount(Page, { target, props: { crowd } })

declare global {
  interface Window {
    crowd: Crowd
    select: (selection: Selection | null) => void
    layers: (change: Partial<Layers>) => void
  }
}
window.crowd = crowd
