import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { shield } from '../../../core/shield.ts'
import { timeout } from '../timeout.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

async function heapBytes(): Promise<number> {
  for (let n = 0; n < 3; n += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  return process.memoryUsage().heapUsed
}

/** Makes timeouts of different durations, each for one call, and waits until their idle timers are released. */
async function oneCallEach(count: number, fromMs: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await shield('one call', timeout(fromMs + n)).run(() => 42)
  await new Promise((resolve) => setTimeout(resolve, 250))
}

test('three thousand timeouts of different durations leave no timer behind', async () => {
  await oneCallEach(1_000, 1_000_000)
  const before = await heapBytes()
  await oneCallEach(3_000, 60_000)
  expect((await heapBytes()) - before).toBeLessThan(1_000_000)
})

test('a cancelled background timer leaves nothing behind in the runtime, whatever its duration', async () => {
  const cancelled = (fromMs: number): void => {
    for (let n = 0; n < 20_000; n += 1) systemClock.setTimer(() => {}, fromMs + n, { background: true })()
  }
  cancelled(1_000_000)
  const before = await heapBytes()
  cancelled(60_000)
  expect((await heapBytes()) - before).toBeLessThan(500_000)
})
