// A child process of `memory.ts`: node --expose-gc keyed-shield.ts BY KEYS. Makes one successful call for each key
// through a shield and prints the memory for each key as one line of JSON.
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
  // cockatiel has no keys, so people write a Map of breakers.
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

async function memoryUse(): Promise<{ readonly bytes: number; readonly resident: number }> {
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('run with --expose-gc: memory is measured after collections')
  // Twice with a turn between, because the second frees what the first finalises.
  for (let time = 0; time < 2; time += 1) {
    collect()
    await nextTurn()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { bytes: heapUsed + external, resident: rss }
}

async function measure(by: string, keys: number): Promise<KeyedMemory> {
  const make = makers[by]
  if (make === undefined) throw new TypeError(`unknown library '${by}'; known: ${Object.keys(makers).join(', ')}`)
  const call = make(keys)
  // One key first, to compile the code and create the shapes.
  await call('warm-up')
  const before = await memoryUse()
  for (let number = 1; number < keys; number += 1) await call(`tenant-${number}`)
  const after = await memoryUse()
  const added = keys - 1
  // One more call, so that the breakers stay reachable until here.
  await call('warm-up')
  return {
    by,
    keys,
    bytesPerKey: (after.bytes - before.bytes) / added,
    residentBytesPerKey: (after.resident - before.resident) / added,
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
