// The measured client: one way to call a service, again and again. The arguments are its name and the port.
import { answer } from '../channel.ts'
import type { LoadResult } from '../load.ts'
import { CALLS_AT_ONCE, UPSTREAM_BODY } from '../upstream.ts'
import { callerOf } from './callers.ts'
import { Latencies } from './latencies.ts'

const [name = '', port] = process.argv.slice(2)
const url = `http://127.0.0.1:${port}/stock/mana-potion`
const call = await callerOf(name, url)

answer('load', async ({ forMs }: { readonly forMs: number }): Promise<LoadResult> => {
  const latencies = new Latencies()
  const untilMs = performance.now() + forMs
  let wrong: string | undefined
  const caller = async (): Promise<void> => {
    while (wrong === undefined && performance.now() < untilMs) {
      const sentMs = performance.now()
      const { status, body } = await call()
      latencies.record(sentMs)
      if (status !== 200 || body.length !== UPSTREAM_BODY.length) wrong = `status ${status}: ${body}`
    }
  }
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, caller))
  return latencies.result(wrong)
})

process.once('disconnect', () => process.exit(0))
