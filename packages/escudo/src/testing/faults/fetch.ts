import { corrupted, firstHalf } from './bytes.ts'
import type { FaultEngine } from './engine.ts'
import { bodyTerminated, fetchFailed } from './errors.ts'
import type { Fault } from './plan.ts'
import type { FaultTarget } from './rule.ts'

/** Wraps a `fetch`, so that its calls meet the engine's faults. */
export function faultyFetch(engine: FaultEngine, real: typeof fetch, name: string | undefined): typeof fetch {
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined
    const injection = engine.decide(targetOf(input, init, name))
    if (injection === undefined) return await real(input, init)
    const { fault, delayMs } = injection
    const signal = init?.signal === undefined ? request?.signal : init.signal
    if (!(await engine.delay(delayMs, signal))) return await real(input, init)
    if (fault.error !== undefined) throw fetchFailed(fault.error)
    const response = fault.status === undefined ? await real(input, init) : injectedResponse(fault.status)
    return fault.body === undefined ? response : withBrokenBody(engine, response, fault.body, signal)
  }
}

function targetOf(
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
  name: string | undefined,
): FaultTarget {
  const request = input instanceof Request ? input : undefined
  const url = String(request?.url ?? input)
  let path: string | undefined
  try {
    path = new URL(url, 'http://relative').pathname
  } catch {
    // The real `fetch` reports the invalid URL.
  }
  return { name, method: (init?.method ?? request?.method ?? 'GET').toUpperCase(), path }
}

const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304])

function injectedResponse(status: number): Response {
  if (NULL_BODY.has(status)) return new Response(null, { status })
  return Response.json({ error: 'injected fault', status }, { status })
}

/** Replaces the body of a response with a broken one. A response without a body stays unchanged. */
export function withBrokenBody(
  engine: FaultEngine,
  response: Response,
  kind: NonNullable<Fault['body']>,
  signal: AbortSignal | null | undefined,
): Response {
  if (response.body === null) return response
  const { status, statusText, ok, headers, url } = response
  const source = response.body.getReader()
  // A stall ends when the request's signal aborts or the reader cancels.
  const stallEnd = new AbortController()
  const onAbort = (): void => stallEnd.abort(signal?.reason)
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => sendFirstChunk(controller),
      async pull(controller) {
        const { done, value } = await source.read()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel(reason) {
        stallEnd.abort(reason)
        return source.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )

  async function sendFirstChunk(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    let first = await source.read()
    while (!first.done && first.value.byteLength === 0) first = await source.read()
    // An empty body has nothing to break.
    if (first.done) return controller.close()
    if (kind === 'corrupt') return controller.enqueue(corrupted(first.value))
    controller.enqueue(firstHalf(first.value).slice())
    source.cancel().catch(() => {})
    if (kind === 'stall') await stall()
    throw bodyTerminated()
  }

  async function stall(): Promise<void> {
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) onAbort()
    try {
      await engine.waitForHalt(stallEnd.signal)
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  // The Response constructor rejects some statuses and status texts that servers send.
  const broken = new Response(body, { headers })
  return Object.defineProperties(broken, {
    status: { value: status, configurable: true },
    statusText: { value: statusText, configurable: true },
    ok: { value: ok, configurable: true },
    url: { value: url, configurable: true },
  })
}
