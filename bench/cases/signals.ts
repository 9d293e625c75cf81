import { type Call, timeout } from 'escudo'
import type { Group } from '../harness.ts'
import * as effect from './effect.ts'
import { inSequence, succeed } from './operations.ts'
import { ourFive, ours } from './ours.ts'
import { cockatielFive, cockatielTimeout, TIMEOUT_MS } from './peers.ts'

/** An operation that reads its signal once. cockatiel creates a signal even if the operation does not read it. */
const readSignal = async ({ signal }: Pick<Call, 'signal'>): Promise<number> => (signal.aborted ? 0 : 1)

const timeoutRead: Group = {
  name: 'timeout alone, the operation reads its signal, success',
  // The bare case reads one existing signal.
  build: () => {
    const call = new AbortController()
    const our = ours('signal-timeout', timeout(TIMEOUT_MS))
    const their = cockatielTimeout()
    const program = effect.withTimeout(effect.operation((signal) => readSignal({ signal })))
    return [
      { by: 'bare', run: inSequence(() => readSignal(call)) },
      { by: 'escudo', run: inSequence(() => our.run(readSignal)) },
      { by: 'cockatiel', run: inSequence(() => their.execute(readSignal)) },
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
      { by: 'bare', run: inSequence(() => readSignal(call)) },
      { by: 'escudo', run: inSequence(() => our.run(readSignal)) },
      { by: 'cockatiel', run: inSequence(() => their.execute(readSignal)) },
    ]
  },
}

const fiveOneSignal: Group = {
  name: "five policies, one caller's signal for all calls, success",
  // The caller never aborts. The bare case has no signal.
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

const fiveSeparateSignals: Group = {
  name: 'five policies, a separate signal for each call, success',
  // As in a server, where each request has a signal. The bare case creates one too.
  build: () => {
    const our = ourFive('separate-signals')
    const their = cockatielFive()
    return [
      { by: 'bare', run: inSequence(() => readSignal(new AbortController())) },
      { by: 'escudo', run: inSequence(() => our.run(succeed, { signal: new AbortController().signal })) },
      { by: 'cockatiel', run: inSequence(() => their.execute(succeed, new AbortController().signal)) },
    ]
  },
}

/** The cost of signals of the operation and of the caller. */
export const signals: readonly Group[] = [timeoutRead, fiveRead, fiveOneSignal, fiveSeparateSignals]
