import { setTimeout as delay } from 'node:timers/promises'
import { type CallResult, callOnce, lineOf } from './call.ts'

/** What an attack is made of. */
export interface AttackOptions {
  readonly url: string
  readonly calls: number
  /** From the beginning of one call to the beginning of the next. */
  readonly intervalMs: number
  /** Ends the attack early. */
  readonly signal: AbortSignal
  /** Is given a line for each call. */
  readonly say: (line: string) => void
}

/** Makes the calls, one after the other, and gives the result of each; of those so far when it was stopped. */
export async function attack({ url, calls, intervalMs, signal, say }: AttackOptions): Promise<readonly CallResult[]> {
  const results: CallResult[] = []
  try {
    while (results.length < calls) {
      const started = performance.now()
      const result = await callOnce(url, signal)
      results.push(result)
      say(lineOf(results.length, result))
      const restMs = intervalMs - (performance.now() - started)
      if (results.length < calls && restMs > 0) await delay(restMs, undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return results
}
