import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import type { AnyPolicy, Call, RunOptions, Shield } from '../../index.ts'
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  fallback,
  retry,
  shield,
  timeout,
} from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

// Whatever runs because of a call runs in the asynchronous context of its caller: his operation, classifiers, fallbacks
// and listeners, at the first attempt and after every wait, whoever ended the wait. Here the clock, the one who gives up
// and the one who frees a place each have a context of their own.

const storage = new AsyncLocalStorage<string>()
const deaf = (): Promise<never> => new Promise(() => {})

function observed() {
  const seen: [string, string | undefined][] = []
  const note = (what: string): void => void seen.push([what, storage.getStore()])
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
  const whats = (): string[] => seen.map(([what]) => what)
  const elsewhere = (): unknown[] => seen.filter(([, where]) => where !== 'the call')
  return { note, advance, make, run, classify, whats, elsewhere }
}

const own = (): AnyPolicy =>
  definePolicy({ name: 'own', wrap: (next) => async (call, operation) => await next(call, operation) })

describe.each<[string, () => AnyPolicy[]]>([
  ['', () => []],
  [" through a policy of somebody's own", () => [own()]],
])('in the context of the caller%s', (_through, between) => {
  test('every attempt, classifier, fallback and event, when attempts fail and time out', async () => {
    const { note, advance, make, run, classify, whats, elsewhere } = observed()
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
    const done = run(s, ({ attempt }) => (attempt === 2 ? Promise.reject(new Error('down')) : deaf()))
    await advance(5_000)
    await done
    expect(whats()).toEqual(
      expect.arrayContaining(['operation 1', 'operation 2', 'operation 3', 'retry classifies', 'breaker classifies']),
    )
    expect(whats()).toEqual(expect.arrayContaining(['when', 'substitute', 'substitute, later', 'value']))
    expect(whats()).toEqual(expect.arrayContaining(['retry', 'timeout', 'fallback', 'executed retry']))
    expect(elsewhere()).toEqual([])
  })

  test.each<[string, (policies: AnyPolicy[]) => AnyPolicy[]]>([
    ['while the operation is at work', (policies) => policies],
    ['while it waits to try again', (policies) => [retry({ backoff: constant(10_000) }), ...policies]],
    ['while a fallback is at work', (policies) => [fallback(deaf), ...policies]],
  ])('when the caller gives up, or time is up, %s', async (where, around) => {
    const { advance, make, run, whats, elsewhere } = observed()
    const operation = where.includes('operation') ? deaf : () => Promise.reject(new Error('down'))
    const controller = new AbortController()
    const s = make(...around([...between(), circuitBreaker(), bulkhead({ limit: 9 })]))
    const given = run(s, operation, { signal: controller.signal })
    const late = run(s, operation, { deadline: 50_000 })
    const timed = run(make(timeout(50), ...between(), ...around([])), operation)
    await advance(20)
    storage.run('who gives up', () => controller.abort())
    await advance(60_000)
    await Promise.all([given, late, timed])
    expect(whats().filter((what) => what === 'error')).toHaveLength(3)
    expect(elsewhere()).toEqual([])
  })

  test('after a wait for a place, and when the wait ends without one', async () => {
    const { advance, make, run, whats, elsewhere } = observed()
    const places = bulkhead({ limit: 1, queue: 5, maxWait: 100 })
    const s = make(...between(), places, ...between())
    const controller = new AbortController()
    let free = (): void => {}
    const first = storage.run('who frees a place', () => s.run(() => new Promise<void>((resolve) => (free = resolve))))
    const next = run(s, deaf, { deadline: 5_000 })
    const given = run(s, deaf, { signal: controller.signal })
    const patient = run(s, deaf)
    storage.run('who gives up', () => controller.abort())
    storage.run('who frees a place', free)
    await first
    await advance(10_000)
    await Promise.all([next, given, patient])
    expect(whats()).toEqual(['error', 'operation 1', 'rejected', 'error', 'error'])
    expect(elsewhere()).toEqual([])
  })
})

test('the one timer of many calls fires in the name of none of them', async () => {
  const s = shield('one timer', timeout(30))
  const seen: unknown[] = []
  const call = (name: string): Promise<unknown> =>
    storage.run(name, () =>
      s
        .run(({ signal }) => {
          signal.addEventListener('abort', () => seen.push(storage.getStore()))
          return deaf()
        })
        .catch(() => {}),
    )
  await Promise.all([call('one request'), call('another')])
  expect(seen).toEqual([undefined, undefined])
})
