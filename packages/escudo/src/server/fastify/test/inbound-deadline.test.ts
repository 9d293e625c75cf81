import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import { createErrorContract, defineErrors } from '../../../errors/index.ts'
import { resilientFetch } from '../../../http/index.ts'
import { circuitBreaker, consecutive, shield, timeout } from '../../../index.ts'
import { contractOptions, type EscudoOptions, escudo } from '../../fastify.ts'

const apps: FastifyInstance[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

async function serve(
  operation: (left: number | undefined) => unknown,
  inboundDeadline: EscudoOptions['inboundDeadline'],
  trustInbound?: boolean,
): Promise<string> {
  const contract = createErrorContract({
    service: 's',
    errors: defineErrors({}),
    ...(trustInbound === undefined ? {} : { trustInbound }),
  })
  const app = Fastify(contractOptions(contract))
  apps.push(app)
  await app.register(escudo, { contract, ...(inboundDeadline === undefined ? {} : { inboundDeadline }) })
  const s = shield('dependency')
  app.get('/', async () => {
    const result = await s.run(({ deadline, clock }) => operation(deadline && deadline - clock.now()))
    return { result: result ?? null }
  })
  return await app.listen({ port: 0, host: '127.0.0.1' })
}

const get = async (url: string, headers: Record<string, string>): Promise<unknown> =>
  await (await fetch(url, { headers })).json()

describe('the deadline of a caller', () => {
  test('becomes the deadline of the calls that serve the request, at most `max`', async () => {
    const url = await serve((left) => left, { max: '2s' })
    const { result } = (await get(url, { 'x-request-timeout-ms': '1500' })) as { result: number }
    expect(result).toBeGreaterThan(500)
    expect(result).toBeLessThanOrEqual(1_500)
    const capped = (await get(url, { 'x-request-timeout-ms': '999999' })) as { result: number }
    expect(capped.result).toBeLessThanOrEqual(2_000)
  })

  test('ends the request with 503, and without a call if no time is left', async () => {
    let calls = 0
    const url = await serve(() => {
      calls += 1
      return new Promise(() => {})
    }, true)
    for (const ms of ['20', '0']) {
      const response = await fetch(url, { headers: { 'x-request-timeout-ms': ms } })
      expect([response.status, await response.json()]).toMatchObject([503, { error_code: 'DEADLINE_EXCEEDED' }])
    }
    expect(calls).toBe(1)
  })

  test.each(['-5', '1.5', '5s', 'NaN', '', '1e3', '10, 20', '0x10'])(
    'is ignored if it is not whole: %s',
    async (ms) => {
      const url = await serve((left) => left, true)
      expect(await get(url, { 'x-request-timeout-ms': ms })).toEqual({ result: null })
    },
  )

  test.each([
    ['without the option', undefined, undefined],
    ['with false', false, undefined],
    ['from a peer that is not trusted', true, false],
  ])('is ignored %s', async (_what, option, trusted) => {
    const url = await serve((left) => left, option, trusted)
    expect(await get(url, { 'x-request-timeout-ms': '50' })).toEqual({ result: null })
  })

  test('is read from another header by option', async () => {
    const url = await serve((left) => (left ?? 0) > 0, { header: 'X-Time-Left' })
    expect(await get(url, { 'x-time-left': '5000' })).toEqual({ result: true })
  })

  test.each([[{ header: 'a b' }], [{ max: 'soon' }], [{ max: 0 }], [{ maximum: 5 }], [null], ['yes']])(
    'is refused as option: %j',
    async (option) => {
      await expect(serve(() => 1, option as never)).rejects.toThrow('escudo.inboundDeadline')
    },
  )

  test('travels through a service to the next one, and opens no circuit on the way', async () => {
    const last = await serve((left) => left, true)
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const client = resilientFetch({ name: 'last', shield: shield('last', breaker, timeout('30s')) })
    const middle = await serve(async () => ((await (await client(last)).json()) as { result: unknown }).result, true)
    const { result } = (await get(middle, { 'x-request-timeout-ms': '3000' })) as { result: number }
    expect(result).toBeGreaterThan(1_000)
    expect(result).toBeLessThanOrEqual(3_000)
    const hanging = await serve(() => new Promise(() => {}), true)
    const slow = await serve(async () => (await client(hanging)).status, true)
    expect((await fetch(slow, { headers: { 'x-request-timeout-ms': '30' } })).status).toBe(503)
    expect(breaker.state).toBe('closed')
  })

  test('is sent by a client without a shield too', async () => {
    const last = await serve((left) => left, true)
    const client = resilientFetch({ name: 'last', shield: false })
    const middle = await serve(async () => ((await (await client(last)).json()) as { result: unknown }).result, true)
    expect(await get(middle, { 'x-request-timeout-ms': '3000' })).toMatchObject({ result: expect.any(Number) })
  })
})
