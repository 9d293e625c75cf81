import type { DynamicModule } from '@nestjs/common'
import { APP_FILTER, HttpAdapterHost, ModuleRef } from '@nestjs/core'
import { wholeNumber } from '../../core/options/options.ts'
import { type AdapterOptions, readAdapterOptions } from '../adapter-options.ts'
import { BODY_LIMIT } from '../json-body.ts'
import { createExchanges } from '../server.ts'
import { NestSetup } from './setup.ts'
import { EXCHANGES } from './work.ts'

/** Options of {@link EscudoModule}. */
export interface EscudoOptions extends AdapterOptions {
  /** The largest JSON body that {@link Route} reads on Express, in bytes. Default 1 MiB. Fastify has an option for it. */
  readonly bodyLimit?: number
}

/**
 * The module that makes a Nest application follow an error contract, on Express and on Fastify.
 *
 * - Every error is answered with the contract's error body: also an unknown route (404), a known one with another method
 *   (405 with `Allow`), a path that cannot be decoded, and Nest's own exceptions.
 * - Every response has the header `X-Trace-ID`.
 * - Every request writes one `http.request` log line.
 * - Everything that a request starts runs in its ambient context, guards and middleware included.
 *
 * Import it once, in the root module. Exception filters of the application take precedence.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common'
 * import { NestFactory } from '@nestjs/core'
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { EscudoModule } from 'escudo/nest'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
 *
 * class AppModule {}
 * // With a compiler for decorators: @Module({ imports: […] }) above the class.
 * Module({ imports: [EscudoModule.forRoot({ contract })] })(AppModule) // add { logger: createLogger(…) } of escudo/pino
 *
 * const app = await NestFactory.create(AppModule, { logger: false })
 * await app.listen(0, '127.0.0.1')
 * const { status } = await fetch(`${await app.getUrl()}/nothing`)
 * console.log(status) // 404
 * await app.close()
 * ```
 */
// biome-ignore lint/complexity/noStaticOnlyClass: a module of Nest is a class, and `forRoot` is its convention.
export class EscudoModule {
  /**
   * Returns the module with its options, for the `imports` of the root module.
   *
   * @throws ConfigurationError for an invalid option
   */
  static forRoot(options: EscudoOptions): DynamicModule {
    const path = 'EscudoModule.forRoot'
    const settings = readAdapterOptions(options, path, ['bodyLimit'])
    const { bodyLimit = BODY_LIMIT } = options
    wholeNumber(bodyLimit, `${path}.bodyLimit`, 1)
    const { bodyLimit: _, ...common } = options
    const exchanges = createExchanges(common)
    const setup = new NestSetup(settings, bodyLimit, exchanges)
    /** Nest calls `configure` when all providers exist, before it declares the routes. */
    class EscudoRootModule extends EscudoModule {
      configure(): void {
        setup.start()
      }
    }
    const filter = {
      provide: APP_FILTER,
      useFactory: (host: HttpAdapterHost, module: ModuleRef) => setup.connect(host, module),
      inject: [HttpAdapterHost, ModuleRef],
    }
    const provided = { provide: EXCHANGES, useValue: exchanges }
    return { module: EscudoRootModule, global: true, providers: [filter, provided], exports: [EXCHANGES] }
  }
}
