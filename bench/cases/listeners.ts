import type { Contender, Group } from '../harness.ts'
import { inSequence, succeed } from './operations.ts'
import { ourFive } from './ours.ts'
import { cockatielBreaker, cockatielFive, cockatielRetry, cockatielTimeout } from './peers.ts'

const OCCASIONAL = ['stateChange', 'retry', 'timeout', 'rejected', 'fallback', 'late'] as const

const quiet: Group = {
  name: 'five policies, listeners that are never called, success',
  // Listeners for events that a successful call does not emit. They must cost nothing.
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

const notified: Group = {
  name: 'five policies, a listener called for each call, success',
  // Such a listener is told how long the call took, so calls are watched.
  alone: true,
  // The cost of a metrics registry. Retry, breaker and timeout each emit an event, so the listener runs three times.
  build: () => {
    const our = ourFive('notified')
    let events = 0
    const onEvent = (): void => {
      events += 1
    }
    const unsubscribe = our.on('executed', onEvent)
    const parts = { retry: cockatielRetry(), breaker: cockatielBreaker(), timeout: cockatielTimeout() }
    for (const part of Object.values(parts)) part.onSuccess(onEvent)
    const their = cockatielFive(parts)
    const counted =
      (run: Contender['run']): Contender['run'] =>
      async (calls) => {
        events = 0
        await run(calls)
        return events / 3
      }
    return [
      { by: 'bare', run: inSequence(succeed) },
      { by: 'escudo', run: counted(inSequence(() => our.run(succeed))), close: unsubscribe },
      { by: 'cockatiel', run: counted(inSequence(() => their.execute(succeed))) },
    ]
  },
}

const status: Group = {
  name: 'status of the five',
  // A snapshot of all five, as a status page or a scrape reads it. No peer has one.
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
  throw new Error('a listener received an event that should not happen')
}

/** The cost of listeners and of a status. */
export const listeners: readonly Group[] = [quiet, notified, status]
