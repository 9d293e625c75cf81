/**
 * Why an engine gave no answer.
 *
 * `unreachable`: nothing listens there, or it did not answer in time. `refused`: it wants other credentials. `not-victorialogs`:
 * something else answers. `old`: it does not know the query. `busy`: too many queries run. `storage`: storage nodes of a
 * cluster do not answer. `failed`: anything else.
 */
export type EngineTrouble = 'unreachable' | 'refused' | 'not-victorialogs' | 'old' | 'busy' | 'storage' | 'failed'

/** An error of a log engine. Its message is one line. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly trouble: EngineTrouble
  /** The storage nodes that the engine named. */
  readonly nodes: readonly string[]

  constructor(trouble: EngineTrouble, message: string, nodes: readonly string[] = []) {
    super(message)
    this.trouble = trouble
    this.nodes = nodes
  }
}

const MESSAGE_CHARACTERS_MAX = 300
const STORAGE_NODE = /storage node at \\?"https?:\/\/([\w.:[\]-]{1,200})/g

/** Returns the beginning of what an engine said, in one line: it is printed, so it must not control a terminal. */
export function saidIn(text: string): string {
  const beginning = text.slice(0, 2 * MESSAGE_CHARACTERS_MAX).replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
  return beginning.trim().slice(0, MESSAGE_CHARACTERS_MAX).toWellFormed()
}

/** Makes an error of an answer that is no success. */
export function errorOfAnswer(shown: string, status: number, body: string): EngineError {
  const said = saidIn(body)
  if (status === 401 || status === 403)
    return new EngineError('refused', `${shown} refuses the credentials (${status}): see --help for how to give them`)
  if (status === 404)
    return new EngineError('not-victorialogs', `${shown} is not VictoriaLogs: it has no /select/logsql/query`)
  const nodes = [...new Set([...body.matchAll(STORAGE_NODE)].map(([, node = '']) => node))]
  if (status === 502 && nodes.length > 0) {
    const all = body.includes('all the vlstorage nodes are unavailable')
    return new EngineError(
      all ? 'unreachable' : 'storage',
      `${all ? 'no storage node' : `the storage node ${nodes.join(', ')}`} of ${shown} answers`,
      nodes,
    )
  }
  if (status === 429 || status === 503) return new EngineError('busy', `${shown} is busy (${status}): ${said}`)
  if (status === 400 || status === 422)
    return new EngineError('old', `${shown} does not understand a query; VictoriaLogs 1.52 does: ${said}`)
  return new EngineError('failed', `${shown} answered ${status}: ${said}`)
}

/** Makes an error of a request that had no answer. */
export function errorOfRequest(shown: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error
  const { name, cause, message } = error as Error & {
    readonly cause?: { readonly code?: string; readonly message?: string }
  }
  if (name === 'TimeoutError') return new EngineError('unreachable', `${shown} did not answer in time`)
  const why = saidIn(cause?.code ?? cause?.message ?? message)
  return new EngineError('unreachable', `${shown} cannot be reached (${why})`)
}
