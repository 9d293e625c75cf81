// The measured client: one way to call a service, again and again. The arguments are its name and the port.
import { createHistogram } from 'node:perf_hooks'
import { answer } from '../channel.ts'
import type { LoadResult } from '../load.ts'
import { CALLS_AT_ONCE, UPSTREAM_BODY } from '../upstream.ts'
import { callerOf } from './callers.ts'

const US_PER_MS = 1_000
const [name = '', port] = process.argv.slice(2)
const url = `http://127.0.0.1:${port}/stock/mana-potion`

// Undefined: this version of escudo does not have it.
const call = await callerOf(name, url)

answer('available', () => call !== undefined)

answer('load', async ({ forMs }: { readonly forMs: number }): Promise<LoadResult> => {
  if (call === undefined) throw new Error(`${name} is not available`)
  const histogram = createHistogram()
  const startedMs = performance.now()
  const untilMs = startedMs + forMs
  let requests = 0
  let wrong: string | undefined
  const caller = async (): Promise<void> => {
    while (wrong === undefined && performance.now() < untilMs) {
      const sentMs = performance.now()
      const { status, body } = await call()
      histogram.record(Math.max(1, Math.round((performance.now() - sentMs) * US_PER_MS)))
      requests += 1
      if (status !== 200 || body.length !== UPSTREAM_BODY.length) wrong = `status ${status}: ${body}`
    }
  }
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, caller))
  const p = (percentile: number): number => histogram.percentile(percentile) / US_PER_MS
  return { requests, elapsedMs: performance.now() - startedMs, p50Ms: p(50), p99Ms: p(99), wrong }
})

process.once('disconnect', () => process.exit(0))
