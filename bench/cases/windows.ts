import { type Clock, failureRate, shield } from 'escudo'
import type { Contender, Group } from '../harness.ts'
import * as effect from './effect.ts'
import { caughtInSequence, mostlyFailing } from './operations.ts'
import { ourBreaker, ours } from './ours.ts'
import { cockatielCountBreaker } from './peers.ts'

// The cost of a failure must not grow with the number of calls in the window of the breaker. The windows are full before
// the measurement starts. The operation fails 98 times in 100, and the circuit would open at 99 %.

/** The number of calls in the windows. The goal compares the first with the last. */
export const WINDOW_SIZES = [100, 10_000, 1_000_000] as const

const THRESHOLD = 0.99
const MINIMUM_CALLS = 100

const formatted = (size: number): string => size.toLocaleString('en-US')

/** The group for a window of `size` calls. */
export const windowOfCalls = (size: number): string => `breaker failure, the last ${formatted(size)} calls`
/** The group for a window of time with `size` calls in it. */
export const windowOfTime = (size: number): string => `breaker failure, a second with ${formatted(size)} calls`

// effect removes the oldest call from the front of an array, so filling a window of a million calls takes too long.
const EFFECT_SIZE_MAX = 10_000

const callGroups: readonly Group[] = WINDOW_SIZES.map((size) => ({
  name: windowOfCalls(size),
  build: async () => {
    const trip = failureRate({ threshold: THRESHOLD, window: { calls: size }, minimumCalls: MINIMUM_CALLS })
    const our = ours(`calls-${size}`, ourBreaker(trip))
    const their = cockatielCountBreaker(size, THRESHOLD, MINIMUM_CALLS)
    const [first, second, third] = [mostlyFailing(), mostlyFailing(), mostlyFailing()]
    const contenders: Contender[] = [
      { by: 'bare', run: caughtInSequence(first) },
      { by: 'escudo', run: caughtInSequence(() => our.run(second)) },
      { by: 'cockatiel', run: caughtInSequence(() => their.execute(third)) },
    ]
    if (size <= EFFECT_SIZE_MAX) {
      const withBreaker = await effect.makeBreaker(size, THRESHOLD, MINIMUM_CALLS)
      const program = withBreaker(effect.operation(mostlyFailing()))
      contenders.push({ by: 'effect', run: caughtInSequence(effect.runner(program)) })
    }
    return await filled(contenders, size)
  },
}))

// A custom clock keeps the number of calls in the window constant: each call advances it by its share of the window. The
// peers have no such option; they read the system clock.
const timeGroups: readonly Group[] = WINDOW_SIZES.map((size) => ({
  name: windowOfTime(size),
  build: async () => {
    const clock = steppingClock()
    const trip = failureRate({ threshold: THRESHOLD, window: '1s', minimumCalls: MINIMUM_CALLS })
    const our = shield({ name: `bench-time-${size}`, clock }, ourBreaker(trip))
    const [first, second] = [mostlyFailing(), mostlyFailing()]
    const stepMs = 1_000 / size
    const run = (): Promise<number> => {
      clock.step(stepMs)
      return second()
    }
    return await filled(
      [
        { by: 'bare', run: caughtInSequence(first) },
        { by: 'escudo', run: caughtInSequence(() => our.run(run)) },
      ],
      size,
    )
  },
}))

/** Fills all windows with a few calls more than their size. */
async function filled(contenders: readonly Contender[], size: number): Promise<readonly Contender[]> {
  for (const { by, run } of contenders) if (by !== 'bare') await run(size + MINIMUM_CALLS)
  return contenders
}

function steppingClock(): Clock & { step(ms: number): void } {
  let nowMs = 0
  return {
    now: () => nowMs,
    // No timer runs in these cases. A circuit that opened would fail its case.
    setTimer: () => () => {},
    step(ms) {
      nowMs += ms
    },
  }
}

/** The cost of a failure with few and with many calls in the window. */
export const windows: readonly Group[] = [...callGroups, ...timeGroups]
