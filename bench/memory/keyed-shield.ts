// A child of `memory.ts`: node --expose-gc keyed-shield.ts BY KEYS. Makes one successful call for each key through a
// shield, as a service does, and prints,
// as one line of JSON, what the process then holds for each.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { keyedBreaker } from '../cases/keys.ts'
import { succeed } from '../cases/operations.ts'
import { ours } from '../cases/ours.ts'
import { cockatielBreaker, type Executes } from '../cases/peers.ts'
import { NotAvailable } from '../harness.ts'
import type { KeyedMemory } from '../memory.ts'

type CallOf = (key: string) => PromiseLike<unknown>

const makers: Readonly<Record<string, (keys: number) => CallOf>> = {
  escudo: (keys) => {
    const shield = ours('keyed-memory', keyedBreaker(keys))
    return (key) => shield.run(succeed, { key })
  },
  // cockatiel knows no keys: a Map of breakers, as people write it.
  cockatiel: () => {
    const breakers = new Map<string, Executes>()
    return (key) => {
      let breaker = breakers.get(key)
      if (breaker === undefined) {
        breaker = cockatielBreaker()
        breakers.set(key, breaker)
      }
      return breaker.execute(succeed)
    }
  },
}

async function held(): Promise<{ readonly bytes: number; readonly resident: number }> {
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('run with --expose-gc: memory is compared after collections')
  // Twice, with a turn between: what the first one finalises is freed by the second.
  for (let time = 0; time < 2; time += 1) {
    collect()
    await nextTurn()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { bytes: heapUsed + external, resident: rss }
}

async function measure(by: string, keys: number): Promise<KeyedMemory> {
  const make = makers[by]
  if (make === undefined) throw new TypeError(`nobody is called '${by}'; there are: ${Object.keys(makers).join(', ')}`)
  const call = make(keys)
  // One key before, so that code and shapes are there.
  await call('warm-up')
  const before = await held()
  for (let number = 1; number < keys; number += 1) await call(`tenant-${number}`)
  const after = await held()
  const made = keys - 1
  // Used once more: what is measured must still be reachable.
  await call('warm-up')
  return {
    by,
    keys,
    bytesPerKey: (after.bytes - before.bytes) / made,
    residentBytesPerKey: (after.resident - before.resident) / made,
    notAvailable: undefined,
  }
}

const [by = '', keys = ''] = process.argv.slice(2)
try {
  console.log(JSON.stringify(await measure(by, Number(keys))))
} catch (error) {
  if (!(error instanceof NotAvailable)) throw error
  console.log(JSON.stringify({ by, keys: Number(keys), notAvailable: error.message }))
}
