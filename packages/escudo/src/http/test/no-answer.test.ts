import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { shield } from '../../core/shield.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { UpstreamError } from '../upstream-error.ts'

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

const twice = () => retry({ maxRetries: 1, backoff: constant(1) })

async function errorOf(promise: Promise<unknown>): Promise<UpstreamError> {
  const error = await promise.then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(UpstreamError)
  return error as UpstreamError
}

describe('no answer', () => {
  test('refused, reset and an unknown host are told apart', async () => {
    const reset = await serve((request) => request.socket.resetAndDestroy())
    const gone = await serve(() => {})
    const server = servers.pop() as Server
    await new Promise((closed) => server.close(closed))
    const get = resilientFetch({ name: 'x', shield: false })
    expect(await errorOf(get(gone))).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'refused', status: undefined })
    expect(await errorOf(get(reset))).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'reset' })
    expect(await errorOf(get('http://nowhere.invalid/'))).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'dns' })
    expect(factsOf(await errorOf(get(gone)))).toMatchObject({ status: 502, retry: 'safe' })
    expect(factsOf(await errorOf(get(gone, { method: 'POST' })))).toMatchObject({ retry: 'never' })
  })

  test('is retried', async () => {
    let calls = 0
    const baseUrl = await serve((request, response) => {
      calls += 1
      if (calls === 1) request.socket.resetAndDestroy()
      else response.end('back')
    })
    const response = await resilientFetch({ name: 'x', baseUrl, shield: shield('x', twice()) })('/')
    expect(await response.text()).toBe('back')
  })

  test.each([
    ['UND_ERR_CONNECT_TIMEOUT', 'UPSTREAM_TIMEOUT', 'timeout'],
    ['ECONNRESET', 'UPSTREAM_ERROR', 'reset'],
    ['EAI_AGAIN', 'UPSTREAM_ERROR', 'dns'],
    ['HPE_INVALID_CONSTANT', 'UPSTREAM_ERROR', 'network'],
  ])('is read from the cause of "fetch failed": %s', async (causeCode, code, failure) => {
    const cause = new AggregateError([Object.assign(new Error('deep'), { code: causeCode })])
    const failing = () => Promise.reject(new TypeError('fetch failed', { cause }))
    const error = await errorOf(resilientFetch({ name: 'x', shield: false, fetch: failing })('http://x/'))
    expect(error).toMatchObject({ code, failure })
  })
})
