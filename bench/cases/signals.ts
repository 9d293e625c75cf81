import { type Call, timeout } from 'escudo'
import type { Group } from '../harness.ts'
import * as effect from './effect.ts'
import { inSequence, succeed } from './operations.ts'
import { ourFive, ours } from './ours.ts'
import { cockatielFive, cockatielTimeout, TIMEOUT_MS } from './peers.ts'

/** An operation that looks at its signal once. cockatiel makes a signal whether or not anybody looks. */
const looking = async ({ signal }: Pick<Call, 'signal'>): Promise<number> => (signal.aborted ? 0 : 1)

const timeoutRead: Group = {
  name: 'timeout alone, the operation reads its signal, success',
  // The bare case looks at one signal that exists already.
  build: () => {
    const call = new AbortController()
    const our = ours('signal-timeout', timeout(TIMEOUT_MS))
    const their = cockatielTimeout()
    const program = effect.withTimeout(effect.operation((signal) => looking({ signal })))
    return [
      { by: 'bare', run: inSequence(() => looking(call)) },
      { by: 'escudo', run: inSequence(() => our.run(looking)) },
      { by: 'cockatiel', run: inSequence(() => their.execute(looking)) },
      { by: 'effect', run: inSequence(effect.runner(program)) },
    ]
  },
}

const fiveRead: Group = {
  name: 'five policies, the operation reads its signal, success',
  build: () => {
    const call = new AbortController()
    const our = ourFive('signal-five')
    const their = cockatielFive()
    return [
      { by: 'bare', run: inSequence(() => looking(call)) },
      { by: 'escudo', run: inSequence(() => our.run(looking)) },
      { by: 'cockatiel', run: inSequence(() => their.execute(looking)) },
    ]
  },
}

const fiveOneSignal: Group = {
  name: "five policies, one caller's signal for all calls, success",
  // The caller may give every call up; it never does. The bare case could not be given up.
  build: () => {
    const { signal } = new AbortController()
    const our = ourFive('one-signal')
    const their = cockatielFive()
    return [
      { by: 'bare', run: inSequence(succeed) },
      { by: 'escudo', run: inSequence(() => our.run(succeed, { signal })) },
      { by: 'cockatiel', run: inSequence(() => their.execute(succeed, signal)) },
    ]
  },
}

const fiveOwnSignals: Group = {
  name: 'five policies, a signal of its own for each call, success',
  // As in a server, where each request brings one: all make it, the bare case too.
  build: () => {
    const our = ourFive('own-signals')
    const their = cockatielFive()
    return [
      { by: 'bare', run: inSequence(() => looking(new AbortController())) },
      { by: 'escudo', run: inSequence(() => our.run(succeed, { signal: new AbortController().signal })) },
      { by: 'cockatiel', run: inSequence(() => their.execute(succeed, new AbortController().signal)) },
    ]
  },
}

/** What signals cost, the operation's and the caller's. */
export const signals: readonly Group[] = [timeoutRead, fiveRead, fiveOneSignal, fiveOwnSignals]
