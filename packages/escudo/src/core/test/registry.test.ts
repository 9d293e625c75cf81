import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { resilientFetch } from '../../http/resilient-fetch.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { retry } from '../../policies/retry/retry.ts'
import { registeredCount, registeredShields, registerShield } from '../registry.ts'
import { shield } from '../shield.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects garbage in a new job: until its job ends, a weak reference that was read keeps its target alive. */
async function collectGarbage(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  collect()
}

afterEach(() => {
  vi.unstubAllGlobals()
})

test('lists live shields in the order in which they were built, with their policies', () => {
  const live = [shield('one', retry(), retry()), shield('two', circuitBreaker())]
  const listed = registeredShields().filter(({ name }) => name === 'one' || name === 'two')
  expect(listed.map(({ name, policies }) => [name, policies.map((policy) => policy.name)])).toEqual([
    ['one', ['retry', 'retry-2']],
    ['two', ['circuitBreaker']],
  ])
  expect(live).toHaveLength(2)
})

test('removes garbage-collected shields, so that the list stays bounded', async () => {
  const used = shield('used', retry())
  for (let round = 0; round < 20; round += 1) {
    for (let built = 0; built < 100; built += 1) await shield('unused', retry()).run(() => 42)
    await collectGarbage()
  }
  expect(registeredShields().filter(({ name }) => name === 'unused').length).toBeLessThan(200)
  // 2000 shields were built. The list was swept each time that it had doubled.
  expect(registeredCount()).toBeLessThan(500)
  expect(registeredShields().filter(({ name }) => name === 'used')).toHaveLength(1)
  expect(used.name).toBe('used')
})

test('without weak references, shields work but are not listed', async () => {
  const before = registeredCount()
  vi.stubGlobal('WeakRef', undefined)
  expect(await shield('plain', retry()).run(() => 42)).toBe(42)
  const clock = { now: () => 0, setTimer: () => () => {} }
  registerShield({ name: 'plain', clock, policies: [], shield: shield('unlisted') })
  expect(registeredCount()).toBe(before)
})

describe('shields that are built again and again', () => {
  /** Collects the texts of the warnings during `body`. */
  async function warnings(body: () => unknown): Promise<string[]> {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    try {
      await body()
      return emitWarning.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('again and again'))
    } finally {
      emitWarning.mockRestore()
    }
  }

  test.each([1_000, 5_000])('%i shields of one name with new policies cause one warning', async (count) => {
    const texts = await warnings(async () => {
      for (let n = 0; n < count; n += 1) await shield(`db ${count}`, circuitBreaker(), retry()).run(() => 42)
    })
    expect(texts).toHaveLength(1)
    expect(texts[0]).toContain(`'db ${count}'`)
    expect(texts[0]).toContain('Build it once')
  })

  test('shields that live on are counted too', async () => {
    const live: unknown[] = []
    expect(
      await warnings(() => {
        for (let n = 0; n < 1_000; n += 1) live.push(shield('live', circuitBreaker()))
      }),
    ).toHaveLength(1)
  })

  test('a resilientFetch that is made for each call causes one', async () => {
    const send = async (): Promise<Response> => new Response('ok')
    expect(
      await warnings(async () => {
        for (let n = 0; n < 1_000; n += 1) {
          const fetched = resilientFetch({ name: 'each call', baseUrl: 'http://inventory:9002', fetch: send })
          await (await fetched('/')).text()
        }
      }),
    ).toHaveLength(1)
  })

  test('shields around policies that they share cause none', async () => {
    const breaker = circuitBreaker()
    expect(
      await warnings(() => {
        for (let n = 0; n < 2_000; n += 1) shield('shared', breaker, retry())
      }),
    ).toEqual([])
  })

  test('shields of different names cause none, such as those of many origins', async () => {
    const fetched = resilientFetch({ name: 'web', fetch: async () => new Response('ok'), maxOrigins: 10 })
    expect(
      await warnings(async () => {
        for (let n = 0; n < 2_000; n += 1) shield(`name ${n}`, retry())
        for (let n = 0; n < 1_000; n += 1) await (await fetched(`http://host-${n}.example/`)).text()
        // Eleven origins in turn, of which ten are kept.
        for (let n = 0; n < 11 * 600; n += 1) await (await fetched(`http://host-${n % 11}.example/`)).text()
      }),
    ).toEqual([])
  })

  test('a program that rebuilds its shields every 20 s for a month causes none', async () => {
    vi.useFakeTimers()
    try {
      expect(
        await warnings(() => {
          for (let n = 0; n < 130_000; n += 1) {
            vi.advanceTimersByTime(20_000)
            shield('rebuilt', circuitBreaker())
          }
        }),
      ).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  test('a program that builds a shield for each of its calls, one in a second, causes one', async () => {
    vi.useFakeTimers()
    try {
      expect(
        await warnings(() => {
          for (let n = 0; n < 5_000; n += 1) {
            vi.advanceTimersByTime(1_000)
            shield('slowly', circuitBreaker())
          }
        }),
      ).toHaveLength(1)
    } finally {
      vi.useRealTimers()
    }
  })

  test('other names that are built meanwhile do not hide it', async () => {
    expect(
      await warnings(() => {
        for (let n = 0; n < 1_000; n += 1) {
          shield('hidden', circuitBreaker())
          if (n % 10 === 0) shield(`other ${n}`, retry())
        }
      }),
    ).toHaveLength(1)
  })
})
