import { setTimeout as delay } from 'node:timers/promises'
import { MisuseError } from '../process/misuse.ts'

const POLL_MS = 50
const PROGRESS_MS = 3_000
const REQUEST_TIMEOUT_MS = 1_000

/** A process to wait for. */
export interface ReadinessTarget {
  readonly name: string
  readonly port: number
  readonly isReady?: ((port: number, signal: AbortSignal) => Promise<boolean>) | undefined
}

/**
 * Waits until each process answers: by default `GET /healthz`. Prints the missing ones every 3 seconds.
 *
 * @throws MisuseError if a process does not answer in time; the abort reason of `signal`
 */
export async function waitUntilReady(
  all: readonly ReadinessTarget[],
  withinMs: number,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const started = performance.now()
  let waiting = all
  let printedAt = started
  while (true) {
    const answers = await Promise.all(waiting.map(({ port, isReady = answers200 }) => isReady(port, signal)))
    signal.throwIfAborted()
    waiting = waiting.filter((_, index) => answers[index] === false)
    if (waiting.length === 0) return
    const names = waiting.map(({ name }) => name).join(', ')
    const now = performance.now()
    if (now - started >= withinMs) throw new MisuseError(`${names} did not answer within ${withinMs / 1000} s`)
    if (now - printedAt >= PROGRESS_MS) {
      printedAt = now
      print(`waiting for ${names} (${Math.round((now - started) / 1000)} s)`)
    }
    await delay(POLL_MS)
  }
}

async function answers200(port: number, signal: AbortSignal): Promise<boolean> {
  try {
    const withTimeout = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)])
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: withTimeout })
    await response.body?.cancel()
    return response.status === 200
  } catch {
    return false
  }
}
