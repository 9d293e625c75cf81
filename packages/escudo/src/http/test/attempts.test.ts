import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { TimeoutError } from '../../core/errors.ts'
import { definePolicy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { resilientFetch } from '../resilient-fetch.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A shield with one of each, on a clock of its own. */
function guarded() {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(9) })
  const all = shield(
    { name: 'x', clock },
    retry({ maxRetries: 3, backoff: constant('1s') }),
    breaker,
    bulkhead({ limit: 1 }),
    timeout('2s'),
  )
  const state = () => {
    const [{ retries }, { failures, calls }, { inUse }] = all.status().policies as unknown as [
      { retries: number },
      { failures: number; calls: number },
      { inUse: number },
    ]
    return { retries, failures, calls, inUse }
  }
  return { clock, all, state }
}

/** Lets everything that is on its way through loopback and promises arrive. */
const settled = () => new Promise((resume) => setTimeout(resume, 20))

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (reason: unknown) => reason,
  )
}

describe('before the headers', () => {
  test('a timeout is UPSTREAM_TIMEOUT, and retried', async () => {
    let requests = 0
    const baseUrl = await serve((_, response) => {
      requests += 1
      if (requests > 1) response.end('back')
    })
    const { clock, all, state } = guarded()
    const get = resilientFetch({ name: 'x', baseUrl, shield: all })
    const answer = get('/')
    await settled()
    await clock.advance('3s')
    expect(await (await answer).text()).toBe('back')
    expect(state()).toMatchObject({ retries: 1 })
  })

  test('a timeout of a POST is not retried', async () => {
    let requests = 0
    const baseUrl = await serve(() => {
      requests += 1
    })
    const { clock, all, state } = guarded()
    const answer = rejection(resilientFetch({ name: 'x', baseUrl, shield: all })('/', { method: 'POST', body: '1' }))
    await settled()
    await clock.advance('1h')
    const error = await answer
    expect(error).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    expect(factsOf(error)).toMatchObject({ status: 504, retry: 'never' })
    expect(state()).toMatchObject({ retries: 0, failures: 1 })
    expect(requests).toBe(1)
  })

  test('the caller who gives up gets the own reason at once, also when fetch is deaf', async () => {
    const { all } = guarded()
    const deaf = resilientFetch({ name: 'x', shield: all, fetch: () => new Promise(() => {}) })
    const abort = new AbortController()
    const answer = rejection(deaf('http://x/', { signal: abort.signal }))
    abort.abort('gone home')
    expect(await answer).toBe('gone home')
    expect(await rejection(deaf('http://x/', { signal: AbortSignal.abort('before') }))).toBe('before')
    expect(await rejection(deaf(new Request('http://x/', { signal: AbortSignal.abort('before') })))).toBe('before')
  })

  test('an outer timeout that aborts through init.signal is not taken for one of the dependency', async () => {
    const reason = new TimeoutError({ shield: 'outer', policy: 'timeout', stacks: false }, 5)
    const abort = new AbortController()
    const get = resilientFetch({ name: 'x', shield: false, fetch: (_, init) => untilAborted(init?.signal) })
    const answer = rejection(get('http://x/', { signal: abort.signal }))
    abort.abort(reason)
    expect(await answer).toBe(reason)
  })

  test('a deaf fetch that answers after the timeout has its body given up', async () => {
    const { clock, all, state } = guarded()
    let cancelled = 0
    let answerNow = (): void => {}
    const late = () =>
      new Promise<Response>((resolve) => {
        const cancel = (): void => {
          cancelled += 1
        }
        answerNow = () => resolve(new Response(new ReadableStream({ cancel })))
      })
    const answer = rejection(resilientFetch({ name: 'x', shield: all, fetch: late })('http://x/', { method: 'POST' }))
    await clock.advance('2s')
    expect(await answer).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    answerNow()
    await settled()
    expect(cancelled).toBe(1)
    expect(state()).toMatchObject({ inUse: 0 })
  })
})

describe('two attempts at once', () => {
  test('the first answer is the caller own, the other is given up, and its cut does not touch the first', async () => {
    let requests = 0
    let slower: { destroyed: boolean } | undefined
    const baseUrl = await serve((request, response) => {
      requests += 1
      if (requests === 1) {
        slower = request.socket
        setTimeout(() => response.write('slow'), 30)
      } else {
        response.write('fast ')
        setTimeout(() => response.end('body'), 80)
      }
    })
    const both = definePolicy({
      name: 'both',
      wrap: (next) => (call, operation) => Promise.race([next(call, operation), next(call, operation)]),
    })
    const response = await resilientFetch({ name: 'x', baseUrl, shield: shield('x', both, timeout('9s')) })('/')
    expect(await response.text()).toBe('fast body')
    await settled()
    expect(slower?.destroyed).toBe(true)
  })
})

function untilAborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
}
