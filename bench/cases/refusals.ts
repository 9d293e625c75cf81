import { types } from 'node:util'
import * as cockatiel from 'cockatiel'
import { CircuitOpenError, circuitBreaker, consecutive, fallback } from 'escudo'
import Opossum from 'opossum'
import type { Contender, Group } from '../harness.ts'
import * as effect from './effect.ts'
import { caughtInSequence, fail, inSequence } from './operations.ts'
import { ours } from './ours.ts'
import { cockatielFallback, type Executes, OPEN_MS, OPOSSUM } from './peers.ts'

// The circuit is open for an hour and rejects every call. The bare case is an `async` function that throws one existing
// error: the cost of any caught rejection.

/** The group of the goal for refusals. */
export const REFUSAL = 'refusal by an open breaker, caught'

const bareCaught: Contender = { by: 'bare', run: caughtInSequence(fail) }

/** Opens the circuit with one failed call. */
async function opened<P>(contender: P, call: (contender: P) => PromiseLike<unknown>): Promise<P> {
  await Promise.resolve(call(contender)).catch(() => {})
  return contender
}

const ourOpen = (): ReturnType<typeof circuitBreaker> => circuitBreaker({ trip: consecutive(1), openFor: OPEN_MS })

const cockatielOpen = (): Promise<Executes> =>
  opened(
    cockatiel.circuitBreaker(cockatiel.handleAll, {
      halfOpenAfter: OPEN_MS,
      breaker: new cockatiel.ConsecutiveBreaker(1),
    }),
    (breaker) => breaker.execute(fail),
  )

function opossumOpen(): Opossum {
  const breaker = new Opossum(fail, { ...OPOSSUM, volumeThreshold: 1 })
  breaker.open()
  return breaker
}

/** The goal requires real errors. A plain object would be cheaper. */
const isOurRefusal = (error: unknown): boolean => error instanceof CircuitOpenError && types.isNativeError(error)
const isCockatielRefusal = (error: unknown): boolean => error instanceof cockatiel.BrokenCircuitError
const isOpossumRefusal = (error: unknown): boolean => (error as { code?: unknown }).code === 'EOPENBREAKER'

const refusal: Group = {
  name: REFUSAL,
  build: async () => {
    const our = await opened(ours('open', ourOpen()), (shield) => shield.run(fail))
    const their = await cockatielOpen()
    const opossum = opossumOpen()
    const program = (await effect.makeQuickBreaker())(effect.operation(fail))
    await opened(program, (one) => effect.runner(one)())
    return [
      bareCaught,
      { by: 'escudo', run: caughtInSequence(() => our.run(fail), isOurRefusal) },
      { by: 'cockatiel', run: caughtInSequence(() => their.execute(fail), isCockatielRefusal) },
      {
        by: 'opossum',
        run: caughtInSequence(() => opossum.fire(), isOpossumRefusal),
        close: () => opossum.shutdown(),
      },
      { by: 'effect', run: caughtInSequence(effect.runner(program), effect.isEffectRefusal) },
    ]
  },
}

const refusalWithFallback: Group = {
  name: 'refusal by an open breaker, answered by a fallback',
  // The bare case catches the rejection and returns the substitute.
  build: async () => {
    const our = await opened(ours('open-fallback', fallback(1), ourOpen()), (shield) => shield.run(fail))
    const their: Executes = cockatiel.wrap(
      cockatielFallback(),
      (await cockatielOpen()) as cockatiel.CircuitBreakerPolicy,
    )
    const opossum = opossumOpen()
    opossum.fallback(() => 1)
    const program = (await effect.makeQuickBreaker())(effect.operation(fail))
    await opened(program, (one) => effect.runner(one)())
    const bareAnswer = async (): Promise<number> => {
      try {
        return await fail()
      } catch {
        return 1
      }
    }
    return [
      { by: 'bare', run: inSequence(bareAnswer) },
      { by: 'escudo', run: inSequence(() => our.run(fail)) },
      { by: 'cockatiel', run: inSequence(() => their.execute(fail)) },
      { by: 'opossum', run: inSequence(() => opossum.fire()), close: () => opossum.shutdown() },
      { by: 'effect', run: inSequence(effect.runner(effect.withFallback(program))) },
    ]
  },
}

const refusalWithListener: Group = {
  name: 'refusal by an open breaker, caught, with a listener',
  // cockatiel and effect emit no event for a refusal.
  build: async () => {
    let events = 0
    const our = await opened(ours('open-listener', ourOpen()), (shield) => shield.run(fail))
    our.on('rejected', () => {
      events += 1
    })
    const opossum = opossumOpen()
    opossum.on('reject', () => {
      events += 1
    })
    /** The listener runs once for each call. */
    const counted =
      (run: Contender['run']): Contender['run'] =>
      async (calls) => {
        events = 0
        await run(calls)
        return events
      }
    return [
      bareCaught,
      { by: 'escudo', run: counted(caughtInSequence(() => our.run(fail), isOurRefusal)) },
      {
        by: 'opossum',
        run: counted(caughtInSequence(() => opossum.fire(), isOpossumRefusal)),
        close: () => opossum.shutdown(),
      },
    ]
  },
}

/** The cost of a refusal. */
export const refusals: readonly Group[] = [refusal, refusalWithFallback, refusalWithListener]
