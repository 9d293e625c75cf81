import type { FileFacts } from './file-facts.ts'

/** How soon files are looked at again that had no new lines. */
export const POLL_MS = 150
const POLL_AGAIN_MS = 50

/**
 * Returns how soon all files are looked at again, in milliseconds.
 *
 * After new lines that is sooner: more may follow, and someone may be looking at them. To look at thousands of files takes
 * long, and must not take all the time.
 *
 * @param tookMs how long it took
 */
export function pollDelayMs(hadLines: boolean, tookMs: number): number {
  return hadLines ? Math.min(Math.max(tookMs, POLL_AGAIN_MS), POLL_MS) : POLL_MS
}

/** Returns how many lines were read from all files. */
export function linesOf(files: readonly { readonly log: { readonly facts: FileFacts } }[]): number {
  return files.reduce((sum, { log }) => sum + log.facts.read, 0)
}
