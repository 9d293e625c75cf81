import { type AnyPolicy, ConfigurationError, circuitBreaker } from 'escudo'
import { type Group, NotAvailable } from '../harness.ts'
import * as effect from './effect.ts'
import { inSequence, succeed } from './operations.ts'
import { ours, overTime } from './ours.ts'
import { cockatielBreaker, type Executes, OPEN_MS } from './peers.ts'

const KEYS = Array.from({ length: 1_000 }, (_, number) => `tenant-${number}`)

/** A breaker for each key. Throws {@link NotAvailable} if the library has none. */
export function keyedBreaker(maxKeys: number): AnyPolicy {
  // Spread, so that this compiles against a library without the option.
  const perKey = { perKey: { maxKeys } }
  try {
    return circuitBreaker({ trip: overTime, openFor: OPEN_MS, ...perKey })
  } catch (error) {
    if (error instanceof ConfigurationError) throw new NotAvailable(error.message)
    throw error
  }
}

const thousandKeys: Group = {
  name: 'one breaker per key, a thousand keys in turn, success',
  // cockatiel has no keys, so people write a Map of breakers, created on first use of a key. The breaker of effect takes a
  // key with each call; its window is 100 calls instead of 30 s.
  build: async () => {
    const our = ours('keyed', keyedBreaker(KEYS.length))
    const breakers = new Map<string, Executes>()
    const breakerOf = (key: string): Executes => {
      let breaker = breakers.get(key)
      if (breaker === undefined) {
        breaker = cockatielBreaker()
        breakers.set(key, breaker)
      }
      return breaker
    }
    const withBreaker = await effect.makeBreaker(100)
    const succeeding = effect.operation(succeed)
    const nextKey = (): (() => string) => {
      let at = 0
      return () => {
        at = (at + 1) % KEYS.length
        return KEYS[at] as string
      }
    }
    const [first, second, third] = [nextKey(), nextKey(), nextKey()]
    return [
      { by: 'bare', run: inSequence(succeed) },
      { by: 'escudo', run: inSequence(() => our.run(succeed, { key: first() })) },
      { by: 'cockatiel', run: inSequence(() => breakerOf(second()).execute(succeed)) },
      { by: 'effect', run: inSequence(() => effect.runner(withBreaker(succeeding, third()))()) },
    ]
  },
}

/** The cost of a breaker for each key. `memory/` measures its memory. */
export const keys: readonly Group[] = [thousandKeys]
