import { describe, expect, test } from 'vitest'
import { definePolicy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import { hedge } from '../../policies/hedge/hedge.ts'
import type { HedgeOptions } from '../../policies/hedge/options.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import type { ResilientFetchOptions } from '../options.ts'
import { arrived, setUp } from './hedge-setup.ts'
import { settled } from './setup.ts'

describe('hedges only safe methods, unless unsafe: true', () => {
  /** Counts the requests of a call without a response: after the hedge delay, and after the connections fail. */
  async function sent(init: RequestInit, options: Partial<HedgeOptions>, client: Partial<ResilientFetchOptions> = {}) {
    const { clock, get, requests, state } = await setUp(() => {}, options, client)
    const outcome = get('/', init).catch((error: unknown) => error)
    await arrived(requests, 1)
    await clock.advance(100)
    await settled()
    const inFlight = requests.length
    for (const { response } of requests) response.destroy()
    await settled()
    await outcome
    expect(state().inUse).toBe(0)
    expect(state().hedges).toBe(requests.length - 1)
    return [inFlight, requests.length]
  }
  const stream = (): RequestInit => ({
    body: new Blob(['x']).stream(),
    duplex: 'half',
  })

  test.each<[string, RequestInit, Partial<HedgeOptions>, Partial<ResilientFetchOptions>, number]>([
    ['GET', { method: 'GET' }, {}, {}, 2],
    ['HEAD', { method: 'HEAD' }, {}, {}, 2],
    ['OPTIONS', { method: 'OPTIONS' }, {}, {}, 2],
    ['PUT', { method: 'PUT', body: 'x' }, {}, {}, 1],
    ['DELETE', { method: 'DELETE' }, {}, {}, 1],
    ['POST', { method: 'POST', body: 'x' }, {}, {}, 1],
    ['POST with a key', { method: 'POST', body: 'x' }, {}, { idempotencyKey: true }, 1],
    ['PUT, unsafe', { method: 'PUT', body: 'x' }, { unsafe: true }, {}, 2],
    ['DELETE, unsafe', { method: 'DELETE' }, { unsafe: true }, {}, 2],
    ['POST with a key, unsafe', { method: 'POST', body: 'x' }, { unsafe: true }, { idempotencyKey: true }, 2],
    // Two POSTs could create two orders.
    ['POST, unsafe', { method: 'POST', body: 'x' }, { unsafe: true }, {}, 1],
    ['PATCH, unsafe', { method: 'PATCH', body: 'x' }, { unsafe: true }, {}, 1],
    // A stream has no second body.
    ['PUT of a stream, unsafe', { method: 'PUT', ...stream() }, { unsafe: true }, {}, 1],
    [
      'PUT of a buffered stream, unsafe',
      { method: 'PUT', ...stream() },
      { unsafe: true },
      { retryBody: { maxBytes: 9 } },
      2,
    ],
  ])('%s', async (_what, init, options, client, times) => {
    expect(await sent(init, options, client)).toEqual([times, times])
  })

  test('in a nested hedge behind another policy too', async () => {
    const clock = virtualClock()
    const layer = definePolicy({ name: 'layer', wrap: (next) => (call, operation) => next(call, operation) })
    const { get, requests } = await setUp(
      () => {},
      {},
      {
        shield: shield(
          { name: 'y', clock },
          layer,
          hedge({ after: 50, unsafe: true }),
          hedge({ after: 50, name: 'in' }),
        ),
      },
    )
    const outcome = get('/', { method: 'PUT', body: 'x' }).catch((error: unknown) => error)
    await arrived(requests, 1)
    await clock.advance('1s')
    await settled()
    // The outer hedge may send a PUT again, the inner one may not.
    expect(requests).toHaveLength(2)
    for (const { response } of requests) response.end('x')
    expect(await outcome).toBeInstanceOf(Response)
  })
})
