import type { Contender, Group } from '../harness.ts'
import { inSequence, succeed } from './operations.ts'
import { ourFive } from './ours.ts'
import { cockatielBreaker, cockatielFive, cockatielRetry, cockatielTimeout } from './peers.ts'

const OCCASIONAL = ['stateChange', 'retry', 'timeout', 'rejected', 'fallback', 'late'] as const

const quiet: Group = {
  name: 'five policies, listeners that have nothing to hear, success',
  // Listeners for what is out of the ordinary: nothing is, so they are never called, and must cost nothing.
  build: () => {
    const our = ourFive('quiet')
    for (const name of OCCASIONAL) our.on(name, unexpected)
    const retry = cockatielRetry()
    const breaker = cockatielBreaker()
    const timeout = cockatielTimeout()
    retry.onRetry(unexpected)
    retry.onGiveUp(unexpected)
    breaker.onStateChange(unexpected)
    timeout.onTimeout(unexpected)
    const their = cockatielFive({ retry, breaker, timeout })
    return [
      { by: 'bare', run: inSequence(succeed) },
      { by: 'escudo', run: inSequence(() => our.run(succeed)) },
      { by: 'cockatiel', run: inSequence(() => their.execute(succeed)) },
    ]
  },
}

const told: Group = {
  name: 'five policies, each call told to a listener, success',
  // What a metrics registry costs: retry, breaker and timeout each tell that they are done with the call, so one
  // listener hears three times.
  build: () => {
    const our = ourFive('told')
    let heard = 0
    const hear = (): void => {
      heard += 1
    }
    our.on('executed', hear)
    const parts = { retry: cockatielRetry(), breaker: cockatielBreaker(), timeout: cockatielTimeout() }
    for (const part of Object.values(parts)) part.onSuccess(hear)
    const their = cockatielFive(parts)
    const allHeard =
      (run: Contender['run']): Contender['run'] =>
      async (calls) => {
        heard = 0
        await run(calls)
        return heard / 3
      }
    return [
      { by: 'bare', run: inSequence(succeed) },
      { by: 'escudo', run: allHeard(inSequence(() => our.run(succeed))) },
      { by: 'cockatiel', run: allHeard(inSequence(() => their.execute(succeed))) },
    ]
  },
}

const status: Group = {
  name: 'status of the five',
  // A snapshot of all five, as a status page or a scrape takes it. No peer has one.
  build: async () => {
    const our = ourFive('status')
    for (let call = 0; call < 100; call += 1) await our.run(succeed)
    return [{ by: 'escudo', run: async (calls) => sumOf(calls, () => (our.status().policies.length === 5 ? 1 : 0)) }]
  },
}

function sumOf(calls: number, call: () => number): number {
  let sum = 0
  for (let done = 0; done < calls; done += 1) sum += call()
  return sum
}

function unexpected(): void {
  throw new Error('a listener heard of something that should not have happened')
}

/** What it costs to be watched. */
export const listeners: readonly Group[] = [quiet, told, status]
