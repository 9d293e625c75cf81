import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { type Clock, retry, type Shield, shield, systemClock } from '../../../index.ts'
import { subscribe } from '../../../telemetry/index.ts'
import { watchCalls } from '../../engine/watched-call.ts'
import { hasCallWatchers } from '../call-events.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects garbage in a new job, and lets the runtime report what it has collected. */
async function collectGarbage(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  await new Promise((resolve) => setTimeout(resolve))
}

const listen = (s: Shield): (() => void) => s.on('executed', () => {})

function buildAndForget(count: number): void {
  for (let built = 0; built < count; built += 1) {
    const s = shield('collected', retry())
    listen(s)
    listen(s)()
  }
}

describe('calls are timed', () => {
  test('as long as there are listeners of frequent events, and no longer', () => {
    const s = shield('timed', retry())
    const stops = [s.on('retry', () => {}), subscribe(() => {})]
    expect(hasCallWatchers()).toBe(false)
    const [one, two, all] = [listen(s), s.on('cacheHit', () => {}), subscribe(() => {}, ['executed', 'cacheMiss'])]
    for (const stop of [one, one, two]) stop()
    expect(hasCallWatchers()).toBe(true)
    for (const stop of [all, all, ...stops]) stop()
    expect(hasCallWatchers()).toBe(false)
  })

  test('by one reading of the clock, if nothing is told when a call ends', async () => {
    let readings = 0
    const clock: Clock = { ...systemClock, now: () => readings++ }
    const s = shield({ name: 'read once', clock })
    const readingsOfCall = async (): Promise<number> => {
      const before = readings
      await s.run(() => 1)
      return readings - before
    }
    expect(await readingsOfCall()).toBe(0)
    const stopListening = listen(s)
    expect(await readingsOfCall()).toBe(1)
    const stopWatching = watchCalls({ ended: () => {} })
    expect(await readingsOfCall()).toBe(2)
    stopWatching()
    expect(await readingsOfCall()).toBe(1)
    stopListening()
  })

  test('until a shield whose listeners did not unsubscribe is collected', async () => {
    const kept = shield('kept', retry())
    const stop = listen(kept)
    buildAndForget(100)
    await collectGarbage()
    expect(hasCallWatchers()).toBe(true)
    stop()
    for (let round = 0; hasCallWatchers() && round < 20; round += 1) await collectGarbage()
    expect(hasCallWatchers()).toBe(false)
  })
})
