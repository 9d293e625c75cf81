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
import { withAmbient } from '../../core/context/ambient.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys, wholeNumber } from '../../core/options/options.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { checkLogger, silentLogger } from '../adapter-options.ts'
import { checkContract } from '../contract-option.ts'
import type { ServerLogger } from '../logger.ts'
import { exchangeOf } from '../node/exchanges.ts'
import { onClientError } from '../node/socket-errors.ts'
import { SEGMENT_LENGTH_MAX } from '../target-error.ts'
import { answerError, isDisconnected } from './answer.ts'
import { runOtherHooks } from './later-hooks.ts'

/** Options of {@link contractOptions}. */
export interface ContractServerOptions {
  /** The logger: `createLogger` of `escudo/pino`, or a custom pino instance. Default: nothing is logged. */
  readonly logger?: FastifyBaseLogger
  /** The largest body, in bytes. Default 1 MiB. */
  readonly bodyLimit?: number
  /** How long a whole request may take to arrive, in milliseconds. Default 60 s. 0 means no limit, as in Fastify. */
  readonly requestTimeoutMs?: number
  /** Options of Node's HTTP server, such as `maxHeaderSize`, `headersTimeout`, `connectionsCheckingInterval`. */
  readonly http?: ServerOptions
}

/** The constructor options that {@link contractOptions} returns. */
export type ContractFastifyOptions = FastifyHttpOptions<RawServerDefault, FastifyBaseLogger>

const PATH = 'contractOptions'

/**
 * Returns the constructor options that make a Fastify server follow the error contract.
 *
 * They cover what no plugin can reach: bad URLs, unreadable requests, and Fastify's own messages. To add other Fastify
 * options, spread the result and add them after it; a later option replaces an earlier one.
 *
 * @param contract translates errors to answers
 * @param options the logger and limits of the server
 * @throws ConfigurationError for an invalid option
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
  checkContract(contract, `${PATH}.contract`)
  checkServerOptions(options)
  const logger: ServerLogger = options.logger ?? silentLogger
  const requestTimeoutMs = options.requestTimeoutMs ?? 60_000
  const requestTimeouts = {
    // Node swaps the two timeouts if the head may take longer than the whole request.
    headersTimeout: Math.min(60_000, requestTimeoutMs || 60_000),
    // Node checks for late requests every 30 s. A shorter timeout needs a shorter interval.
    connectionsCheckingInterval: Math.min(30_000, Math.max(100, (requestTimeoutMs || 60_000) / 2)),
  }
  return {
    ...(options.logger === undefined ? { logger: false } : { loggerInstance: options.logger }),
    ...withoutRequestLog(contract, logger),
    // Each line carries its trace id, so a child logger for each request is an unnecessary cost.
    childLoggerFactory: (parent, _bindings, { level, serializers }) =>
      level === undefined && serializers === undefined
        ? parent
        : parent.child(
            {},
            { ...(level === undefined ? {} : { level }), ...(serializers === undefined ? {} : { serializers }) },
          ),
    bodyLimit: options.bodyLimit ?? 1_048_576,
    requestTimeout: requestTimeoutMs,
    // While the server closes, the plugin answers in the contract's form.
    return503OnClosing: false,
    // Node would answer a request without Host in plain text. The plugin answers it in the contract's form.
    http: { ...requestTimeouts, ...options.http, requireHostHeader: false },
    routerOptions: { maxParamLength: SEGMENT_LENGTH_MAX },
    // Fastify's default would coerce the number in `{"email":5}` to a string.
    ajv: { customOptions: { coerceTypes: false, useDefaults: false, removeAdditional: false, allErrors: true } },
    frameworkErrors: (error, rawRequest, rawReply) => {
      const request = rawRequest as FastifyRequest
      const reply = rawReply as FastifyReply
      const exchange = exchangeOf(contract, logger, request.raw, reply.raw)
      // Fastify runs no hooks for a URL that its router cannot read.
      withAmbient(exchange.ambient, () =>
        runOtherHooks(request.server, request, reply, () => answerError(exchange, error, request, reply)),
      )
    },
    clientErrorHandler: (error, socket: Socket) => onClientError(contract, logger, error, socket),
  }
}

function checkServerOptions(options: ContractServerOptions): void {
  knownKeys(options, PATH, ['logger', 'bodyLimit', 'requestTimeoutMs', 'http'])
  const { logger, bodyLimit = 1, requestTimeoutMs = 0, http = {} } = options
  checkLogger(logger, `${PATH}.logger`)
  wholeNumber(bodyLimit, `${PATH}.bodyLimit`, 1)
  wholeNumber(requestTimeoutMs, `${PATH}.requestTimeoutMs`, 0)
  if (typeof http !== 'object' || Array.isArray(http)) {
    throw new ConfigurationError(`${PATH}.http`, `expected options of Node's HTTP server, got ${show(http)}`)
  }
}

/**
 * Options that switch off Fastify's own log lines about requests, because the exchange logs each request.
 *
 * Since Fastify 5.10 this needs a subclass of `LogController`. It is the only run-time import from Fastify.
 */
function withoutRequestLog(contract: ErrorContract, logger: ServerLogger): ContractFastifyOptions {
  const Base = (fastify as { readonly LogController?: typeof LogController }).LogController
  if (Base === undefined) return { disableRequestLogging: true }
  class SilentLogController extends Base {
    override isLogDisabled(): boolean {
      return true
    }
    /** A stream failed after its headers were sent. Fastify reports this only here. */
    override streamError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
      if (isDisconnected(request) && (error as { code?: unknown }).code === 'ERR_STREAM_PREMATURE_CLOSE') return
      exchangeOf(contract, logger, request.raw, (reply.raw ?? reply) as FastifyReply['raw']).failAfterHeaders(error)
    }
    override serviceUnavailable(): void {}
  }
  return { logController: new SilentLogController() }
}
