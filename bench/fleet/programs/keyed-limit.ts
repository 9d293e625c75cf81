// A child process of `../memory.ts`: node --expose-gc keyed-limit.ts local|shared KEYS PORT. Makes one call for each key of
// a rate limiter and prints the bytes of heap for each key.
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { rateLimiter, shield } from 'escudo'
import { fleet } from 'escudo/redis'
import { Redis } from 'ioredis'

const AT_ONCE = 200
// The first calls also load and compile code, which is no memory of a key.
const WARM_UP_KEYS = 5_000

const [kind, keysText, portText] = process.argv.slice(2)
const keys = Number(keysText)
const client = new Redis(Number(portText))
const shared = fleet({ client, prefix: kind ?? '', timeout: '10s' })
const limit = { limit: 1_000, per: '1s', maxWait: '10s', perKey: { maxKeys: keys + WARM_UP_KEYS } } as const
const limited = shield('mail', rateLimiter(kind === 'shared' ? { ...limit, shared } : limit))

async function heapBytes(): Promise<number> {
  // Leases of the last calls may be on their way.
  await pause(500)
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('run with --expose-gc: memory is measured after collections')
  for (let time = 0; time < 2; time += 1) {
    collect()
    await nextTurn()
  }
  return process.memoryUsage().heapUsed
}

async function call(from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, to - first) }, (_, index) => `tenant-${first + index}`)
    await Promise.all(some.map((key) => limited.run(() => undefined, { key })))
  }
}

await call(0, WARM_UP_KEYS)
const before = await heapBytes()
await call(WARM_UP_KEYS, keys + WARM_UP_KEYS)
const after = await heapBytes()
await call(0, 1)
console.log((after - before) / keys)
process.exit(0)
