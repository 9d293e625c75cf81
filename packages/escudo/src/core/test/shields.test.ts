import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { resilientFetch } from '../../http/resilient-fetch.ts'
import { type CircuitBreaker, circuitBreaker, retry, shield, standardShield } from '../../index.ts'
import { findShield, shields } from '../shields.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects garbage in a new job: until its job ends, a weak reference that was read keeps its target alive. */
async function collectGarbage(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  collect()
}

const send = async (): Promise<Response> => new Response('ok')

describe('shields()', () => {
  test('lists the shield objects themselves, oldest first', () => {
    const one = shield('listed', retry())
    const two = standardShield('listed')
    expect(shields().filter(({ name }) => name === 'listed')).toEqual([one, two])
    expect(shields().filter(({ name }) => name === 'listed')[1]).toBe(two)
  })

  test('lists no shield without policies, such as that of a client with `shield: false`', async () => {
    const given = shield('pattern', retry())
    const get = resilientFetch({ name: 'pattern', baseUrl: 'http://pattern:1', shield: false, fetch: send })
    await given.run(() => get('/'))
    expect(shields().filter(({ name }) => name === 'pattern')).toEqual([given])
  })

  test('lists the shields that a client made for its origins', async () => {
    const get = resilientFetch({ name: 'origins', baseUrl: 'http://origin-a:1', fetch: send })
    await get('/')
    await get('http://origin-b:1/')
    const names = ['origins', 'origins@origin-b:1']
    expect(
      shields()
        .map(({ name }) => name)
        .filter((name) => name.startsWith('origins')),
    ).toEqual(names)
    expect(get.shields().map(({ name }) => name)).toEqual(names)
    expect(get.status().map(({ name }) => name)).toEqual(names)
  })

  test('keeps no shield alive: one built per call disappears with its call', async () => {
    for (let round = 0; round < 20; round += 1) {
      for (let built = 0; built < 100; built += 1) await shield('per call', retry()).run(() => 42)
      await collectGarbage()
    }
    expect(shields().filter(({ name }) => name === 'per call').length).toBeLessThan(200)
  })

  test('a wrapped function keeps its shield in the list', async () => {
    const load = shield('wrapped', retry()).wrap(async () => 42)
    await collectGarbage()
    expect(findShield('wrapped')?.name).toBe('wrapped')
    expect(await load()).toBe(42)
  })

  test('a policy shared by shields built per call keeps none of them alive', async () => {
    const breaker = circuitBreaker({ perKey: {} })
    for (let built = 0; built < 300; built += 1) await shield('sharing', breaker).run(() => 42)
    await collectGarbage()
    expect(shields().filter(({ name }) => name === 'sharing').length).toBeLessThan(10)
  })
})

describe('findShield()', () => {
  test('returns the newest shield of a name, or undefined', () => {
    const older = shield('rebuilt', retry())
    const newer = shield('rebuilt', retry())
    expect(findShield('rebuilt')).toBe(newer)
    expect(older).not.toBe(newer)
    expect(findShield('no such shield')).toBeUndefined()
  })

  test('reaches the breaker of a standard shield', async () => {
    const stock = standardShield('stock levers')
    findShield('stock levers')?.policy<CircuitBreaker>('circuitBreaker')?.isolate()
    await expect(stock.run(() => 42)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
  })
})

describe('shield.policy()', () => {
  test('finds policies by their names within the shield', () => {
    const [first, second] = [retry(), retry()]
    const s = shield('names', first, second)
    expect(s.policy('retry')).toBe(first)
    expect(s.policy('retry-2')).toBe(second)
    expect(s.policy('timeout')).toBeUndefined()
    expect(s.policy('__proto__')).toBeUndefined()
  })
})

describe('resilientFetch', () => {
  test('shows the shield that it was given', () => {
    const given = shield('given', retry())
    const get = resilientFetch({ name: 'client', shield: given, fetch: send })
    expect(get.shields()).toEqual([given])
    expect(get.status()).toEqual([given.status()])
  })

  test('shows none with `shield: false`, or for an object with nothing but `run`', () => {
    expect(resilientFetch({ name: 'client', shield: false, fetch: send }).shields()).toEqual([])
    const shield = { run: async <T>(operation: (call: never) => T) => await operation({} as never) }
    expect(resilientFetch({ name: 'client', shield: shield as never, fetch: send }).status()).toEqual([])
  })
})
