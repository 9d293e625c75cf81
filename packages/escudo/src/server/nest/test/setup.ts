// An application of Nest whose log lines can be read, on each platform.
import 'reflect-metadata'
import { type INestApplication, Module, type ModuleMetadata, type NestApplicationOptions } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { afterEach } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { type KeptLines, keptLines } from '../../test/kept-lines.ts'
import { EscudoModule, type EscudoOptions } from '../module.ts'

export const PLATFORMS = ['express', 'fastify'] as const
export type PlatformName = (typeof PLATFORMS)[number]

export const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
export const contract = createErrorContract({ service: 'potion-shop', errors: Errors })

export interface TestApp extends Omit<KeptLines, 'logger'> {
  readonly app: INestApplication
  readonly url: string
}

export interface AppOptions {
  readonly module: ModuleMetadata & { configure?: (consumer: never) => void }
  readonly options?: Partial<EscudoOptions>
  readonly nest?: NestApplicationOptions
  /** What `main.ts` does between `create` and `listen`. */
  readonly main?: (app: INestApplication) => void
}

/** Returns a function that starts an application, which is closed after the test. */
export function appPerTest(): (platform: PlatformName, options: AppOptions) => Promise<TestApp> {
  const open: INestApplication[] = []
  afterEach(async () => {
    for (const app of open.splice(0)) {
      app.getHttpServer().closeAllConnections()
      await app.close()
    }
  })
  return async (platform, { module, options, nest, main }) => {
    const { lines, logger, waitFor } = keptLines()
    class Root {
      configure(consumer: never): void {
        module.configure?.(consumer)
      }
    }
    const { configure: _, ...metadata } = module
    const imports = [EscudoModule.forRoot({ contract, logger, ...options }), ...(module.imports ?? [])]
    Module({ ...metadata, imports })(Root)
    const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter()
    const app = await NestFactory.create(Root, adapter, { logger: false, abortOnError: false, ...nest })
    main?.(app)
    open.push(app)
    await app.listen(0, '127.0.0.1')
    return { app, url: await app.getUrl(), lines, waitFor }
  }
}

/** Applies decorators to a method and its parameters, as a compiler does. */
export function decorate(
  { prototype }: { readonly prototype: object },
  method: string,
  decorators: readonly MethodDecorator[],
  parameters: readonly ParameterDecorator[] = [],
): void {
  for (const [index, decorator] of [...parameters.entries()].reverse()) decorator(prototype, method, index)
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method) as PropertyDescriptor
  for (const decorator of decorators.toReversed()) decorator(prototype, method, descriptor)
}

export interface Asked {
  readonly status: number
  readonly code: unknown
  readonly message: unknown
  readonly body: Readonly<Record<string, unknown>>
  readonly text: string
  readonly headers: Headers
}

/** Requests a URL, and returns what tests look at. */
export async function ask(url: string, init?: RequestInit): Promise<Asked> {
  const response = await fetch(url, init)
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  const body = isJson ? JSON.parse(text) : {}
  const { status, headers } = response
  return { status, code: body.error_code, message: body.message, body, text, headers }
}

/** The init of a request with a JSON body. */
export function post(body: string, type = 'application/json'): RequestInit {
  return { method: 'POST', headers: { 'content-type': type }, body }
}
