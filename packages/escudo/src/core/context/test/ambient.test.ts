import { setImmediate } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { type Ambient, ambient, withAmbient } from '../ambient.ts'
import { continueTrace } from '../trace-context.ts'

const context = (): Ambient => continueTrace({})

test('outside of any request there is no context', () => {
  expect(ambient()).toBeUndefined()
})

test('a context reaches everything that its body starts, and nothing after it', async () => {
  const mine = context()
  const seen: (Ambient | undefined)[] = []
  const late = withAmbient(mine, async () => {
    seen.push(ambient())
    await setImmediate()
    seen.push(ambient())
    await Promise.all([1, 2].map(async () => seen.push(ambient())))
  })
  expect(ambient()).toBeUndefined()
  await late
  expect(seen).toEqual([mine, mine, mine, mine])
  expect(ambient()).toBeUndefined()
})

test('two interleaved flows never mix', async () => {
  const flows = Array.from({ length: 50 }, context)
  await Promise.all(
    flows.map((own) =>
      withAmbient(own, async () => {
        for (let step = 0; step < 10; step += 1) {
          expect(ambient()).toBe(own)
          if (step % 3 === 0) await setImmediate()
          else await undefined
        }
      }),
    ),
  )
})

test('contexts nest, and undefined takes a body out of any', () => {
  const [outer, inner] = [context(), context()]
  withAmbient(outer, () => {
    withAmbient(inner, () => expect(ambient()).toBe(inner))
    withAmbient(undefined, () => expect(ambient()).toBeUndefined())
    expect(ambient()).toBe(outer)
  })
})

test('what a body returns comes back, and what it throws comes out, with the context gone', () => {
  expect(withAmbient(context(), () => 42)).toBe(42)
  expect(() =>
    withAmbient(context(), () => {
      throw new Error('boom')
    }),
  ).toThrow('boom')
  expect(ambient()).toBeUndefined()
})

test('timeouts of two requests expire each in its own context, whoever armed the timer', async () => {
  const { shield } = await import('../../shield.ts')
  const { timeout } = await import('../../../policies/timeout/timeout.ts')
  const clock = virtualClock()
  const inventory = shield({ name: 'ambient', clock }, timeout('1s'))
  const seen = new Map<Ambient, (Ambient | undefined)[]>()
  const contexts = [context(), context(), context()]
  const calls = contexts.map((own) =>
    withAmbient(own, async () => {
      const heard: (Ambient | undefined)[] = []
      seen.set(own, heard)
      const answer = inventory.run(({ signal }) => {
        signal.addEventListener('abort', () => heard.push(ambient()))
        return new Promise(() => {})
      })
      await answer.catch(() => heard.push(ambient()))
    }),
  )
  await clock.advance('1s')
  await Promise.all(calls)
  for (const own of contexts) expect(seen.get(own)).toEqual([own, own])
})

test("a timeout's event is told in the context of its call", async () => {
  const { shield } = await import('../../shield.ts')
  const { timeout } = await import('../../../policies/timeout/timeout.ts')
  const clock = virtualClock()
  const inventory = shield({ name: 'ambient', clock }, timeout('1s'))
  const heard: (Ambient | undefined)[] = []
  inventory.on('timeout', () => heard.push(ambient()))
  const [first, second] = [context(), context()]
  const calls = [first, second].map((own) =>
    withAmbient(own, () => inventory.run(() => new Promise(() => {})).catch(() => {})),
  )
  await clock.advance('1s')
  await Promise.all(calls)
  expect(heard).toEqual([first, second])
})

test('a circuit that becomes half-open by time does so outside of the request that opened it', async () => {
  const { shield } = await import('../../shield.ts')
  const { circuitBreaker } = await import('../../../policies/circuit-breaker/circuit-breaker.ts')
  const { consecutive } = await import('../../../policies/circuit-breaker/state/trips/trip.ts')
  const clock = virtualClock()
  // A clock that keeps contexts, as the runtime's timers do.
  const { AsyncResource } = await import('node:async_hooks')
  const keeping = {
    ...clock,
    now: clock.now,
    setTimer: (fire: () => void, ms: number) => clock.setTimer(AsyncResource.bind(fire), ms),
  }
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1s' })
  const inventory = shield({ name: 'ambient', clock: keeping }, breaker)
  const heard: [string, Ambient | undefined][] = []
  breaker.on('stateChange', ({ to }) => heard.push([to, ambient()]))
  const own = context()
  await withAmbient(own, () => inventory.run(() => Promise.reject(new Error('down'))).catch(() => {}))
  await clock.advance('1s')
  expect(heard).toEqual([
    ['open', own],
    ['half-open', undefined],
  ])
})

test('a runtime without asynchronous storage has no context, and bodies run all the same', async () => {
  vi.stubGlobal('process', { ...process, getBuiltinModule: undefined })
  vi.resetModules()
  try {
    const without = await import('../ambient.ts')
    expect(without.asyncStorage()).toBeUndefined()
    expect(without.withAmbient(context(), () => without.ambient() ?? 'none')).toBe('none')
  } finally {
    vi.unstubAllGlobals()
    vi.resetModules()
  }
})
