import type { Server } from 'node:http'
import type { ExceptionFilter } from '@nestjs/common'
import type { AbstractHttpAdapter, HttpAdapterHost, ModuleRef } from '@nestjs/core'
import { read } from '../../errors/safe-read.ts'
import type { AdapterSettings } from '../adapter-options.ts'
import type { Exchanges } from '../exchanges.ts'
import { ContractFilter } from './contract-filter.ts'
import { expressPlatform } from './express-platform.ts'
import { fastifyPlatform } from './fastify-platform.ts'
import { serveThrough } from './front.ts'
import type { Platform } from './platform.ts'
import { watchStream } from './streams.ts'

/** Connects one application with its contract. */
export class NestSetup {
  readonly #settings: AdapterSettings
  readonly #bodyLimit: number
  readonly #exchanges: Exchanges
  #adapter: AbstractHttpAdapter | undefined
  #filter: ContractFilter | undefined
  #module: ModuleRef | undefined

  /** @param exchanges begins those of messages */
  constructor(settings: AdapterSettings, bodyLimit: number, exchanges: Exchanges) {
    this.#settings = settings
    this.#exchanges = exchanges
    this.#bodyLimit = bodyLimit
  }

  /** Returns the filter. Nest's adapter exists then, and its server does not. */
  connect(host: HttpAdapterHost, module: ModuleRef): ExceptionFilter {
    this.#adapter = host.httpAdapter
    this.#module = module
    this.#filter = new ContractFilter(this.#settings, this.#exchanges)
    return this.#filter
  }

  /** Connects the server. Nest has declared no route yet. */
  start(): void {
    const adapter = this.#adapter
    const filter = this.#filter
    if (adapter === undefined || filter === undefined) return
    const server = adapter.getHttpServer() as Server
    const platform =
      adapter.getType() === 'fastify'
        ? fastifyPlatform(adapter, this.#settings, (other) => serveThrough(other, this.#settings, platform))
        : expressPlatform(adapter, this.#settings, this.#bodyLimit)
    filter.platform = platform
    makeLast(filter, this.#module)
    convertErrors(adapter, platform)
    watchStreams(adapter)
    serveThrough(server, this.#settings, platform)
  }
}

/**
 * Puts the contract's filter behind all other global filters, so that those of the application take precedence.
 *
 * Nest asks the global filter that was added last first. It has no public way to add one before those of the root module.
 */
function makeLast(filter: ContractFilter, module: ModuleRef | undefined): void {
  const config = read(read(module, 'container'), 'applicationConfig')
  const list = (config as { getGlobalFilters?: () => unknown } | undefined)?.getGlobalFilters?.()
  if (!Array.isArray(list) || !list.includes(filter)) return
  list.splice(list.indexOf(filter), 1)
  list.unshift(filter)
}

type ErrorHandler = (error: unknown, request: unknown, response: unknown, next: unknown) => unknown

/**
 * Converts the errors of Express, of Fastify and of their body parsers before Nest maps them: Nest 11 keeps only their
 * messages, which repeat parts of the body.
 */
function convertErrors(adapter: AbstractHttpAdapter, platform: Platform): void {
  const original = adapter.setErrorHandler?.bind(adapter) as
    | ((handler: ErrorHandler, prefix?: string) => unknown)
    | undefined
  if (original === undefined) return
  adapter.setErrorHandler = ((handler: ErrorHandler, prefix?: string) =>
    // Express recognises an error handler by its four parameters.
    original(
      (error, request, response, next) => handler(platform.convert(error), request, response, next),
      prefix,
    )) as never
}

/** An error of a `StreamableFile` is answered by the contract: Nest would send its message, or end the response as complete. */
function watchStreams(adapter: AbstractHttpAdapter): void {
  const reply = adapter.reply.bind(adapter)
  adapter.reply = (response: unknown, body: unknown, status?: number) => {
    watchStream(body)
    return reply(response, body, status)
  }
}
