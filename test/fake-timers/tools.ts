import type { FakeTool } from './scenarios.ts'

// Stored before any tool replaces it.
const { setImmediate: realSetImmediate } = globalThis

/** Resolves after all pending microtasks have run, in any time. */
export function settle(): Promise<void> {
  return new Promise((resume) => realSetImmediate(resume))
}

/** A tool whose `tick` is synchronous: the waits that a tick starts are due in later ticks. */
export function inSteps(tick: (ms: number) => void): FakeTool['tick'] {
  return async (ms) => {
    await settle()
    for (let n = 0; n < ms; n += 1) {
      tick(1)
      await settle()
    }
  }
}
