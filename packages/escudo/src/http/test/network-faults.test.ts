import { getEventListeners } from 'node:events'
import type { Socket } from 'node:net'
import { createServer } from 'node:tls'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { selfSigned } from './certificates.ts'
import { rawServer } from './raw-server.ts'
import { closedOrigin, retryOnce, serve, settled, upstreamErrorOf } from './setup.ts'

/** A dependency with a fault. */
interface Faulty {
  readonly url: string
  /** The requests that arrived. Absent if none can arrive. */
  readonly requests?: readonly string[]
  /** The open connections. */
  readonly sockets?: ReadonlySet<unknown>
  /** Options of `fetch`, such as a dispatcher. */
  readonly init?: object
}

interface Fault {
  readonly name: string
  readonly start: () => Promise<Faulty>
  readonly code?: 'UPSTREAM_ERROR' | 'UPSTREAM_TIMEOUT'
  readonly failure: string
  /** When the fault occurs. After the headers the caller has its response, and nothing is retried. */
  readonly when?: 'before the headers' | 'after the headers'
}

const reply =
  (text: string, then?: (socket: Socket) => void): (() => Promise<Faulty>) =>
  async () => {
    const { origin, requests, sockets } = await rawServer((socket) => socket.write(text, () => then?.(socket)))
    return { url: origin, requests, sockets }
  }
const reset = (socket: Socket): void => void setImmediate(() => socket.resetAndDestroy())
const close = (socket: Socket): void => void setImmediate(() => socket.end())

async function tlsServer(certificate: { key: string; cert: string }): Promise<string> {
  const server = createServer(certificate)
  server.on('tlsClientError', () => {})
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  onTestFinished(() => void server.close())
  return `https://127.0.0.1:${(server.address() as { port: number }).port}`
}

/** An undici dispatcher. Node exports no constructor; the one that `fetch` uses has it. */
async function agent(connect: object): Promise<object> {
  // Creates the global dispatcher.
  await fetch('data:,x')
  await fetch('http://127.0.0.1:9/').catch(() => {})
  const used = (globalThis as never)[Symbol.for('undici.globalDispatcher.1')] as object
  const Agent = used.constructor as new (options: object) => { destroy(): Promise<void> }
  const made = new Agent({ connect })
  onTestFinished(() => made.destroy())
  return { dispatcher: made }
}

const trusting = (cert: string) => agent({ ca: cert })

const FAULTS: readonly Fault[] = [
  { name: 'a reset before the headers', start: reply('', reset), failure: 'reset' },
  { name: 'a reset within the headers', start: reply('HTTP/1.1 200 OK\r\ncontent-le', reset), failure: 'reset' },
  { name: 'a connection closed before the headers', start: reply('', close), failure: 'reset' },
  { name: 'headers that stall', start: reply(''), failure: 'timeout', code: 'UPSTREAM_TIMEOUT' },
  {
    name: 'headers that stall halfway',
    start: reply('HTTP/1.1 200 OK\r\nx: '),
    failure: 'timeout',
    code: 'UPSTREAM_TIMEOUT',
  },
  {
    name: 'a body that stalls',
    start: reply('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'),
    failure: 'timeout',
    code: 'UPSTREAM_TIMEOUT',
    when: 'after the headers',
  },
  {
    name: 'a reset within the body',
    start: reply('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf', reset),
    failure: 'body',
    when: 'after the headers',
  },
  {
    name: 'a body shorter than its length',
    start: reply('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf', close),
    failure: 'body',
    when: 'after the headers',
  },
  {
    name: 'a chunked body without its end',
    start: reply('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n', close),
    failure: 'body',
    when: 'after the headers',
  },
  {
    name: 'a chunk that breaks off',
    start: reply('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf', close),
    failure: 'body',
    when: 'after the headers',
  },
  { name: 'a 100 that was not asked for', start: reply('HTTP/1.1 100 Continue\r\n\r\n'), failure: 'reset' },
  {
    name: 'a 101 that was not asked for',
    start: reply('HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    failure: 'reset',
  },
  {
    name: 'headers that are too large',
    start: reply(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`),
    failure: 'network',
  },
  { name: 'an answer that is no HTTP', start: reply('220 smtp ready\r\n'), failure: 'network' },
  {
    name: 'a redirect loop',
    start: async () => {
      const { origin, sockets } = await rawServer((socket) => {
        socket.end('HTTP/1.1 302 x\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
      })
      return { url: origin, sockets }
    },
    failure: 'network',
  },
  { name: 'a connection that is refused', start: async () => ({ url: await closedOrigin() }), failure: 'refused' },
  {
    name: 'a connection that every address refuses',
    start: async () => {
      const { port } = new URL(await closedOrigin())
      const both = [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]
      const lookup = (_: string, options: { all?: boolean }, done: (...args: unknown[]) => void): void =>
        options.all ? done(null, both) : done(null, '127.0.0.1', 4)
      return { url: `http://two-addresses.invalid:${port}/`, init: await agent({ lookup }) }
    },
    failure: 'refused',
  },
  { name: 'a name that does not exist', start: async () => ({ url: 'http://nonexistent.invalid/' }), failure: 'dns' },
  {
    name: 'a name server that does not answer',
    start: async () => ({ url: 'http://slow.invalid/', init: await agent({ lookup: () => {} }) }),
    failure: 'timeout',
    code: 'UPSTREAM_TIMEOUT',
  },
  {
    name: 'a certificate that is not trusted',
    start: async () => ({ url: await tlsServer(selfSigned()) }),
    failure: 'tls',
  },
  {
    name: 'a certificate that has expired',
    start: async () => {
      const certificate = selfSigned({ daysLeft: -1 })
      return { url: await tlsServer(certificate), init: await trusting(certificate.cert) }
    },
    failure: 'tls',
  },
  {
    name: 'a certificate for another host',
    start: async () => {
      const certificate = selfSigned({ address: '127.0.0.2' })
      return { url: await tlsServer(certificate), init: await trusting(certificate.cert) }
    },
    failure: 'tls',
  },
  {
    name: 'no TLS where TLS is expected',
    start: async () => {
      const origin = await serve((_, response) => response.end())
      return { url: origin.replace('http:', 'https:') }
    },
    failure: 'tls',
  },
]

/** Calls the dependency through a retry, a breaker and a timeout, and reads the body. */
async function callFaulty({ code }: Fault, { url, init }: Faulty, method: string) {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(9) })
  const guarded = shield({ name: 'x', clock }, retryOnce(), breaker, timeout('2s'))
  const send = resilientFetch({ name: 'x', shield: guarded })
  const { signal } = new AbortController()
  const body = method === 'POST' ? 'x' : null
  let ended = false
  const outcome = upstreamErrorOf(send(url, { ...init, method, body, signal }).then((response) => response.text()))
  outcome.then(
    () => (ended = true),
    () => (ended = true),
  )
  while (!ended) {
    await new Promise((resume) => setTimeout(resume, 15))
    // Only the delay of the retry, unless the timeout is expected.
    await clock.advance(code === 'UPSTREAM_TIMEOUT' ? 2_000 : 1)
  }
  const [{ retries }, { failures }] = guarded.status().policies as unknown as [
    { retries: number },
    { failures: number },
  ]
  return { error: await outcome, retries, failures, clock, listeners: getEventListeners(signal, 'abort').length }
}

describe.each(FAULTS)('$name', (fault) => {
  const { code = 'UPSTREAM_ERROR', failure, when = 'before the headers' } = fault

  test.each(['GET', 'POST'])('is typed, counted and retried only where that is safe: %s', async (method) => {
    const faulty = await fault.start()
    const { error, retries, failures, clock, listeners } = await callFaulty(fault, faulty, method)
    expect(error).toMatchObject({ code, failure, method })
    expect(factsOf(error)).toMatchObject({
      code,
      kind: 'technical',
      status: code === 'UPSTREAM_TIMEOUT' ? 504 : 502,
      retry: method === 'GET' ? 'safe' : 'never',
    })
    expect(factsOf(error)?.verdict).toBeUndefined()
    const attempts = method === 'GET' && when === 'before the headers' ? 2 : 1
    expect({ retries, failures }).toEqual({ retries: attempts - 1, failures: attempts })
    if (faulty.requests !== undefined) expect(faulty.requests).toHaveLength(attempts)
    expect(listeners).toBe(0)
    expect(clock.pending).toBe(0)
    await vi.waitUntil(() => (faulty.sockets?.size ?? 0) === 0)
  })
})

describe('an informational response', () => {
  test('103 before the answer is skipped', async () => {
    const { origin } = await rawServer((socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    })
    const response = await resilientFetch({ name: 'x', shield: false })(origin)
    expect([response.status, await response.text()]).toEqual([200, 'ok'])
  })
})

describe('a kept connection that the server closes when it is used again', () => {
  test.each([
    ['GET', 200],
    ['POST', 'reset'],
  ])('fails that attempt: %s ends with %s', async (method, expected) => {
    const first = new Set<Socket>()
    const { origin, requests } = await rawServer((socket) => {
      if (first.has(socket)) socket.destroy()
      else {
        first.add(socket)
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
      }
    })
    const send = resilientFetch({ name: 'x', shield: shield('x', retryOnce()) })
    expect(await (await send(origin)).text()).toBe('ok')
    await settled()
    const outcome = send(origin, { method }).then(
      (response) => response.status,
      (error) => error.failure,
    )
    expect(await outcome).toBe(expected)
    expect(requests).toHaveLength(method === 'GET' ? 3 : 2)
  })
})
