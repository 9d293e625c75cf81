import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { checkedName, knownKeys } from '../core/options/options.ts'
import type { ErrorAnswer } from '../errors/contract/contract.ts'
import { type AdapterOptions, type AdapterSettings, readAdapterOptions } from './adapter-options.ts'
import { type InboundRequest, Exchange as RequestExchange } from './exchange.ts'
import { type InboundWork, WorkExchange } from './work-exchange.ts'

/**
 * One request or one piece of work, from its start to its one log line.
 *
 * A repeated call of one of these methods has no effect; `fail` returns the first answer again.
 */
export interface Exchange {
  /** 32 hexadecimal digits: the value of `X-Trace-ID`. */
  readonly traceId: string
  /** The pattern of the route that serves the request, for log and metrics. Set it when it is known. */
  route: string | null
  /** Runs code in the context of this exchange, and everything that the code starts. Returns what it returns. */
  run<T>(body: () => T): T
  /** Translates anything thrown to the answer for the client, and logs it once. Never throws. */
  fail(error: unknown): ErrorAnswer
  /** Logs an error whose client has disconnected: a bug at error, anything else at debug. */
  failAfterDisconnect(error: unknown): void
  /** Logs an error after the headers of a success were sent. Then close the connection. */
  failAfterHeaders(error: unknown): void
  /** Logs an error after the complete answer was sent. */
  failAfterReply(error: unknown): void
  /**
   * Ends the exchange: writes its log line and reports to metrics.
   *
   * @param status the status that was sent. Without it, a request was not answered completely, because its client
   * disconnected (499 in the log); work ends with the status of its error, or 200
   */
  end(status?: number): void
}

/** Begins exchanges. See {@link createExchanges}. */
export interface Exchanges {
  /** Begins the exchange of an HTTP request, or of work that is none. */
  begin(source: InboundRequest | InboundWork): Exchange
}

/**
 * Gives a server or a worker what the adapters have: trace context, typed errors, one log line, metrics.
 *
 * Use it for a framework without an adapter, and for work that is no HTTP request: messages of a queue, jobs, gRPC.
 *
 * A request writes the lines `http.request` and `http_error`, and continues the trace of a peer that the contract's
 * `trustInbound` accepts. Work writes `work` and `work_error`.
 *
 * @throws ConfigurationError for an invalid option; `begin` throws it for work without a valid name, and for a request without URL
 * or headers
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { createExchanges } from 'escudo/server'
 *
 * const Errors = defineErrors({ UNKNOWN_USER: { status: 404, message: 'Unknown user.' } })
 * const contract = createErrorContract({ service: 'mailer', errors: Errors })
 * const exchanges = createExchanges({ contract }) // add { logger: createLogger(…) } of escudo/pino
 *
 * async function consume(message: { headers: Record<string, string>; user: string }): Promise<'done' | 'retry' | 'set aside'> {
 *   const exchange = exchanges.begin({ name: 'mail.send', carrier: message.headers })
 *   try {
 *     await exchange.run(async () => {
 *       if (message.user === 'nada') throw new Errors.UNKNOWN_USER()
 *     })
 *     return 'done'
 *   } catch (error) {
 *     return exchange.fail(error).retry === 'safe' ? 'retry' : 'set aside'
 *   } finally {
 *     exchange.end()
 *   }
 * }
 * console.log(await consume({ headers: {}, user: 'ana' }), await consume({ headers: {}, user: 'nada' })) // done set aside
 * ```
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { createExchanges } from 'escudo/server'
 *
 * const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
 * const exchanges = createExchanges({ contract, inboundDeadline: true })
 * const server = createServer((request, response) => {
 *   const { method = 'GET', url = '/', headers, socket } = request
 *   const exchange = exchanges.begin({ method, url, headers, address: socket.remoteAddress })
 *   response.on('close', () => exchange.end(response.writableFinished ? response.statusCode : undefined))
 *   try {
 *     exchange.run(() => response.setHeader('x-trace-id', exchange.traceId).end('potion'))
 *   } catch (error) {
 *     const { status, headers, text } = exchange.fail(error)
 *     response.writeHead(status, headers).end(text)
 *   }
 * })
 * console.log(server.listening) // false
 * ```
 */
export function createExchanges(options: AdapterOptions): Exchanges {
  const settings = readAdapterOptions(options, 'createExchanges')
  return { begin: (source) => begin(settings, source) }
}

const WORK_NAMES = ['name', 'carrier', 'locale', 'deadlineMs', 'bindings'] as const

function begin(settings: AdapterSettings, source: InboundRequest | InboundWork): Exchange {
  if (typeof source !== 'object' || source === null) {
    throw new ConfigurationError('begin', `expected a request, or work with a name, got ${show(source)}`)
  }
  if ('method' in source) {
    checkRequest(source)
    return new PublicRequestExchange(settings, source)
  }
  knownKeys(source, 'begin', WORK_NAMES)
  checkedName(source.name, 'begin.name')
  const { deadlineMs } = source
  if (deadlineMs !== undefined && (typeof deadlineMs !== 'number' || Number.isNaN(deadlineMs))) {
    throw new ConfigurationError('begin.deadlineMs', `expected milliseconds, got ${show(deadlineMs)}`)
  }
  return new PublicWorkExchange(settings, source)
}

function checkRequest({ method, url, headers }: InboundRequest): void {
  for (const [name, value] of Object.entries({ method, url })) {
    if (typeof value !== 'string') throw new ConfigurationError(`begin.${name}`, `expected text, got ${show(value)}`)
  }
  // The headers of a Request would look empty.
  if (typeof headers !== 'object' || headers === null || typeof headers['get'] === 'function') {
    throw new ConfigurationError('begin.headers', `expected an object with the headers, got ${show(headers)}`)
  }
}

class PublicRequestExchange extends RequestExchange {
  constructor({ contract, logger, deadline }: AdapterSettings, request: InboundRequest) {
    super(contract, logger, request, deadline)
  }

  override fail(error: unknown): ErrorAnswer {
    return withTraceId(super.fail(error))
  }
}

class PublicWorkExchange extends WorkExchange {
  override fail(error: unknown): ErrorAnswer {
    return withTraceId(super.fail(error))
  }
}

/** Adapters set this header when a request arrives, so the answer itself does not have it. */
function withTraceId(answer: ErrorAnswer): ErrorAnswer {
  return { ...answer, headers: { ...answer.headers, 'x-trace-id': answer.body.trace_id } }
}
