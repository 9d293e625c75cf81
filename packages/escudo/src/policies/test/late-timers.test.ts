import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import {
  type AnyPolicy,
  bulkhead,
  type Call,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  fallback,
  hedge,
  rateLimiter,
  retry,
  timeout,
} from '../../index.ts'
import { lateClock, shielded, waiting } from './late-clock.ts'

// Doubtful orders of policies are tried too.
vi.spyOn(process, 'emitWarning').mockImplementation(() => {})

describe('any policies, for a clock whose timers fire late and in any order', () => {
  interface Recorded {
    readonly violations: string[]
  }

  /** Checks that a call goes through the policies inside within `maxMs`. */
  function within(recorded: Recorded, name: string, maxMs: number, inside: AnyPolicy[]): AnyPolicy[] {
    const enteredMs = new WeakMap<object, number>()
    const outside = definePolicy({
      name: `before ${name}`,
      wrap: (next) => (call, operation) => {
        const entered: typeof operation = (inner) => operation(inner)
        enteredMs.set(entered, call.clock.now())
        return next(call, entered)
      },
    })
    const after = definePolicy({
      name: `after ${name}`,
      wrap: (next) => (call, operation) => {
        const waitedMs = call.clock.now() - (enteredMs.get(operation) ?? 0)
        if (waitedMs > maxMs) recorded.violations.push(`${name}: ${waitedMs} ms`)
        return next(call, operation)
      },
    })
    return [outside, ...inside, after]
  }

  type Part = (recorded: Recorded, recording: boolean) => AnyPolicy[]
  const ms = fc.integer({ min: 1, max: 60 })
  const part: fc.Arbitrary<Part> = fc.oneof(
    fc
      .record({ backoffMs: ms, maxTotal: ms, maxRetries: fc.integer({ min: 1, max: 3 }) })
      .map(({ backoffMs, ...options }): Part => {
        return (recorded, recording) => {
          const inside = [retry({ ...options, backoff: constant(backoffMs) })]
          // The first attempt starts at once, so the time from before the retry is the time of each attempt.
          return recording ? within(recorded, 'maxTotal', options.maxTotal, inside) : inside
        }
      }),
    fc.record({ maxWait: ms, limit: fc.integer({ min: 1, max: 2 }), queue: fc.integer({ min: 1, max: 4 }) }).map(
      (options): Part =>
        (recorded, recording) =>
          recording ? within(recorded, 'bulkhead', options.maxWait, [bulkhead(options)]) : [bulkhead(options)],
    ),
    fc.record({ maxWait: ms, limit: fc.integer({ min: 1, max: 3 }), per: ms }).map(
      (options): Part =>
        (recorded, recording) =>
          recording
            ? within(recorded, 'rate limiter', options.maxWait, [rateLimiter(options)])
            : [rateLimiter(options)],
    ),
    ms.map(
      (after): Part =>
        () => [hedge({ after, maxHedges: 2 })],
    ),
    ms.map(
      (delayMs): Part =>
        () => [waiting(delayMs)],
    ),
    fc.integer({ min: 5, max: 200 }).map(
      (after): Part =>
        () => [timeout(after)],
    ),
    fc.constant<Part>(() => [circuitBreaker({ trip: consecutive(3), openFor: 20 })]),
    fc.constant<Part>(() => [fallback(() => 'substitute')]),
  )
  const call = fc.record({
    atStep: fc.nat(5),
    deadline: fc.option(fc.integer({ min: 1, max: 150 }), { nil: undefined }),
    durationMs: fc.integer({ min: 0, max: 60 }),
    fails: fc.boolean(),
    aborts: fc.boolean(),
  })

  /** Runs calls on a blocked event loop. Returns what began too late. */
  async function simulate(
    parts: readonly Part[],
    recording: boolean,
    calls: readonly {
      atStep: number
      deadline: number | undefined
      durationMs: number
      fails: boolean
      aborts: boolean
    }[],
    blocks: readonly number[],
    picks: readonly number[],
  ): Promise<void> {
    const clock = lateClock()
    const recorded: Recorded = { violations: [] }
    const policies = parts.flatMap((make) => make(recorded, recording))
    const afterMs = policies.flatMap(({ settings, type }) =>
      type === 'timeout' ? [settings['afterMs'] as number] : [],
    )
    // A longer timeout inside a shorter one is refused when the shield is built.
    fc.pre(afterMs.every((ms, index) => index === 0 || ms <= (afterMs[index - 1] as number)))
    const s = shielded(clock, ...policies)
    let running = 0
    let settled = 0
    let pickIndex = 0
    const pick = (count: number): number => (picks[pickIndex++ % picks.length] as number) % Math.max(1, count)
    const operation =
      ({ durationMs, fails }: { durationMs: number; fails: boolean }) =>
      async ({ deadline }: Call): Promise<string> => {
        if (deadline !== undefined && clock.now() >= deadline) recorded.violations.push(`deadline ${deadline}`)
        running += 1
        await new Promise<void>((resolve) => clock.setTimer(resolve, durationMs))
        running -= 1
        if (fails) throw new Error('down')
        return 'ok'
      }
    for (const [step, blockMs] of blocks.entries()) {
      for (const one of calls.filter(({ atStep }) => atStep === step)) {
        const controller = new AbortController()
        const { deadline } = one
        s.run(operation(one), { signal: controller.signal, deadline })
          .catch(() => {})
          .then(() => (settled += 1))
        if (one.aborts) clock.setTimer(() => controller.abort(), 30)
      }
      clock.block(blockMs)
      await clock.fireDue(pick)
    }
    for (let round = 0; round < 30 && (settled < calls.length || running > 0); round += 1) {
      clock.block(200)
      await clock.fireDue(pick)
    }
    // Custom policies may still wait, one after the other, although their call was cancelled.
    for (const _ of policies) {
      clock.block(200)
      await clock.fireDue(pick)
    }
    expect(recorded.violations).toEqual([])
    expect([settled, running]).toEqual([calls.length, 0])
    for (const { type, ...status } of s.status().policies) {
      if (type === 'bulkhead') expect(status).toMatchObject({ inUse: 0, queued: 0 })
      if (type === 'rateLimiter') expect(status).toMatchObject({ queued: 0 })
    }
  }

  test('no operation begins after its deadline, its total limit or the time of its permit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        fc.array(call, { minLength: 1, maxLength: 6 }),
        fc.array(fc.oneof(fc.nat(20), fc.nat(150)), { minLength: 6, maxLength: 12 }),
        fc.array(fc.nat(7), { minLength: 1, maxLength: 20 }),
        simulate,
      ),
      { numRuns: 3_000 },
    )
  }, 120_000)
})
