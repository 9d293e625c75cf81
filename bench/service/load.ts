import type { Running } from './processes.ts'

/** A request and the answer to expect. */
export interface Target {
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly status: number
  /** Text in the body of the answer. */
  readonly contains: string
}

/** The load for one case of one round. */
export interface Load extends Omit<Target, 'contains'> {
  readonly origin: string
  readonly connections: number
  readonly forMs: number
  /** Stops after this number of requests too. */
  readonly requestsMax?: number
  readonly bodyBytes: number
  /** Whether the load never sleeps. Only where it has a separate core. */
  readonly staysAwake: boolean
}

/** What the load saw. */
export interface LoadResult {
  readonly requests: number
  readonly elapsedMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** The first answer with another status or length, or a failed request. */
  readonly wrong: string | undefined
}

/** More connections than a server needs to be busy all the time. */
export const CONNECTIONS = 64

/**
 * Sends the request once and compares the answer with the target.
 *
 * @returns the length of its body, which every later answer must have
 * @throws Error for another answer
 */
export async function sample(origin: string, target: Target): Promise<number> {
  const { path, method, headers, body, status, contains } = target
  const response = await fetch(origin + path, { method, headers: { ...headers }, body: body ?? null })
  const bytes = Buffer.from(await response.arrayBuffer())
  const text = bytes.toString()
  if (response.status !== status || !text.includes(contains)) {
    throw new Error(
      `${method} ${origin}${path}: expected ${status} with '${contains}', got ${response.status}: ${text}`,
    )
  }
  return bytes.length
}

/** @throws Error if a single answer was wrong */
export async function sendLoad(loader: Running, load: Load): Promise<LoadResult> {
  const result = await loader.ask<LoadResult>('load', load)
  if (result.wrong !== undefined) {
    const expected = `status ${load.status} with ${load.bodyBytes} bytes`
    throw new Error(`${load.method} ${load.path}: an answer was not ${expected}: ${result.wrong}`)
  }
  return result
}
