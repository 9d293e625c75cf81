import { Permits } from '../search/permits.ts'
import { EngineError, errorOfAnswer, errorOfRequest } from './engine-error.ts'
import { beginningOf, type Row, rowsIn } from './engine-rows.ts'

export type { Row } from './engine-rows.ts'

/** Where an engine is. */
export interface EngineAddress {
  /** Its origin, and the path before `/select` if there is one; without credentials. */
  readonly url: string
  /** Sent with each request, such as `Authorization` or `AccountID`. They are never shown. */
  readonly headers: Readonly<Record<string, string>>
}

/** How a query is run. */
export interface RowOptions {
  /** The most rows; with it, those with the latest times are returned. */
  readonly limit?: number
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  /** The most characters of the answer; without it, as many as a page can take. */
  readonly charactersMax?: number
}

/** The most queries at the same time, and the most that wait: many pages must not overload an engine that others use. */
const QUERIES_MAX = 4
const WAITING_MAX = 1_000
const NEVER = new AbortController().signal
const TIMEOUT_MS = 30_000
/** What a version may look like: it is shown as it is. */
const VERSION = /^[\x21-\x7e]{1,100}$/
/** A shorter value of a header is no secret. */
const SECRET_CHARACTERS_MIN = 6
/** How often a cluster that lacks storage nodes is asked whether they are back. */
const PROBE_MS = 1_000
/** A storage node that was not named for this long is no longer listed. */
const NAMED_MS_MAX = 15_000
/** Reaches each storage node, and reads next to nothing. */
const PROBE = '_time:1s | stats count() as n'

/**
 * Asks VictoriaLogs over HTTP.
 *
 * A cluster refuses queries while a storage node does not answer. Then they are sent again, so that what the other nodes have
 * is returned, and `missing` names the node until it is back.
 */
export class EngineClient {
  /** The address, to be shown. */
  readonly shown: string
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #permits = new Permits(QUERIES_MAX, WAITING_MAX)
  readonly #named = new Map<string, number>()
  #isPartial = false
  #probedMs = 0

  constructor({ url, headers }: EngineAddress) {
    this.#base = url.replace(/\/+$/, '')
    this.shown = this.#base
    this.#headers = headers
  }

  /** The storage nodes whose lines are missing in answers; empty if none are. */
  get missing(): readonly string[] {
    return this.#isPartial ? [...this.#named.keys()].sort() : []
  }

  /**
   * Returns the version; undefined if the program does not say it.
   *
   * @throws EngineError without an answer
   */
  async version(): Promise<string | undefined> {
    try {
      return versionIn(await beginningOf(await this.#fetch('/select/buildinfo', undefined, undefined, TIMEOUT_MS)))
    } catch (error) {
      const { trouble } = errorOfRequest(this.shown, error)
      if (trouble === 'unreachable' || trouble === 'refused') throw error
      // A proxy may let only queries pass.
      return undefined
    }
  }

  /**
   * Runs a query of LogsQL and returns its rows.
   *
   * @throws EngineError if there is no whole answer
   */
  async rows(query: string, options: RowOptions = {}): Promise<readonly Row[]> {
    const release = await this.#permits.acquire(options.signal ?? NEVER)
    if (release === undefined) throw new EngineError('busy', `too many queries wait for ${this.shown}`)
    try {
      return await this.#rows(query, options)
    } finally {
      release()
    }
  }

  async #rows(query: string, options: RowOptions): Promise<readonly Row[]> {
    if (this.#isPartial) await this.#probe(options.signal)
    // Another query that runs at the same time may change it.
    const wasPartial = this.#isPartial
    try {
      return await this.#query(query, options, wasPartial)
    } catch (error) {
      if (!(error instanceof EngineError) || error.trouble !== 'storage' || wasPartial) throw error
      this.#lack(error.nodes)
      return await this.#query(query, options, true)
    }
  }

  #lack(nodes: readonly string[]): void {
    const nowMs = performance.now()
    this.#isPartial = true
    this.#probedMs = nowMs
    for (const node of nodes) this.#named.set(node, nowMs)
    for (const [node, atMs] of this.#named) if (nowMs - atMs > NAMED_MS_MAX) this.#named.delete(node)
  }

  async #probe(signal: AbortSignal | undefined): Promise<void> {
    if (performance.now() - this.#probedMs < PROBE_MS) return
    this.#probedMs = performance.now()
    try {
      await this.#query(PROBE, signal === undefined ? {} : { signal }, false)
      this.#isPartial = false
      this.#named.clear()
    } catch (error) {
      if (!(error instanceof EngineError) || error.trouble !== 'storage') throw error
      this.#lack(error.nodes)
    }
  }

  async #query(
    query: string,
    { limit, signal, timeoutMs = TIMEOUT_MS, charactersMax }: RowOptions,
    isPartial: boolean,
  ): Promise<readonly Row[]> {
    const body = new URLSearchParams({ query, allow_partial_response: isPartial ? '1' : '0' })
    body.set('timeout', `${Math.ceil(timeoutMs / 1_000)}s`)
    if (limit !== undefined) body.set('limit', String(limit))
    const response = await this.#fetch('/select/logsql/query', body, signal, timeoutMs)
    return await this.#rowsOf(response, signal, charactersMax)
  }

  async #rowsOf(
    response: Response,
    signal: AbortSignal | undefined,
    charactersMax: number | undefined,
  ): Promise<readonly Row[]> {
    try {
      return await rowsIn(response, this.shown, charactersMax)
    } catch (error) {
      signal?.throwIfAborted()
      const { trouble, message, nodes } = errorOfRequest(this.shown, error)
      throw new EngineError(trouble, this.#withoutSecrets(message), nodes)
    }
  }

  async #fetch(
    path: string,
    body: URLSearchParams | undefined,
    signal: AbortSignal | undefined,
    timeoutMs: number,
  ): Promise<Response> {
    const timeout = AbortSignal.timeout(Math.ceil(timeoutMs))
    try {
      const response = await fetch(this.#base + path, {
        method: body === undefined ? 'GET' : 'POST',
        ...(body === undefined ? {} : { body }),
        headers: this.#headers,
        // Credentials are for this address only.
        redirect: 'error',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      if (response.ok) return response
      throw errorOfAnswer(this.shown, response.status, this.#withoutSecrets(await beginningOf(response)))
    } catch (error) {
      signal?.throwIfAborted()
      throw errorOfRequest(this.shown, error)
    }
  }

  /** An engine, or a proxy before it, may repeat what it was sent. */
  #withoutSecrets(text: string): string {
    const secrets = Object.values(this.#headers).flatMap((value) => [value, value.replace(/^\S+ +/, '')])
    return secrets
      .filter((secret) => secret.length >= SECRET_CHARACTERS_MIN)
      .reduce((shown, secret) => shown.replaceAll(secret, '…'), text)
  }
}

function versionIn(text: string): string | undefined {
  try {
    const version = (JSON.parse(text) as { readonly data?: { readonly version?: unknown } } | null)?.data?.version
    return typeof version === 'string' && VERSION.test(version) ? version : undefined
  } catch {
    return undefined
  }
}
