import { type AnyPolicy, ConfigurationError, circuitBreaker } from 'escudo'
import { type Group, NotAvailable } from '../harness.ts'
import * as effect from './effect.ts'
import { inSequence, succeed } from './operations.ts'
import { ours, overTime } from './ours.ts'
import { cockatielBreaker, type Executes, OPEN_MS } from './peers.ts'

const KEYS = Array.from({ length: 1_000 }, (_, number) => `tenant-${number}`)

/** A breaker for each key. Throws {@link NotAvailable} while the library has none. */
export function keyedBreaker(maxKeys: number): AnyPolicy {
  // Spread, so that this compiles also against a library that does not know the option yet.
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
  // cockatiel knows no keys: a Map of breakers, made when a key is first seen, as people write it. effect's breaker has
  // a key with each call, and a window of 100 calls instead of one of 30 s.
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

/** What a breaker for each key costs; its memory is measured in `memory/`. */
export const keys: readonly Group[] = [thousandKeys]
