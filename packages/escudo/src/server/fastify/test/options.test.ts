import Fastify from 'fastify'
import { describe, expect, test, vi } from 'vitest'
import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { escudo, openapi, route } from '../../fastify.ts'

const contract = createErrorContract({ service: 's', errors: defineErrors({}) })
const info = { title: 'The shop', version: '1' }

const plugins = {
  escudo: async (options: object) =>
    await Fastify()
      .register(escudo, { contract, ...options } as never)
      .ready(),
  openapi: async (options: object) =>
    await Fastify()
      .register(openapi, { contract, info, ...options } as never)
      .ready(),
}

describe('the options of a plugin', () => {
  test.each<[keyof typeof plugins, object, string, string]>([
    ['escudo', { contarct: 1 }, 'escudo.contarct', "did you mean 'contract'?"],
    ['escudo', { contract: {} }, 'escudo.contract', 'expected what createErrorContract returned, got an object'],
    ['escudo', { contract: null }, 'escudo.contract', 'got null'],
    ['escudo', { info }, 'escudo.info', 'no such option'],
    ['openapi', { pth: '/x' }, 'openapi.pth', "did you mean 'path'?"],
    ['openapi', { path: 'x' }, 'openapi.path', "expected a path that begins with '/', got 'x'"],
    ['openapi', { path: null }, 'openapi.path', 'got null'],
    ['openapi', { onDocument: 'x' }, 'openapi.onDocument', "expected a function, got 'x'"],
    ['openapi', { routes: [] }, 'openapi.routes', 'no such option'],
    ['openapi', { info: { title: 'x' } }, 'openapiDocument.info', 'expected a title and a version'],
    ['openapi', { security: { login: { schema: {} } } }, 'openapiDocument.security.login.schema', 'no such option'],
    ['openapi', { tags: 'x' }, 'openapiDocument.tags', "expected an array, got 'x'"],
  ])('of %s: %j is an error at %s', async (plugin, options, path, message) => {
    const error: unknown = await plugins[plugin](options).then(
      () => 'no error',
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({ path })
    expect((error as Error).message).toContain(message)
  })

  test('may contain those that Fastify reads, and a route those of other plugins', async () => {
    const app = Fastify()
    await app.register(escudo, { contract, prefix: '/v1', logLevel: 'warn', logSerializers: {} } as never)
    await app.register(openapi, { contract, info, prefix: '/v1', logLevel: 'warn' } as never)
    app.get(
      '/x',
      route({ websocket: true, version: '1', bodyLimit: 5, schema: {} } as never, () => 'x'),
    )
    await app.ready()
    const { paths } = (await app.inject('/openapi.json')).json()
    expect(Object.keys(paths)).toContain('/x')
    await app.close()
  })
})

test('an asynchronous `onDocument` that rejects fails the start, and is not unhandled', async () => {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  const started = plugins.openapi({ onDocument: async () => Promise.reject(new Error('disk full')) })
  await expect(started).rejects.toThrow('disk full')
  await new Promise((resolve) => setTimeout(resolve, 0))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})
