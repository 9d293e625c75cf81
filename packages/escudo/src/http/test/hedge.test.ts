import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { definePolicy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { hedge } from '../../policies/hedge/hedge.ts'
import type { HedgeOptions } from '../../policies/hedge/options.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import type { ResilientFetchOptions } from '../options.ts'
import { resilientFetch } from '../resilient-fetch.ts'

interface Seen {
  readonly number: number
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Resolves when the client has gone, or has got it all. */
  readonly closed: Promise<void>
}

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** Lets everything that is on its way through loopback and promises arrive. */
const settled = () => new Promise((resume) => setTimeout(resume, 20))

/** Waits for so many requests: which is the first one must not depend on the machine. */
async function arrived(requests: readonly Seen[], count: number): Promise<void> {
  await vi.waitFor(() => expect(requests.length).toBeGreaterThanOrEqual(count), { timeout: 5_000, interval: 2 })
}

/** A server, and a client of it whose every hedge begins when the clock has moved by 100 ms. */
async function setUp(
  answer: (seen: Seen) => void,
  options: Partial<HedgeOptions> = {},
  client: Partial<ResilientFetchOptions> = {},
) {
  const requests: Seen[] = []
  const server = createServer((request, response) => {
    const closed = new Promise<void>((resolve) => void response.on('close', resolve))
    const seen = { number: requests.length + 1, request, response, closed }
    requests.push(seen)
    answer(seen)
  })
  servers.push(server)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const clock = virtualClock()
  const guarded = shield(
    { name: 'x', clock },
    hedge({ after: 100, ...options }),
    circuitBreaker({ trip: consecutive(1) }),
    bulkhead({ limit: 3 }),
    timeout('10s'),
  )
  const get = resilientFetch({ name: 'x', baseUrl, shield: guarded, ...client })
  const state = () => {
    const [{ calls, hedges, wins }, { state: breaker, failures }, { inUse }] = guarded.status().policies as unknown as [
      { calls: number; hedges: number; wins: number },
      { state: string; failures: number },
      { inUse: number },
    ]
    return { calls, hedges, wins, breaker, failures, inUse }
  }
  return { clock, get, guarded, requests, state }
}

const FIRST_HANGS = ({ number, response }: Seen): void => {
  if (number > 1) response.end(`answer ${number}`)
}

describe('a GET', () => {
  test('that takes long is sent again; the loser is cut, and counts against nobody', async () => {
    const { clock, get, requests, state } = await setUp(FIRST_HANGS)
    const response = get('/')
    await arrived(requests, 1)
    await clock.advance(100)
    expect(await (await response).text()).toBe('answer 2')
    await requests[0]?.closed
    expect(requests[0]?.response.writableFinished).toBe(false)
    expect(requests[1]?.request.headers['x-retry-attempt']).toBe('2')
    await settled()
    expect(state()).toEqual({ calls: 1, hedges: 1, wins: 1, breaker: 'closed', failures: 0, inUse: 0 })
    expect(clock.pending).toBe(0)
  })

  test('the loser is cut when the winner answers, not when the body of the winner has been read', async () => {
    const { clock, get, requests, state } = await setUp(({ number, response }) => {
      if (number === 2) response.write('first ')
    })
    const pending = get('/')
    await arrived(requests, 1)
    await clock.advance(100)
    const response = await pending
    await requests[0]?.closed
    await settled()
    // The winner's body is still coming, and keeps its place; the loser's is free.
    expect(state()).toMatchObject({ hedges: 1, wins: 1, inUse: 1 })
    requests[1]?.response.end('second')
    expect(await response.text()).toBe('first second')
    await settled()
    expect(state()).toMatchObject({ breaker: 'closed', failures: 0, inUse: 0 })
  })

  test('whose headers have come is not hedged, however long its body takes', async () => {
    const { clock, get, requests, state } = await setUp(({ response }) => void response.write('first '))
    const response = await get('/')
    await clock.advance(5_000)
    requests[0]?.response.end('second')
    expect(await response.text()).toBe('first second')
    expect(requests).toHaveLength(1)
    expect(state()).toMatchObject({ calls: 1, hedges: 0 })
  })

  test('the time of its headers is its latency, and not that of its reader', async () => {
    const { clock, get, guarded } = await setUp(({ response }) => void response.write('x'), {
      after: { quantile: 0.5, initial: '1h' },
    })
    for (let call = 1; call <= 20; call += 1) {
      const response = await get('/')
      await clock.advance('1s')
      await response.body?.cancel()
    }
    // On this clock the headers take no time at all.
    expect(guarded.status().policies[0]).toMatchObject({ delayMs: 0.1 })
  })

  test("a body that a losing attempt's answer has already begun is cancelled: its connection closes", async () => {
    const cancelled: number[] = []
    let number = 0
    // Both answers come in one tick: the second is there before anybody could have cut its attempt.
    const gate: (() => void)[] = []
    const { clock, get, requests, state } = await setUp(
      ({ response }) => void response.write('x'.repeat(1_000)),
      {},
      {
        fetch: async (input, init) => {
          number += 1
          const own = number
          const { signal: _deaf, ...rest } = init ?? {}
          const response = await fetch(input as string, rest)
          const body = response.body as ReadableStream<Uint8Array>
          const cancel = body.cancel.bind(body)
          body.cancel = async (reason) => {
            cancelled.push(own)
            await cancel(reason)
          }
          await new Promise<void>((resolve) => gate.push(resolve))
          return response
        },
      },
    )
    const pending = get('/')
    await arrived(requests, 1)
    await clock.advance(100)
    await arrived(requests, 2)
    await settled()
    for (const open of gate) open()
    const response = await pending
    // By us, and at once: the runtime would do it in the end, when it collects the garbage.
    expect(cancelled).toEqual([2])
    await requests[1]?.closed
    await response.body?.cancel()
    await requests[0]?.closed
    await settled()
    expect(state()).toEqual({ calls: 1, hedges: 1, wins: 0, breaker: 'closed', failures: 0, inUse: 0 })
  })

  test('that fails is sent again at once; the failure that came last becomes the response', async () => {
    const { clock, get, requests } = await setUp(
      ({ number, response }) => {
        response.statusCode = number === 1 ? 500 : 503
        response.end(`failure ${number}`)
      },
      { name: 'h' },
      { shield: shield({ name: 'y', clock: virtualClock() }, hedge({ after: 100 })) },
    )
    const response = await get('/')
    expect([response.status, await response.text()]).toEqual([503, 'failure 2'])
    expect(requests).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })

  test('that fails while another is under way waits for it; with a body of the failed one left over', async () => {
    const { clock, get, requests } = await setUp(
      () => {},
      {},
      {
        shield: shield({ name: 'y' }, hedge({ after: 20 })),
      },
    )
    const pending = get('/')
    await arrived(requests, 2)
    const [first, second] = requests
    if (first !== undefined) {
      first.response.statusCode = 500
      first.response.end('x'.repeat(200_000))
    }
    await settled()
    second?.response.end('fine')
    expect(await (await pending).text()).toBe('fine')
    await first?.closed
    expect(requests).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })

  test('a 404 is an answer, in either mode: nothing more is sent', async () => {
    for (const errors of ['fetch', 'throw'] as const) {
      const { clock, get, requests, state } = await setUp(
        ({ number, response }) => {
          response.statusCode = 404
          if (number > 1) response.end('not there')
        },
        { maxHedges: 5 },
        { errors },
      )
      const outcome = get('/').then(
        ({ status }) => status,
        ({ status }) => status,
      )
      await arrived(requests, 1)
      await clock.advance(100)
      expect(await outcome).toBe(404)
      await requests[0]?.closed
      await settled()
      expect(requests).toHaveLength(2)
      expect(state()).toMatchObject({ hedges: 1, wins: 1, failures: 0, inUse: 0 })
    }
  })

  test('given up by its caller cuts all its attempts, with the reason of the caller', async () => {
    const { clock, get, requests, state } = await setUp(() => {}, { maxHedges: 2 })
    const abort = new AbortController()
    const outcome = get('/', { signal: abort.signal }).catch((error: unknown) => error)
    await arrived(requests, 1)
    await clock.advance(100)
    await clock.advance(100)
    await arrived(requests, 3)
    const reason = new Error('gone home')
    abort.abort(reason)
    expect(await outcome).toBe(reason)
    await Promise.all(requests.map(({ closed }) => closed))
    await settled()
    expect(state()).toMatchObject({ wins: 0, breaker: 'closed', failures: 0, inUse: 0 })
    expect(clock.pending).toBe(0)
  })
})

describe('safe methods only, unless unsafe: true', () => {
  /** How many requests the server gets of one call that never answers, and that fails in the end. */
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
    // Two POSTs would be two orders.
    ['POST, unsafe', { method: 'POST', body: 'x' }, { unsafe: true }, {}, 1],
    ['PATCH, unsafe', { method: 'PATCH', body: 'x' }, { unsafe: true }, {}, 1],
    // There is no second body to send.
    ['PUT of a stream, unsafe', { method: 'PUT', ...stream() }, { unsafe: true }, {}, 1],
    [
      'PUT of a kept stream, unsafe',
      { method: 'PUT', ...stream() },
      { unsafe: true },
      { retryBody: { maxBytes: 9 } },
      2,
    ],
  ])('%s', async (_what, init, options, client, times) => {
    expect(await sent(init, options, client)).toEqual([times, times])
  })

  test('also where another policy stands around the hedge, and where hedges nest', async () => {
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
    // The outer one may, the inner one may not.
    expect(requests).toHaveLength(2)
    for (const { response } of requests) response.end('x')
    expect(await outcome).toBeInstanceOf(Response)
  })
})

test('a loser that makes a value of its end ends nothing: the call lasts as long as the body of the winner', async () => {
  const swallow = definePolicy<unknown, null>({
    name: 'swallow',
    wrap: (next) => async (call, operation) => {
      try {
        return await next(call, operation)
      } catch {
        return null
      }
    },
  })
  const clock = virtualClock()
  // What no type would let pass.
  const outside = shield({ name: 'y', clock }, bulkhead({ limit: 1 }), hedge({ after: 100 }), swallow) as never
  const { get, requests } = await setUp(
    ({ number, response }) => void (number === 2 && response.write('x')),
    {},
    {
      shield: outside,
    },
  )
  const pending = get('/')
  await arrived(requests, 1)
  await clock.advance(100)
  const response = await pending
  await requests[0]?.closed
  await settled()
  const inUse = () => (outside as { status(): { policies: { inUse: number }[] } }).status().policies[0]?.inUse
  expect(inUse()).toBe(1)
  requests[1]?.response.end('y')
  expect(await response.text()).toBe('xy')
  await settled()
  expect(inUse()).toBe(0)
})

test('nested hedges all learn that the answer is out', async () => {
  const clock = virtualClock()
  const nested = shield({ name: 'y', clock }, hedge({ after: 100 }), hedge({ after: 30, name: 'in' }))
  const { get, requests } = await setUp(
    ({ number, response }) => void (number === 3 && response.write('x')),
    {},
    {
      shield: nested,
    },
  )
  const pending = get('/')
  await arrived(requests, 1)
  await clock.advance(110)
  const response = await pending
  await Promise.all(requests.filter((_, index) => index !== 2).map(({ closed }) => closed))
  const hedges = () => nested.status().policies.map((policy) => policy['hedges'])
  const before = hedges()
  await clock.advance('1m')
  expect(hedges()).toEqual(before)
  expect(requests).toHaveLength(3)
  await response.body?.cancel()
  await settled()
  expect(clock.pending).toBe(0)
})
