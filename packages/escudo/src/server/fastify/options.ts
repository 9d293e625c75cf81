import type { ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import fastify, {
  type FastifyBaseLogger,
  type FastifyHttpOptions,
  type FastifyReply,
  type FastifyRequest,
  type LogController,
  type RawServerDefault,
} from 'fastify'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import type { ServerLogger } from '../exchange.ts'
import { answer } from './answer.ts'
import { exchangeOf } from './exchanges.ts'
import { onClientError } from './socket-errors.ts'

/** What {@link contractOptions} takes beside the contract. */
export interface ContractServerOptions {
  /** Where lines go: `createLogger` of `escudo/pino`, or a pino instance of your own. Without it nothing is logged. */
  readonly logger?: FastifyBaseLogger
  /** The largest body, in bytes. Default 1 MiB. */
  readonly bodyLimit?: number
  /** How long a whole request may take to arrive, in milliseconds. Default 60 s, 0 is for ever, as Fastify's own. */
  readonly requestTimeoutMs?: number
  /** For Node's server: `maxHeaderSize`, `headersTimeout`, `connectionsCheckingInterval` and the rest. */
  readonly http?: ServerOptions
}

/** The options that a Fastify instance is built with. */
export type ContractFastifyOptions = FastifyHttpOptions<RawServerDefault, FastifyBaseLogger>

const PARAM_LENGTH_MAX = 4_096

/**
 * The constructor options under which a Fastify server keeps the contract from the first byte on: bad URLs, unreadable
 * requests, and its own messages, which no plugin can reach.
 *
 * @param contract what turns errors into answers
 * @param options spread further Fastify options beside the result; they win where they come later
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { contractOptions, escudo } from 'escudo/fastify'
 * import Fastify from 'fastify'
 *
 * const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
 * const app = Fastify({ ...contractOptions(contract, { bodyLimit: 65_536 }), trustProxy: true })
 * await app.register(escudo, { contract })
 * ```
 */
export function contractOptions(contract: ErrorContract, options: ContractServerOptions = {}): ContractFastifyOptions {
  const logger: ServerLogger = options.logger ?? silent
  const requestTimeoutMs = options.requestTimeoutMs ?? 60_000
  const arrival = {
    // Node swaps the two where the head may take longer than the whole.
    headersTimeout: Math.min(60_000, requestTimeoutMs || 60_000),
    // It looks for late requests every 30 s: where they may take less, it has to look more often.
    connectionsCheckingInterval: Math.min(30_000, Math.max(100, (requestTimeoutMs || 60_000) / 2)),
  }
  return {
    ...(options.logger === undefined ? { logger: false } : { loggerInstance: options.logger }),
    ...quiet(contract, logger),
    // The trace id says which request a line belongs to; a child logger for each request would only cost.
    childLoggerFactory: (parent, _bindings, { level, serializers }) =>
      level === undefined && serializers === undefined
        ? parent
        : parent.child(
            {},
            { ...(level === undefined ? {} : { level }), ...(serializers === undefined ? {} : { serializers }) },
          ),
    bodyLimit: options.bodyLimit ?? 1_048_576,
    requestTimeout: requestTimeoutMs,
    // The plugin answers while closing, in the contract's form.
    return503OnClosing: false,
    // Node answers a request without Host by itself, in plain text; the plugin does it in the contract's form.
    http: { ...arrival, ...options.http, requireHostHeader: false },
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    // `{"email":5}` is no e-mail: Fastify's default would make text of it.
    ajv: { customOptions: { coerceTypes: false, useDefaults: false, removeAdditional: false, allErrors: true } },
    frameworkErrors: (error, request, reply) =>
      answer(
        exchangeOf(contract, logger, request.raw, reply.raw),
        error,
        request as FastifyRequest,
        reply as FastifyReply,
      ),
    clientErrorHandler: (error, socket: Socket) => onClientError(contract, logger, error, socket),
  }
}

const nothing = (): void => {}
const silent: ServerLogger = { debug: nothing, info: nothing, warn: nothing, error: nothing, fatal: nothing }

/**
 * Fastify's own lines about requests, in its own words, would stand beside ours. Since 5.10 they are switched off by a
 * class, which is the one thing that this adapter imports from Fastify at run time.
 */
function quiet(contract: ErrorContract, logger: ServerLogger): ContractFastifyOptions {
  const Base = (fastify as { readonly LogController?: typeof LogController }).LogController
  if (Base === undefined) return { disableRequestLogging: true }
  class Quiet extends Base {
    override isLogDisabled(): boolean {
      return true
    }
    /** A stream that failed after its headers were sent: the only place where Fastify tells of it. */
    override streamError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
      const hasGone = request.raw.socket?.destroyed === true || request.raw.destroyed
      if (hasGone && (error as { code?: unknown }).code === 'ERR_STREAM_PREMATURE_CLOSE') return
      exchangeOf(contract, logger, request.raw, (reply.raw ?? reply) as FastifyReply['raw']).breakOff(error)
    }
    override serviceUnavailable(): void {}
  }
  return { logController: new Quiet() }
}
