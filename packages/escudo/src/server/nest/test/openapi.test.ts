import { Controller, Get, Module, Param, Post, type Type, VersioningType } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { ApiExcludeEndpoint, ApiOperation, ApiProperty, ApiResponse, SwaggerModule } from '@nestjs/swagger'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { type NestOpenApiOptions, openapi } from '../../nest.ts'
import type { JsonObject, OpenApiDocument } from '../../openapi.ts'
import { EscudoModule } from '../module.ts'
import { ApiErrors, Route } from '../route.ts'
import { contract, decorate } from './setup.ts'

const info = { title: 'Shop', version: '1' }

async function documentOf(
  controllers: readonly Type[],
  options: Partial<NestOpenApiOptions> = {},
  main: (app: Awaited<ReturnType<typeof NestFactory.create>>) => void = () => {},
): Promise<OpenApiDocument> {
  class Root {}
  Module({ controllers: [...controllers], imports: [EscudoModule.forRoot({ contract })] })(Root)
  const app = await NestFactory.create(Root, new ExpressAdapter(), { logger: false, abortOnError: false })
  main(app)
  try {
    return await openapi(app, { contract, info, SwaggerModule, ...options })
  } finally {
    await app.close()
  }
}

const statuses = (document: OpenApiDocument, path: string, method = 'get'): readonly string[] =>
  Object.keys((document.paths[path]?.[method]?.['responses'] ?? {}) as object).filter((status) =>
    /^\d{3}$/.test(status),
  )

/** A class with one handler `one`, and decorators for both. */
function controller(name: string, path: string, decorators: readonly MethodDecorator[], Base: Type = Object): Type {
  const made = { [name]: class extends Base {} }[name] as Type
  if (decorators.length > 0) {
    made.prototype.one = { one: () => 'one' }.one
    decorate(made, 'one', decorators)
  }
  Controller(path)(made)
  return made
}

describe('openapi of Nest', () => {
  it('finds what decorators declare, whatever the name of the operation', async () => {
    const Plain = controller('Plain', 'plain', [Get(), ApiErrors('SOLD_OUT')])
    const Named = controller('Named', 'named', [Get(), ApiErrors('SOLD_OUT'), ApiOperation({ operationId: 'mine' })])
    const Whole = controller('Whole', 'whole', [Get(':id')])
    ApiErrors('SOLD_OUT')(Whole)
    const document = await documentOf([Plain, Named, Whole])
    for (const path of ['/plain', '/named', '/whole/{id}'])
      expect(statuses(document, path)).toEqual(['200', '409', '500'])
    expect(document.paths['/named']?.['get']?.['operationId']).toBe('mine')
    expect(document.paths['/plain']?.['get']?.['operationId']).toBe('Plain_one')
    const ids = (controller: string, method: string) => `${method}.of.${controller}`
    const renamed = await documentOf([Plain], { scan: { operationIdFactory: ids } })
    expect(renamed.paths['/plain']?.['get']?.['operationId']).toBe('one.of.Plain')
    expect(statuses(renamed, '/plain')).toContain('409')
  })

  it('tells controllers with an inherited handler apart', async () => {
    const Base = controller('Base', 'base', [Get(), ApiErrors('SOLD_OUT')])
    const One = controller('One', 'one', [], Base)
    ApiErrors('FORBIDDEN')(One)
    const Two = controller('Two', 'two', [], Base)
    const document = await documentOf([One, Two])
    expect(statuses(document, '/one')).toEqual(['200', '403', '409', '500'])
    expect(statuses(document, '/two')).toEqual(['200', '409', '500'])
  })

  it('follows global prefixes, versions and excluded endpoints', async () => {
    const One = controller('One', 'items', [Get(':id'), ApiErrors('SOLD_OUT')])
    const Hidden = controller('Hidden', 'hidden', [Get(), ApiExcludeEndpoint()])
    const document = await documentOf([One, Hidden], {}, (app) => {
      app.setGlobalPrefix('api')
      app.enableVersioning({ type: VersioningType.URI, defaultVersion: ['1', '2'] })
    })
    expect(Object.keys(document.paths)).toEqual(['/api/v1/items/{id}', '/api/v2/items/{id}'])
    for (const path of Object.keys(document.paths)) expect(statuses(document, path)).toContain('409')
  })

  it('keeps what decorators of @nestjs/swagger say, in the form of 3.1', async () => {
    class Potion {
      name: string | null = null
    }
    ApiProperty({ type: String, nullable: true, example: 'Poción' })(Potion.prototype, 'name')
    const One = controller('One', 'potion', [
      Get(),
      ApiResponse({ status: 200, description: 'A potion', type: Potion }),
      ApiResponse({ status: 404, description: 'No potion' }),
    ])
    const document = await documentOf([One])
    expect(document.openapi).toBe('3.1.1')
    expect(document.components['schemas']?.['Potion']).toMatchObject({
      properties: { name: { type: ['string', 'null'], examples: ['Poción'] } },
    })
    const responses = document.paths['/potion']?.['get']?.['responses'] as Record<string, JsonObject>
    expect(responses['200']).toMatchObject({ description: 'A potion', headers: { 'X-Trace-ID': {} } })
    expect(responses['404']).toMatchObject({ description: 'No potion', content: { 'application/problem+json': {} } })
  })

  it('takes the status of a success from the tool, if the route declares one schema', async () => {
    class Users {
      add(_id: string): object {
        return {}
      }
    }
    decorate(Users, 'add', [Post('users/:id'), Route({ response: z.object({ id: z.string() }) })], [Param('id')])
    Controller()(Users)
    const document = await documentOf([Users])
    expect(document.paths['/users/{id}']?.['post']?.['responses']).toMatchObject({
      201: { description: 'Created', content: { 'application/json': { schema: { required: ['id'] } } } },
    })
    expect(statuses(document, '/users/{id}', 'post')).not.toContain('200')
  })

  it('refuses invalid options, and names that are unknown', async () => {
    const Wrong = controller('Wrong', 'wrong', [Get(), ApiErrors('NADA')])
    await expect(documentOf([Wrong])).rejects.toThrow('GET /wrong lists "NADA"')
    for (const options of [{ SwaggerModule: {} }, { scan: 1 }, { info: {} }, { servers: {} }, { path: '/x' }]) {
      await expect(documentOf([], options as never), JSON.stringify(options)).rejects.toThrow(ConfigurationError)
    }
  })
})
