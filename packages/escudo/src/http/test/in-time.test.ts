import { describe, expect, test } from 'vitest'
import { circuitBreaker, consecutive, retry, shield, timeout } from '../../index.ts'
import { blockedClock } from '../../policies/bulkhead/test/setup.ts'
import { resilientFetch } from '../resilient-fetch.ts'

/** A client whose `fetch` counts the requests, and its breaker. */
function setUp() {
  const clock = blockedClock()
  const breaker = circuitBreaker({ trip: consecutive(1) })
  const seen = { sent: 0 }
  const get = resilientFetch({
    name: 'inventory',
    baseUrl: 'http://inventory',
    shield: shield({ name: 'inventory', clock }, timeout(100), retry(), breaker),
    fetch: async () => {
      seen.sent += 1
      return new Response('ok')
    },
  })
  return { clock, breaker, seen, get }
}

describe('resilientFetch sends no request', () => {
  test('after the deadline of a call around it, and its breaker counts nothing', async () => {
    const { clock, breaker, seen, get } = setUp()
    const outer = shield({ name: 'shop', clock })
    const loaded = outer.wrap(async () => {
      clock.block(50)
      return await get('/items')
    })
    expect((await loaded()).status).toBe(200)
    const limited = shield({ name: 'shop', clock }, timeout(100)).wrap(async () => {
      clock.block(100)
      return await get('/items').catch((error) => error.code)
    })
    expect(await limited()).toBe('DEADLINE_EXCEEDED')
    expect([seen.sent, breaker.state]).toEqual([1, 'closed'])
  })

  test('after its own timeout, if its body took long to read', async () => {
    const { clock, seen, get } = setUp()
    const body = new ReadableStream({
      pull(controller) {
        clock.block(100)
        controller.enqueue(new TextEncoder().encode('x'))
        controller.close()
      },
    })
    const answer = get('/items', { method: 'PUT', body, duplex: 'half' } as RequestInit)
    await expect(answer).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    expect(seen.sent).toBe(0)
  })

  test('but does if a call around it has time left', async () => {
    const { clock, seen, get } = setUp()
    const inTime = shield({ name: 'shop', clock }, timeout(100)).wrap(async () => {
      clock.block(99)
      return await get('/items')
    })
    expect((await inTime()).status).toBe(200)
    expect(seen.sent).toBe(1)
  })
})
