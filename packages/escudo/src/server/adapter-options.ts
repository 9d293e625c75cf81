import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { knownKeys } from '../core/options/options.ts'
import type { ErrorContract } from '../errors/contract/contract.ts'
import { read } from '../errors/safe-read.ts'
import { checkContract } from './contract-option.ts'
import { type InboundDeadline, type InboundDeadlineOptions, readInboundDeadline } from './inbound-deadline.ts'
import type { ServerLogger } from './logger.ts'

/** The options that every adapter has. */
export interface AdapterOptions {
  /** Translates errors to answers. */
  readonly contract: ErrorContract
  /** The logger: `createLogger` of `escudo/pino`, or another one with its methods. Default: nothing is logged. */
  readonly logger?: ServerLogger
  /**
   * Accepts the deadline that a caller sends: every shield that serves the request inherits it. Only from peers that the
   * contract's `trustInbound` accepts, because a client could otherwise cancel calls at will. Default false.
   */
  readonly inboundDeadline?: boolean | InboundDeadlineOptions
}

/** The options of an adapter, read. */
export interface AdapterSettings {
  readonly contract: ErrorContract
  readonly logger: ServerLogger
  readonly deadline: InboundDeadline | undefined
}

const LOGGER_METHODS = ['debug', 'info', 'warn', 'error', 'fatal'] as const

/**
 * Reads the options that every adapter has.
 *
 * @param path the name of the adapter's function, for messages
 * @param names the names of the adapter's further options
 * @throws ConfigurationError for an invalid or unknown option
 */
export function readAdapterOptions(
  options: AdapterOptions,
  path: string,
  names: readonly string[] = [],
): AdapterSettings {
  knownKeys(options, path, ['contract', 'logger', 'inboundDeadline', ...names])
  checkContract(options.contract, `${path}.contract`)
  checkLogger(options.logger, `${path}.logger`)
  const deadline = readInboundDeadline(options.inboundDeadline, `${path}.inboundDeadline`)
  return { contract: options.contract, logger: options.logger ?? silentLogger, deadline }
}

/** Checks the option `logger` of an adapter. */
export function checkLogger(logger: unknown, path: string): void {
  if (logger === undefined) return
  for (const method of LOGGER_METHODS) {
    if (typeof read(logger, method) === 'function') continue
    throw new ConfigurationError(path, `expected a logger with ${method}(), got ${show(logger)}`)
  }
}

const noop = (): void => {}

/** Logs nothing. */
export const silentLogger: ServerLogger = { debug: noop, info: noop, warn: noop, error: noop, fatal: noop }
