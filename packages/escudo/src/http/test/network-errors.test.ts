import { describe, expect, test } from 'vitest'
import { shield } from '../../core/shield.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { closedOrigin, retryOnce, serve, upstreamErrorOf } from './setup.ts'

describe('a network error', () => {
  test('distinguishes a refused connection, a reset and an unknown host', async () => {
    const reset = await serve((request) => request.socket.resetAndDestroy())
    const gone = await closedOrigin()
    const get = resilientFetch({ name: 'x', shield: false })
    expect(await upstreamErrorOf(get(gone))).toMatchObject({
      code: 'UPSTREAM_ERROR',
      failure: 'refused',
      status: undefined,
    })
    expect(await upstreamErrorOf(get(reset))).toMatchObject({ code: 'UPSTREAM_ERROR', failure: 'reset' })
    expect(await upstreamErrorOf(get('http://nowhere.invalid/'))).toMatchObject({
      code: 'UPSTREAM_ERROR',
      failure: 'dns',
    })
    expect(factsOf(await upstreamErrorOf(get(gone)))).toMatchObject({ status: 502, retry: 'safe' })
    expect(factsOf(await upstreamErrorOf(get(gone, { method: 'POST' })))).toMatchObject({ retry: 'never' })
  })

  test('is retried', async () => {
    let calls = 0
    const baseUrl = await serve((request, response) => {
      calls += 1
      if (calls === 1) request.socket.resetAndDestroy()
      else response.end('back')
    })
    const response = await resilientFetch({ name: 'x', baseUrl, shield: shield('x', retryOnce()) })('/')
    expect(await response.text()).toBe('back')
  })

  test.each([
    ['UND_ERR_CONNECT_TIMEOUT', 'UPSTREAM_TIMEOUT', 'timeout'],
    ['ECONNRESET', 'UPSTREAM_ERROR', 'reset'],
    ['EAI_AGAIN', 'UPSTREAM_ERROR', 'dns'],
    ['HPE_INVALID_CONSTANT', 'UPSTREAM_ERROR', 'network'],
  ])('is classified by the cause of "fetch failed": %s', async (causeCode, code, failure) => {
    const cause = new AggregateError([Object.assign(new Error('deep'), { code: causeCode })])
    const failing = () => Promise.reject(new TypeError('fetch failed', { cause }))
    const error = await upstreamErrorOf(resilientFetch({ name: 'x', shield: false, fetch: failing })('http://x/'))
    expect(error).toMatchObject({ code, failure })
  })
})
