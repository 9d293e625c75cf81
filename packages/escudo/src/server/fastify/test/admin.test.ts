import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { definePolicy } from '../../../core/policy.ts'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { bulkhead } from '../../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { adminRoutes, contractOptions, escudo } from '../../fastify.ts'
import { adminServerPerTest, authorize, contract } from './admin-setup.ts'
import { heldShield as shield } from './held-shield.ts'

const start = adminServerPerTest()

// A name for each test: the list contains every live shield of the process.
let count = 0
function inventoryOf() {
  count += 1
  const breaker = circuitBreaker({ trip: consecutive(3) })
  const name = `inventory-${count}`
  return { name, breaker, inventory: shield(name, timeout('2s'), retry({ maxRetries: 1 }), breaker) }
}

const CLOSED = { state: 'closed', failures: 0, calls: 0 }

describe('adminRoutes', () => {
  it('refuses to be registered without a function that authorizes', () => {
    expect(() => adminRoutes({ contract } as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        path: 'adminRoutes.authorize',
        message: expect.stringContaining('without it, every client could act'),
      }),
    )
  })

  it.each([
    [{ contract: undefined }, 'adminRoutes.contract'],
    [{ hosts: 'shop.internal' }, 'adminRoutes.hosts'],
    [{ hosts: ['a b'] }, 'adminRoutes.hosts'],
    [{ hosts: ['*.internal'] }, 'adminRoutes.hosts'],
    [{ hosts: [''] }, 'adminRoutes.hosts'],
    [{ security: 5 }, 'adminRoutes.security'],
    [{ tags: 'x' }, 'adminRoutes.tags'],
    [{ authorise: () => undefined }, 'adminRoutes.authorise'],
  ])('refuses the options %j', (options, path) => {
    expect(() => adminRoutes({ contract, authorize, ...options } as never)).toThrow(expect.objectContaining({ path }))
  })

  it('shows every shield, and one', async () => {
    const { get } = await start()
    // Held until the end: the list of shields is weak.
    const inventory = inventoryOf()
    const { name } = inventory
    const all = await get('')
    expect(all.status).toBe(200)
    expect(all.headers.get('cache-control')).toBe('no-store')
    expect(all.json.service).toBe('potion-shop')
    const one = await get(`/${name}`)
    expect(one.json).toMatchObject({ name, policies: [{}, {}, { name: 'circuitBreaker', ...CLOSED }] })
    expect(all.json.shields).toContainEqual(one.json)
    expect(inventory.name).toBe(name)
  })

  it('shows the others if the status of a custom policy throws, and still moves its levers', async () => {
    const { get, post } = await start()
    const policy = definePolicy({ name: 'broken', wrap: (next) => next })
    const breaker = circuitBreaker()
    const broken = shield('broken-status', Object.assign(policy, { status: () => JSON.parse('{') }), breaker)
    const { json } = await get('')
    expect(json.shields).toContainEqual({
      name: broken.name,
      policies: [],
      error: 'its status could not be read: SyntaxError',
    })
    expect((await post(`/${broken.name}`, { action: 'isolate' })).status).toBe(200)
    expect(breaker.state).toBe('isolated')
  })

  it.each([
    ['isolate', 'isolated'],
    ['trip', 'open'],
    ['disable', 'disabled'],
  ] as const)('%s: moves the circuit breaker, and writes one line', async (action, state) => {
    const { post, actions } = await start()
    const { name, breaker } = inventoryOf()
    const answer = await post(`/${name}/circuitBreaker`, { action, reason: 'deploy of the inventory' })
    expect([answer.status, breaker.state]).toEqual([200, state])
    const effect = { outcome: 'done', before: CLOSED, after: expect.objectContaining({ state }) }
    expect(answer.json).toEqual({ shield: name, policy: 'circuitBreaker', action, ...effect })
    expect(actions()).toEqual([
      expect.objectContaining({
        event: 'admin.action',
        log_level: 'warning',
        trace_id: answer.headers.get('x-trace-id'),
        actor: 'ana',
        reason: 'deploy of the inventory',
        shield: name,
        policy: 'circuitBreaker',
        action,
        ...effect,
      }),
    ])
    const back = await post(`/${name}/circuitBreaker`, { action: action === 'disable' ? 'enable' : 'reset' })
    expect(back.json).toMatchObject({ outcome: 'done', before: { state }, after: CLOSED })
    expect([breaker.state, actions().length]).toEqual(['closed', 2])
  })

  it('acts on all circuit breakers of a shield if the request names no policy', async () => {
    const { post } = await start()
    const [outer, inner] = [circuitBreaker({ name: 'outer' }), circuitBreaker({ name: 'inner' })]
    shield('two-breakers', outer, inner)
    const { json } = await post('/two-breakers', { action: 'isolate' })
    expect(json).toMatchObject({ before: { outer: CLOSED, inner: CLOSED }, after: { outer: { state: 'isolated' } } })
    expect([outer.state, inner.state]).toEqual(['isolated', 'isolated'])
  })

  it('disables and enables a whole shield', async () => {
    const { post, actions } = await start()
    const { name, inventory } = inventoryOf()
    const disabled = await post(`/${name}`, { action: 'disable' })
    expect(disabled.json).toMatchObject({ outcome: 'done', before: { disabled: false }, after: { disabled: true } })
    expect(inventory.status().disabled).toBe(true)
    await post(`/${name}`, { action: 'disable' })
    await post(`/${name}`, { action: 'enable' })
    expect(inventory.status().disabled).toBeUndefined()
    expect(actions().map(({ outcome, policy, reason }) => [outcome, policy, reason])).toEqual([
      ['done', null, null],
      ['unchanged', null, null],
      ['done', null, null],
    ])
  })

  it('leaves an open circuit open when it is enabled: it was not disabled', async () => {
    const { post } = await start()
    const { name, breaker } = inventoryOf()
    breaker.trip()
    expect((await post(`/${name}/circuitBreaker`, { action: 'enable' })).json.outcome).toBe('unchanged')
    expect(breaker.state).toBe('open')
  })

  it('reconfigures a policy, or several at once', async () => {
    const { post, actions } = await start()
    const { name } = inventoryOf()
    const one = await post(`/${name}/retry`, { action: 'reconfigure', options: { maxRetries: 0 } })
    expect(one.json).toMatchObject({ outcome: 'done', before: { maxRetries: 1 }, after: { maxRetries: 0 } })
    const options = { retry: { maxRetries: 2, maxTotal: '5s' }, timeout: { after: '1s' } }
    const both = await post(`/${name}`, { action: 'reconfigure', options })
    const before = { timeout: { after: '2s' }, retry: { maxRetries: 0, maxTotal: null } }
    expect(both.json).toMatchObject({ outcome: 'done', before, after: options })
    const back = await post(`/${name}/retry`, { action: 'reconfigure', options: { maxTotal: null } })
    expect(back.json).toMatchObject({ before: { maxTotal: '5s' }, after: { maxTotal: null } })
    const same = await post(`/${name}/retry`, { action: 'reconfigure', options: { maxRetries: 2 } })
    expect(same.json.outcome).toBe('unchanged')
    expect(actions()).toHaveLength(4)
    expect(actions()[1]).toMatchObject({ before, after: options })
  })

  it.each([
    ['circuitBreaker', { halfOpen: { probes: null, closeAt: 0.5 } }, { halfOpen: { probes: null, closeAt: 0.5 } }],
    ['circuitBreaker', { halfOpen: null }, { halfOpen: null }],
    ['circuitBreaker', { trip: { failureRate: { threshold: 0.3, window: null } } }, {}],
    ['circuitBreaker', { trip: { anyTrip: [{ slowCallRate: { slowerThan: '1s', threshold: null } }] } }, {}],
    ['retry', { backoff: { exponential: { base: '1s', jitter: null } } }, {}],
    ['retry', { maxTotal: null }, { maxTotal: null }],
  ])('takes null for the default also inside an option: %s %j', async (policy, options, after) => {
    const { post } = await start()
    const { name } = inventoryOf()
    const { status, json } = await post(`/${name}/${policy}`, { action: 'reconfigure', options })
    expect([status, json]).toMatchObject([200, { after }])
  })

  it.each([
    [{ retry: null }, '/options/retry'],
    [{ circuitBreaker: { ramp: { steps: [0.1, null] } } }, '/options/circuitBreaker/ramp/steps/1'],
    [{ retry: { backoff: { constant: null } } }, '/options/retry/backoff/constant'],
  ])('says where null is no default: %j', async (options, pointer) => {
    const { post } = await start()
    const { name } = inventoryOf()
    const { status, json } = await post(`/${name}`, { action: 'reconfigure', options })
    expect([status, json.context.errors]).toEqual([422, [expect.objectContaining({ pointer })]])
    expect(json.context.errors[0].message).not.toContain('undefined')
  })

  it('answers with its own change, if a listener reconfigures the shield again', async () => {
    const { post, actions } = await start()
    const { name, inventory } = inventoryOf()
    inventory.on('reconfigured', ({ after }) => {
      if (Object.hasOwn(after, 'retry')) inventory.reconfigure({ timeout: { after: '1s' } })
    })
    const { json } = await post(`/${name}/retry`, { action: 'reconfigure', options: { maxRetries: 0 } })
    const told = { outcome: 'done', before: { maxRetries: 1 }, after: { maxRetries: 0 } }
    expect(json).toMatchObject(told)
    expect(actions()).toMatchObject([told])
  })

  it('takes a trip and a backoff as JSON', async () => {
    const { post } = await start()
    const { name, breaker, inventory } = inventoryOf()
    const options = {
      circuitBreaker: {
        trip: { anyTrip: [{ consecutive: 1 }, { failureRate: { threshold: 0.3 } }] },
        openFor: { exponential: { base: '1s', max: '8s' } },
      },
      retry: { maxRetries: 0, backoff: { constant: '5ms' } },
    }
    const { json } = await post(`/${name}`, { action: 'reconfigure', options })
    expect(json).toMatchObject({
      before: { circuitBreaker: { trip: '3 consecutive failures' } },
      after: { circuitBreaker: { trip: '1 consecutive failures or failure rate of 30 %' } },
    })
    await inventory.run(() => Promise.reject(new Error('down'))).catch(() => undefined)
    expect(breaker.state).toBe('open')
  })

  it('knows that a change of the circuits of single keys may be invisible', async () => {
    const { post } = await start()
    const breaker = circuitBreaker({ trip: consecutive(3), perKey: {} })
    const tenants = shield('tenants', breaker)
    await tenants.run(() => 1, { key: 'a' })
    const { json } = await post('/tenants/circuitBreaker', { action: 'trip' })
    expect([json.outcome, breaker.stateOf('a')]).toEqual(['done', 'open'])
  })

  it('shortens a long reason for the breaker, and shows no secret of an option', async () => {
    const { post, actions } = await start()
    const { name, inventory } = inventoryOf()
    const reason = 'x'.repeat(200)
    expect((await post(`/${name}`, { action: 'trip', reason })).status).toBe(200)
    expect(JSON.stringify(inventory.status())).toContain(`manually: ${'x'.repeat(99)}…`)
    const keeper = definePolicy({ name: 'keeper', wrap: (next) => next, reconfigure: () => ({ apply: () => {} }) })
    shield('with-secret', keeper)
    const options = { apiKey: 'k-123', note: 'y'.repeat(500), nested: { password: 'p-456', list: [1, [2]] } }
    const { json } = await post('/with-secret/keeper', { action: 'reconfigure', options })
    const shown = {
      apiKey: '[redacted]',
      note: `${'y'.repeat(200)}…`,
      nested: { password: '[redacted]', list: [1, [2]] },
    }
    expect(json.after).toEqual(shown)
    expect(actions().at(-1)).toMatchObject({ before: {}, after: shown })
  })

  it('writes both lines if two operators act at the same time: the last one wins', async () => {
    const { post, actions } = await start()
    const { name, inventory } = inventoryOf()
    const bob = { authorization: 'Bearer bob' }
    const set = (maxRetries: number, headers = {}) =>
      post(`/${name}/retry`, { action: 'reconfigure', options: { maxRetries }, reason: `to ${maxRetries}` }, headers)
    const answers = await Promise.all([...[1, 2, 3, 4, 5].flatMap((n) => [set(2 * n), set(2 * n + 1, bob)])])
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    const told = actions() as unknown as {
      actor: string
      before: { maxRetries: number }
      after: { maxRetries: number }
    }[]
    expect(told).toHaveLength(10)
    expect(new Set(told.map(({ actor }) => actor))).toEqual(new Set(['ana', 'bob']))
    // Each begins where the one before has ended.
    for (const [index, { before }] of told.entries()) {
      expect(before.maxRetries).toBe(index === 0 ? 1 : told[index - 1]?.after.maxRetries)
    }
    const { json } = await post(`/${name}/retry`, { action: 'reconfigure', options: { maxRetries: 0 } })
    expect(json.before).toEqual(told.at(-1)?.after)
    expect(inventory.name).toBe(name)
  })

  it('finds a shield whose name needs an encoding, and works under a prefix', async () => {
    const name = 'a/b? c%2F ñ'
    shield(name, circuitBreaker())
    const app = Fastify(contractOptions(contract))
    await app.register(escudo, { contract })
    await app.register(adminRoutes({ contract, authorize }), { prefix: '/internal' })
    const url = `/internal/admin/shields/${encodeURIComponent(name)}`
    const answer = await app.inject({ url, headers: { authorization: 'Bearer ana' } })
    expect(answer.json()).toMatchObject({ name })
    await app.close()
  })

  it('waits for an asynchronous function', async () => {
    const { get } = await start({ authorize: async (request) => authorize(request) })
    expect([(await get('')).status, (await get('', { authorization: 'x' })).status]).toEqual([200, 401])
  })

  it("sends the service's own entry for an error of the library", async () => {
    const Own = defineErrors({
      SHIELD_NOT_FOUND: {
        code: 'ESCUDO_NO_ENCONTRADO',
        status: 404,
        message: "No hay '{shield}'.",
        context: z.object({ shield: z.string() }),
      },
    })
    const { get } = await start({ contract: createErrorContract({ service: 'potion-shop', errors: Own }) })
    const { json } = await get('/nada')
    expect([json.error_code, json.message]).toEqual(['ESCUDO_NO_ENCONTRADO', "No hay 'nada'."])
  })

  it('keeps a bulkhead that has no lever but options', async () => {
    const { post } = await start()
    shield('compartment', bulkhead({ limit: 5 }))
    const lowered = await post('/compartment/bulkhead', { action: 'reconfigure', options: { limit: 1, queue: 3 } })
    expect(lowered.json).toMatchObject({ before: { limit: 5, queue: null }, after: { limit: 1, queue: 3 } })
  })
})
