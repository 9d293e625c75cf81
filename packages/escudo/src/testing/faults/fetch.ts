import { corrupted, firstHalf } from './bytes.ts'
import type { FaultEngine } from './engine.ts'
import { bodyTerminated, fetchFailed } from './errors.ts'
import type { Fault } from './plan.ts'
import type { FaultTarget } from './rule.ts'

/** A `fetch` that meets the engine's faults. */
export function faultyFetch(engine: FaultEngine, real: typeof fetch, name: string | undefined): typeof fetch {
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined
    const injection = engine.decide(targetOf(input, init, name))
    if (injection === undefined) return await real(input, init)
    const { fault, delayMs } = injection
    const signal = init?.signal === undefined ? request?.signal : init.signal
    if (!(await engine.delay(delayMs, signal))) return await real(input, init)
    if (fault.error !== undefined) throw fetchFailed(fault.error)
    const response = fault.status === undefined ? await real(input, init) : answer(fault.status)
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
    // The real one will say what is wrong with it.
  }
  return { name, method: (init?.method ?? request?.method ?? 'GET').toUpperCase(), path }
}

const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304])

function answer(status: number): Response {
  if (NULL_BODY.has(status)) return new Response(null, { status })
  return Response.json({ error: 'injected fault', status }, { status })
}

/** The response with a body that breaks in the given way. One without a body stays as it is. */
export function withBrokenBody(
  engine: FaultEngine,
  response: Response,
  kind: NonNullable<Fault['body']>,
  signal: AbortSignal | null | undefined,
): Response {
  if (response.body === null) return response
  const { status, statusText, ok, headers, url } = response
  const source = response.body.getReader()
  // Ends a stall: the signal of the request, or the reader who leaves.
  const gone = new AbortController()
  const give = (): void => gone.abort(signal?.reason)
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => begin(controller),
      async pull(controller) {
        const { done, value } = await source.read()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel(reason) {
        gone.abort(reason)
        return source.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )

  async function begin(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    let first = await source.read()
    while (!first.done && first.value.byteLength === 0) first = await source.read()
    // There is nothing to break.
    if (first.done) return controller.close()
    if (kind === 'corrupt') return controller.enqueue(corrupted(first.value))
    controller.enqueue(firstHalf(first.value).slice())
    source.cancel().catch(() => {})
    if (kind === 'stall') await stall()
    throw bodyTerminated()
  }

  async function stall(): Promise<void> {
    signal?.addEventListener('abort', give)
    if (signal?.aborted) give()
    try {
      await engine.hold(gone.signal)
    } finally {
      signal?.removeEventListener('abort', give)
    }
  }

  // A Response takes neither every status nor every status text that a server sends.
  const broken = new Response(body, { headers })
  return Object.defineProperties(broken, {
    status: { value: status, configurable: true },
    statusText: { value: statusText, configurable: true },
    ok: { value: ok, configurable: true },
    url: { value: url, configurable: true },
  })
}
