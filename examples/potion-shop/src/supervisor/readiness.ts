import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 100
const PROGRESS_MS = 3_000
const REQUEST_TIMEOUT_MS = 1_000

/** A process to wait for. */
export interface ReadinessTarget {
  readonly name: string
  readonly port: number
}

/**
 * Waits until each process answers `GET /healthz`. Prints the missing ones every 3 seconds.
 *
 * @returns the names of the processes that did not answer in time
 * @throws the abort reason of `signal`
 */
export async function waitUntilReady(
  all: readonly ReadinessTarget[],
  withinMs: number,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const started = performance.now()
  let waiting = [...all]
  let printedAt = started
  while (true) {
    const answers = await Promise.all(waiting.map((one) => answers200(one.port, signal)))
    signal.throwIfAborted()
    waiting = waiting.filter((_, index) => answers[index] === false)
    const now = performance.now()
    if (waiting.length === 0 || now - started >= withinMs) return waiting.map((one) => one.name)
    if (now - printedAt >= PROGRESS_MS) {
      printedAt = now
      const seconds = Math.round((now - started) / 1000)
      print(`waiting for ${waiting.map((one) => one.name).join(', ')} (${seconds} s)`)
    }
    await delay(POLL_MS, undefined, { signal })
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
