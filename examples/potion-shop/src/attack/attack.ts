import { setTimeout as delay } from 'node:timers/promises'
import { type CallResult, callOnce, lineOf } from './call.ts'

/** The options of {@link attack}. */
export interface AttackOptions {
  readonly url: string
  readonly calls: number
  /** From the start of one call to the start of the next. */
  readonly intervalMs: number
  /** Ends the attack early. */
  readonly signal: AbortSignal
  /** Receives one line for each call. */
  readonly print: (line: string) => void
}

/** Makes the calls one after another. Returns the results so far when `signal` aborts. */
export async function attack({ url, calls, intervalMs, signal, print }: AttackOptions): Promise<readonly CallResult[]> {
  const results: CallResult[] = []
  try {
    while (results.length < calls) {
      const started = performance.now()
      const result = await callOnce(url, signal)
      results.push(result)
      print(lineOf(results.length, result))
      const restMs = intervalMs - (performance.now() - started)
      if (results.length < calls && restMs > 0) await delay(restMs, undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return results
}
