import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import type { AnyPolicy, Call, RunOptions, Shield } from '../../index.ts'
import {
  bulkhead,
  circuitBreaker,
  coalesce,
  consecutive,
  constant,
  definePolicy,
  fallback,
  hedge,
  retry,
  shield,
  timeout,
} from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

// All code that a call runs has the asynchronous context of its caller: the operation, classifiers, fallbacks and
// listeners, at the first attempt and after every wait, whatever ended the wait. In these tests the clock, the code that
// aborts and the code that releases a permit each have a separate context.

const storage = new AsyncLocalStorage<string>()
const neverSettles = (): Promise<never> => new Promise(() => {})

function observed() {
  const events: [string, string | undefined][] = []
  const note = (name: string): void => void events.push([name, storage.getStore()])
  const virtual = virtualClock()
  const advance = (duration: number): Promise<void> => storage.run('the clock', () => virtual.advance(duration))
  const make = (...policies: AnyPolicy[]): Shield => {
    const s = shield({ name: 's', clock: virtual }, ...(policies as never[])) as unknown as Shield
    for (const event of ['retry', 'timeout', 'rejected', 'fallback'] as const) s.on(event, () => note(event))
    s.on('executed', ({ policyType }) => {
      if (policyType !== 'circuitBreaker') note(`executed ${policyType}`)
    })
    return s
  }
  const run = (s: Shield, operation: (call: Call) => unknown, options?: RunOptions): Promise<unknown> =>
    storage.run('the call', () =>
      s
        .run((call) => {
          note(`operation ${call.attempt}`)
          return operation(call)
        }, options)
        .then(
          () => note('value'),
          () => note('error'),
        ),
    )
  const classify = (name: string) => (outcome: { ok: boolean }) => {
    note(name)
    return outcome.ok ? ('success' as const) : ('failure' as const)
  }
  const names = (): string[] => events.map(([name]) => name)
  const elsewhere = (): unknown[] => events.filter(([, context]) => context !== 'the call')
  return { note, advance, make, run, classify, names, elsewhere }
}

const custom = (): AnyPolicy =>
  definePolicy({ name: 'custom', wrap: (next) => async (call, operation) => await next(call, operation) })

describe.each<[string, () => AnyPolicy[]]>([
  ['', () => []],
  [' through a custom policy', () => [custom()]],
])('in the context of the caller%s', (_through, between) => {
  test('runs every attempt, classifier, fallback and event, when attempts fail and time out', async () => {
    const { note, advance, make, run, classify, names, elsewhere } = observed()
    const substitute = async (): Promise<string> => {
      note('substitute')
      await Promise.resolve()
      note('substitute, later')
      return 'instead'
    }
    const when = (): boolean => {
      note('when')
      return true
    }
    const s = make(
      fallback(substitute, { when }),
      ...between(),
      timeout(1_000),
      retry({ maxRetries: 2, backoff: constant(10), classify: classify('retry classifies') as never }),
      circuitBreaker({ trip: consecutive(99), classify: classify('breaker classifies') as never }),
      bulkhead({ limit: 5 }),
      timeout(100),
    )
    const done = run(s, ({ attempt }) => (attempt === 2 ? Promise.reject(new Error('down')) : neverSettles()))
    await advance(5_000)
    await done
    expect(names()).toEqual(
      expect.arrayContaining(['operation 1', 'operation 2', 'operation 3', 'retry classifies', 'breaker classifies']),
    )
    expect(names()).toEqual(expect.arrayContaining(['when', 'substitute', 'substitute, later', 'value']))
    expect(names()).toEqual(expect.arrayContaining(['retry', 'timeout', 'fallback', 'executed retry']))
    expect(elsewhere()).toEqual([])
  })

  test.each<[string, (policies: AnyPolicy[]) => AnyPolicy[]]>([
    ['while the operation runs', (policies) => policies],
    ['during the delay before a retry', (policies) => [retry({ backoff: constant(10_000) }), ...policies]],
    ['while a fallback runs', (policies) => [fallback(neverSettles), ...policies]],
  ])('continues when the caller aborts or the time is up %s', async (where, around) => {
    const { advance, make, run, names, elsewhere } = observed()
    const operation = where.includes('operation') ? neverSettles : () => Promise.reject(new Error('down'))
    const controller = new AbortController()
    const s = make(...around([...between(), circuitBreaker(), bulkhead({ limit: 9 })]))
    const aborted = run(s, operation, { signal: controller.signal })
    const late = run(s, operation, { deadline: 50_000 })
    const timed = run(make(timeout(50), ...between(), ...around([])), operation)
    await advance(20)
    storage.run('the abort', () => controller.abort())
    await advance(60_000)
    await Promise.all([aborted, late, timed])
    expect(names().filter((name) => name === 'error')).toHaveLength(3)
    expect(elsewhere()).toEqual([])
  })

  test('continues after a wait for a permit, and when the wait ends without one', async () => {
    const { advance, make, run, names, elsewhere } = observed()
    const limiter = bulkhead({ limit: 1, queue: 5, maxWait: 100 })
    const s = make(...between(), limiter, ...between())
    const controller = new AbortController()
    let free = (): void => {}
    const first = storage.run('the release', () => s.run(() => new Promise<void>((resolve) => (free = resolve))))
    const next = run(s, neverSettles, { deadline: 5_000 })
    const aborted = run(s, neverSettles, { signal: controller.signal })
    const patient = run(s, neverSettles)
    storage.run('the abort', () => controller.abort())
    storage.run('the release', free)
    await first
    await advance(10_000)
    await Promise.all([next, aborted, patient])
    expect(names()).toEqual(['error', 'operation 1', 'rejected', 'error', 'error'])
    expect(elsewhere()).toEqual([])
  })
})

describe('a listener on the signal of a call runs in the context in which the operation read the signal', () => {
  /** Runs one call; returns the contexts of its abort listeners, with the signal read in `the operation`. */
  async function abortContexts(
    run: (operation: (call: Call) => Promise<never>) => Promise<unknown>,
    act: () => unknown,
  ): Promise<unknown[]> {
    const seen: unknown[] = []
    const call = storage.run('the call', () =>
      run((given) =>
        storage.run(`the operation, attempt ${given.attempt}`, () => {
          given.signal.addEventListener('abort', () => seen.push(storage.getStore()))
          return neverSettles()
        }),
      ).catch(() => {}),
    )
    await storage.run('elsewhere', async () => await act())
    await call
    return seen
  }

  const clock = virtualClock()
  const s = (...policies: AnyPolicy[]): Shield => shield({ name: 's', clock }, ...(policies as never[])) as never
  const first = ['the operation, attempt 1']

  test('a timeout', async () => {
    expect(
      await abortContexts(
        (op) => s(timeout(30)).run(op),
        () => clock.advance(30),
      ),
    ).toEqual(first)
  })

  test('a timeout on the system clock', async () => {
    expect(
      await abortContexts(
        (op) => shield('s', timeout(5)).run(op),
        () => {},
      ),
    ).toEqual(first)
  })

  test('a deadline', async () => {
    const plain = s(bulkhead({ limit: 1 }))
    expect(
      await abortContexts(
        (op) => plain.run(op, { deadline: 30 }),
        () => clock.advance(30),
      ),
    ).toEqual(first)
  })

  test("the caller's signal", async () => {
    const controller = new AbortController()
    const plain = s(bulkhead({ limit: 1 }))
    const run = (op: (call: Call) => Promise<never>): Promise<unknown> => plain.run(op, { signal: controller.signal })
    expect(await abortContexts(run, () => controller.abort())).toEqual(first)
  })

  test('each attempt of a hedge', async () => {
    const hedged = s(timeout(30), hedge({ after: 10 }))
    const seen = await abortContexts(
      (op) => hedged.run(op),
      () => clock.advance(30),
    )
    expect(seen.sort()).toEqual(['the operation, attempt 1', 'the operation, attempt 2'])
  })

  test('a flight of coalesced calls', async () => {
    const shared = s(timeout(30), coalesce())
    const run = (op: (call: Call) => Promise<never>): Promise<unknown> => shared.run(op as never, { key: 'k' } as never)
    expect(await abortContexts(run, () => clock.advance(30))).toEqual(first)
  })

  test('a custom policy around the operation', async () => {
    expect(
      await abortContexts(
        (op) => s(timeout(30), custom()).run(op),
        () => clock.advance(30),
      ),
    ).toEqual(first)
  })

  test('a health check', async () => {
    const seen: unknown[] = []
    const operation = (given: Call): Promise<never> =>
      storage.run('the check', () => {
        given.signal.addEventListener('abort', () => seen.push(storage.getStore()))
        return neverSettles()
      })
    const breaker = circuitBreaker({
      trip: consecutive(1),
      openFor: '1h',
      probe: { operation, every: 10 },
    } as never)
    await s(breaker)
      .run(() => Promise.reject(new Error('refused')))
      .catch(() => {})
    await storage.run('the clock', () => clock.advance(20))
    expect(seen).toEqual(['the check'])
  })

  test('a signal that was read before the operation keeps the context of that code', async () => {
    const early = definePolicy({
      name: 'early',
      wrap: (next) => async (call, operation) => {
        storage.run('the policy', () => call.signal)
        return await next(call, operation)
      },
    })
    expect(
      await abortContexts(
        (op) => s(timeout(30), early).run(op),
        () => clock.advance(30),
      ),
    ).toEqual(['the policy'])
  })
})

test('a timer that many calls share aborts each signal in the context of its call', async () => {
  const s = shield('one timer', timeout(30))
  const contexts: unknown[] = []
  const call = (name: string): Promise<unknown> =>
    storage.run(name, () =>
      s
        .run(({ signal }) => {
          signal.addEventListener('abort', () => contexts.push(storage.getStore()))
          return neverSettles()
        })
        .catch(() => {}),
    )
  await Promise.all([call('one request'), call('another')])
  expect(contexts).toEqual(['one request', 'another'])
})
