import { Controller, Get } from '@nestjs/common'
import { EMPTY } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { shield } from '../../../core/shield.ts'
import { circuitBreaker } from '../../../policies/circuit-breaker/circuit-breaker.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { constant } from '../../../policies/retry/state/backoff.ts'
import { UseShield } from '../use-shield.ts'
import { appPerTest, ask, decorate, PLATFORMS } from './setup.ts'

function routes(decorator: ClassDecorator & MethodDecorator, body: () => unknown) {
  class Routes {
    route() {
      return body()
    }
  }
  Controller()(Routes)
  decorate(Routes, 'route', [Get('route')])
  decorator(Routes)
  return Routes
}

describe.each(PLATFORMS)('UseShield on %s', (platform) => {
  const start = appPerTest()

  it('calls the handler again for a retry, and counts the retry in the log line', async () => {
    let calls = 0
    const flaky = shield('flaky', retry({ maxRetries: 1, backoff: constant(0) }))
    const controller = routes(UseShield(flaky), async () => {
      calls += 1
      if (calls === 1) throw new Error('once')
      return { calls }
    })
    const { url, waitFor } = await start(platform, { module: { controllers: [controller] } })
    expect((await ask(`${url}/route`)).body).toEqual({ calls: 2 })
    expect(await waitFor('http.request')).toEqual([expect.objectContaining({ retries: 1 })])
  })

  it('finds a shield by its name, and answers its refusal', async () => {
    const breaker = circuitBreaker({ openFor: '30s' })
    const named = shield(`named-${platform}`, breaker)
    const controller = routes(UseShield(`named-${platform}`), () => 'reached')
    const { url } = await start(platform, { module: { controllers: [controller] } })
    expect((await ask(`${url}/route`)).text).toBe('reached')
    breaker.trip()
    const answer = await ask(`${url}/route`)
    expect(answer).toMatchObject({ status: 503, code: 'CIRCUIT_OPEN' })
    expect(answer.headers.get('retry-after')).toBe('30')
    expect(named.status().policies).toHaveLength(1)
  })

  it('answers an Observable without a value as Nest does', async () => {
    const controller = routes(UseShield(shield('empty')), () => EMPTY)
    const { url } = await start(platform, { module: { controllers: [controller] } })
    expect(await ask(`${url}/route`)).toMatchObject({ status: 200, text: '' })
  })

  it.each([
    [0, 'no shield has'],
    [2, 'several shields have'],
  ])('answers 500 if %i shields have the name', async (count, text) => {
    const name = `count-${count}-${platform}`
    const made = Array.from({ length: count }, () => shield(name))
    const { url, waitFor } = await start(platform, { module: { controllers: [routes(UseShield(name), () => made)] } })
    expect(await ask(`${url}/route`)).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
    expect(String((await waitFor('http_error'))[0]?.['error_message'])).toContain(text)
  })
})

describe('UseShield', () => {
  it.each([undefined, '', {}, 5])('refuses %j', (value) => {
    expect(() => UseShield(value as never)).toThrow('expected a shield')
  })
})
