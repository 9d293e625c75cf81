import type { INestApplication } from '@nestjs/common'
import type { OpenApiDocument } from '../openapi/description.ts'
import type { NestOpenApiOptions } from './document.ts'
import { inputOf } from './route.ts'

/**
 * Makes the OpenAPI 3.1 document of a Nest application, with the errors of every route.
 *
 * `@nestjs/swagger` collects the routes: its decorators keep their meaning, and its 3.0 document becomes 3.1. What
 * {@link Route} and {@link ApiErrors} declare is added. Call it between `NestFactory.create` and `listen`.
 *
 * @returns the document, for `SwaggerModule.setup` or to be served as JSON
 * @throws ConfigurationError for an invalid option; TypeError if a route names an unknown error or an unknown security
 * @example
 * ```ts
 * import 'reflect-metadata'
 * import { Controller, Get, Module } from '@nestjs/common'
 * import { NestFactory } from '@nestjs/core'
 * import { SwaggerModule } from '@nestjs/swagger'
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { ApiErrors, EscudoModule, openapi } from 'escudo/nest'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
 *
 * class Potions {
 *   one() {
 *     throw new Errors.SOLD_OUT()
 *   }
 * }
 * // With a compiler for decorators: @Get('potion') and @ApiErrors('SOLD_OUT') above the method.
 * const method = Object.getOwnPropertyDescriptor(Potions.prototype, 'one') as PropertyDescriptor
 * for (const decorate of [Get('potion'), ApiErrors('SOLD_OUT')]) decorate(Potions.prototype, 'one', method)
 * Controller()(Potions)
 * class AppModule {}
 * Module({ controllers: [Potions], imports: [EscudoModule.forRoot({ contract })] })(AppModule)
 *
 * const app = await NestFactory.create(AppModule, { logger: false })
 * const document = await openapi(app, { contract, info: { title: 'The shop', version: '1.0.0' }, SwaggerModule })
 * SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: '/openapi.json', ui: false })
 * console.log(Object.keys(document.paths['/potion']?.['get']?.['responses'] ?? {})) // 200, 409, 500, default
 * await app.close()
 * ```
 */
export async function openapi<D extends object>(
  app: INestApplication,
  options: NestOpenApiOptions<D>,
): Promise<OpenApiDocument & D> {
  // Loaded here: most processes make no document.
  const { documentOf } = await import('./document.ts')
  return documentOf(app, options, inputOf) as OpenApiDocument & D
}
