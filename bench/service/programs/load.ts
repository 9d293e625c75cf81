// The load: keep-alive connections, each with one request at a time, and a check of every answer.
import { Client, type Dispatcher } from 'undici'
import { answer } from '../channel.ts'
import type { Load, LoadResult } from '../load.ts'
import { Latencies } from './latencies.ts'

answer('load', async (load: Load): Promise<LoadResult> => {
  const latencies = new Latencies()
  const untilMs = performance.now() + load.forMs
  let left = load.requestsMax ?? Number.POSITIVE_INFINITY
  let wrong: string | undefined

  /** Sends requests over one connection until the time is over. One handler for all of them: no garbage per request. */
  const connection = (): Promise<void> =>
    new Promise((resolve) => {
      const client = new Client(load.origin, { pipelining: 1 })
      const { path, method, headers, body } = load
      const options: Dispatcher.DispatchOptions = { path, method, headers: { ...headers }, body: body ?? null }
      let status = 0
      let bytes = 0
      let sentMs = 0
      const next = (): void => {
        if (left === 0 || wrong !== undefined || performance.now() >= untilMs) {
          void client.close().then(resolve)
          return
        }
        left -= 1
        bytes = 0
        sentMs = performance.now()
        client.dispatch(options, handler)
      }
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart() {},
        onResponseStart(_controller, code) {
          status = code
        },
        onResponseData(_controller, chunk) {
          bytes += chunk.length
        },
        onResponseEnd() {
          latencies.record(sentMs)
          if (status !== load.status || bytes !== load.bodyBytes) wrong ??= `status ${status} with ${bytes} bytes`
          // In a later turn: the connection is not free before this function returns.
          queueMicrotask(next)
        },
        onResponseError(_controller, error) {
          wrong ??= error.message
          next()
        },
      }
      next()
    })

  const sleep = load.staysAwake ? stayAwake() : undefined
  await Promise.all(Array.from({ length: load.connections }, connection))
  sleep?.()
  return latencies.result(wrong)
})

/**
 * Keeps the event loop turning, so that the process never sleeps. Returns a function that ends it.
 *
 * The system wakes a sleeping process within the write of the other side, which pays for it. That would burden the
 * slow answers only: under fast ones the load always has something to do.
 */
function stayAwake(): () => void {
  let isAwake = true
  const turn = (): void => {
    if (isAwake) setImmediate(turn)
  }
  turn()
  return () => {
    isAwake = false
  }
}

process.once('disconnect', () => process.exit(0))
