// Keeps the patrol's page on the phone, so that it opens without a link. What the page asks of the server is never kept.
const CACHE = 'marsad-patrol-1'
const PAGE = '/patrol'

async function keepAll() {
  const cache = await caches.open(CACHE)
  const page = await fetch(PAGE, { cache: 'no-cache' })
  if (!page.ok) return
  const text = await page.clone().text()
  const parts = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((found) => found[1])
  await cache.put(PAGE, page)
  const styles = parts.filter((part) => part.endsWith('.css'))
  const fonts = await Promise.all(
    styles.map(async (style) => {
      const css = await (await fetch(style)).text()
      return [...css.matchAll(/url\((\/[^)]+)\)/g)].map((found) => found[1])
    }),
  )
  await cache.addAll([...new Set([...parts, ...fonts.flat()])])
}

self.addEventListener('install', (event) => event.waitUntil(keepAll().then(() => self.skipWaiting())))
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

async function pageOr(request) {
  const cache = await caches.open(CACHE)
  try {
    const fresh = await fetch(request)
    if (fresh.ok) {
      await cache.put(PAGE, fresh.clone())
      return fresh
    }
  } catch {
    // No link: the kept page will do.
  }
  return (await cache.match(PAGE)) ?? Response.error()
}

async function keptOr(request) {
  const kept = await caches.match(request)
  if (kept) return kept
  const fresh = await fetch(request)
  if (fresh.ok) (await caches.open(CACHE)).put(request, fresh.clone())
  return fresh
}

self.addEventListener('fetch', (event) => {
  const { pathname, origin } = new URL(event.request.url)
  if (event.request.method !== 'GET' || origin !== self.location.origin) return
  if (pathname === PAGE) event.respondWith(pageOr(event.request))
  else if (pathname.startsWith('/assets/')) event.respondWith(keptOr(event.request))
})
