import { setImmediate } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { type Ambient, ambient, withAmbient } from '../ambient.ts'
import { continueTrace } from '../trace-context.ts'

const context = (): Ambient => continueTrace({})

test('there is no context outside a request', () => {
  expect(ambient()).toBeUndefined()
})

test('a context reaches everything that its body starts, and nothing after the body', async () => {
  const own = context()
  const seen: (Ambient | undefined)[] = []
  const late = withAmbient(own, async () => {
    seen.push(ambient())
    await setImmediate()
    seen.push(ambient())
    await Promise.all([1, 2].map(async () => seen.push(ambient())))
  })
  expect(ambient()).toBeUndefined()
  await late
  expect(seen).toEqual([own, own, own, own])
  expect(ambient()).toBeUndefined()
})

test('interleaved asynchronous flows keep separate contexts', async () => {
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

test('contexts nest, and undefined runs a body outside every context', () => {
  const [outer, inner] = [context(), context()]
  withAmbient(outer, () => {
    withAmbient(inner, () => expect(ambient()).toBe(inner))
    withAmbient(undefined, () => expect(ambient()).toBeUndefined())
    expect(ambient()).toBe(outer)
  })
})

test('withAmbient() returns or throws what its body does, and ends the context', () => {
  expect(withAmbient(context(), () => 42)).toBe(42)
  expect(() =>
    withAmbient(context(), () => {
      throw new Error('boom')
    }),
  ).toThrow('boom')
  expect(ambient()).toBeUndefined()
})

test('timeouts expire in the contexts of their requests, whichever request set the timer', async () => {
  const { shield } = await import('../../shield.ts')
  const { timeout } = await import('../../../policies/timeout/timeout.ts')
  const clock = virtualClock()
  const inventory = shield({ name: 'ambient', clock }, timeout('1s'))
  const seen = new Map<Ambient, (Ambient | undefined)[]>()
  const contexts = [context(), context(), context()]
  const calls = contexts.map((own) =>
    withAmbient(own, async () => {
      const recorded: (Ambient | undefined)[] = []
      seen.set(own, recorded)
      const answer = inventory.run(({ signal }) => {
        signal.addEventListener('abort', () => recorded.push(ambient()))
        return new Promise(() => {})
      })
      await answer.catch(() => recorded.push(ambient()))
    }),
  )
  await clock.advance('1s')
  await Promise.all(calls)
  for (const own of contexts) expect(seen.get(own)).toEqual([own, own])
})

test("a timeout's event is emitted in the context of its call", async () => {
  const { shield } = await import('../../shield.ts')
  const { timeout } = await import('../../../policies/timeout/timeout.ts')
  const clock = virtualClock()
  const inventory = shield({ name: 'ambient', clock }, timeout('1s'))
  const seen: (Ambient | undefined)[] = []
  inventory.on('timeout', () => seen.push(ambient()))
  const [first, second] = [context(), context()]
  const calls = [first, second].map((own) =>
    withAmbient(own, () => inventory.run(() => new Promise(() => {})).catch(() => {})),
  )
  await clock.advance('1s')
  await Promise.all(calls)
  expect(seen).toEqual([first, second])
})

test('a circuit becomes half-open outside the context of the request that opened it', async () => {
  const { shield } = await import('../../shield.ts')
  const { circuitBreaker } = await import('../../../policies/circuit-breaker/circuit-breaker.ts')
  const { consecutive } = await import('../../../policies/circuit-breaker/state/trips/trip.ts')
  const clock = virtualClock()
  // A clock that preserves contexts, as the runtime's timers do.
  const { AsyncResource } = await import('node:async_hooks')
  const preserving = {
    ...clock,
    now: clock.now,
    setTimer: (fire: () => void, ms: number) => clock.setTimer(AsyncResource.bind(fire), ms),
  }
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1s' })
  const inventory = shield({ name: 'ambient', clock: preserving }, breaker)
  const seen: [string, Ambient | undefined][] = []
  breaker.on('stateChange', ({ to }) => seen.push([to, ambient()]))
  const own = context()
  await withAmbient(own, () => inventory.run(() => Promise.reject(new Error('down'))).catch(() => {}))
  await clock.advance('1s')
  expect(seen).toEqual([
    ['open', own],
    ['half-open', undefined],
  ])
})

test('without asynchronous storage there is no context, and bodies still run', async () => {
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
