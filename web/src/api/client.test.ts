import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import * as client from './client'

/** A server with one session, which can fall silent. */
function server() {
  const at = { up: true, name: 'zainab' as string | null }
  vi.stubGlobal('fetch', async (_path: string, { method }: RequestInit) => {
    if (!at.up) throw new TypeError('failed to fetch')
    if (method === 'DELETE') at.name = null
    if (method === 'POST') at.name = 'omar'
    return method === 'GET' ? Response.json({ name: at.name, csrf: 'x' }) : new Response(null, { status: 204 })
  })
  return at
}

beforeEach(() => {
  const kept = new Map<string, string>()
  const localStorage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  }
  vi.stubGlobal('window', { localStorage })
})
afterEach(() => void vi.unstubAllGlobals())

describe('whoever signs out', () => {
  it('is signed out at once', async () => {
    const at = server()
    await client.signOut()
    expect(at.name).toBeNull()
    expect((await client.session()).name).toBeNull()
  })

  it('is signed out by the next contact where the server was silent', async () => {
    const at = server()
    at.up = false
    await client.signOut()
    await expect(client.session()).rejects.toMatchObject({ failure: 'offline' })
    at.up = true
    expect((await client.session()).name).toBeNull()
    expect(at.name).toBeNull()
  })

  it('does not take the next officer along', async () => {
    const at = server()
    at.up = false
    await client.signOut()
    at.up = true
    expect((await client.signIn('omar', 'a long password')).name).toBe('omar')
    expect((await client.session()).name).toBe('omar')
  })
})
