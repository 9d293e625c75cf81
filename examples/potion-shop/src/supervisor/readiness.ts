import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 100
const PROGRESS_MS = 3_000

/** What is waited for. */
export interface Awaited {
  readonly name: string
  readonly port: number
}

/**
 * Waits until each process answers `GET /healthz`, and says every few seconds which ones it still waits for.
 *
 * @returns the names of those that did not answer in time; empty when all did
 * @throws the reason of `signal` when it aborts
 */
export async function untilReady(
  all: readonly Awaited[],
  withinMs: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const started = performance.now()
  let waiting = [...all]
  let saidAt = started
  while (true) {
    const answers = await Promise.all(waiting.map((one) => answers200(one.port, signal)))
    signal.throwIfAborted()
    waiting = waiting.filter((_, index) => answers[index] === false)
    const now = performance.now()
    if (waiting.length === 0 || now - started >= withinMs) return waiting.map((one) => one.name)
    if (now - saidAt >= PROGRESS_MS) {
      saidAt = now
      const seconds = Math.round((now - started) / 1000)
      say(`waiting for ${waiting.map((one) => one.name).join(', ')} (${seconds} s)`)
    }
    await delay(POLL_MS, undefined, { signal })
  }
}

async function answers200(port: number, signal: AbortSignal): Promise<boolean> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(1_000)])
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: limit })
    await response.body?.cancel()
    return response.status === 200
  } catch {
    return false
  }
}
