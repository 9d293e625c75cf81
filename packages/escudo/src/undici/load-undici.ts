import { discard } from '../core/engine/discard.ts'

export type Undici = typeof import('undici')

/**
 * Loads undici, when it is used first.
 *
 * The import of this package must not change the process: undici becomes the dispatcher of Node's `fetch` when it loads.
 */
export function loadUndici(): Promise<Undici> {
  return import('undici')
}

/** The options of a request that can end before undici sees them. */
interface Endable {
  readonly signal?: unknown
  readonly body?: unknown
}

interface Emitter {
  readonly reason?: unknown
  on(event: string, listener: () => void): void
  off(event: string, listener: () => void): void
}

/**
 * Waits until undici has loaded, for one request, and does meanwhile what undici would do.
 *
 * An event emitter that aborts keeps no state, and a stream that fails without a listener would end the process.
 *
 * @throws the reason of the emitter, or undici's own error, if the request was aborted
 */
export async function whenLoaded(loading: Promise<Undici>, { signal, body }: Endable): Promise<Undici> {
  let isAborted = false
  const onAbort = (): void => {
    isAborted = true
  }
  const emitter = isEmitter(signal) ? signal : undefined
  emitter?.on('abort', onAbort)
  if (isEmitter(body)) body.on('error', () => {})
  try {
    const undici = await loading
    if (!isAborted) return undici
    throw emitter?.reason ?? new undici.errors.RequestAbortedError()
  } catch (error) {
    discard(body)
    throw error
  } finally {
    emitter?.off('abort', onAbort)
  }
}

function isEmitter(value: unknown): value is Emitter {
  const { on, off } = (value ?? {}) as Partial<Emitter>
  return typeof on === 'function' && typeof off === 'function'
}
