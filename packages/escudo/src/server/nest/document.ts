import type { INestApplication } from '@nestjs/common'
import { ModulesContainer } from '@nestjs/core'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { read } from '../../errors/safe-read.ts'
import type { DocumentedRoute, JsonObject, OpenApiDocument, OpenApiOptions } from '../openapi/description.ts'
import { checkDocumentOptions } from '../openapi/document.ts'
import { documentErrors } from '../openapi/document-errors.ts'
import { isObject } from '../openapi/json-schema.ts'
import { isMethod } from '../openapi/upgrade.ts'
import type { RouteInput } from '../route-input.ts'

/** Options of `openapi`: those of `openapiDocument` without `routes`. The tool collects the routes. */
export interface NestOpenApiOptions<D extends object = object> extends Omit<OpenApiOptions, 'routes'> {
  /** The class of this name of the package `@nestjs/swagger`, of the same major as Nest. */
  readonly SwaggerModule: {
    // biome-ignore lint/suspicious/noExplicitAny: its types differ between majors
    createDocument(app: any, config: any, options?: any): D
  }
  /** Further options of `SwaggerModule.createDocument`, such as `include` and `extraModels`. */
  readonly scan?: object
}

type OperationIdFactory = (controller: string, method: string, version?: string) => string

type InputOf = (controller: object, method: string) => RouteInput

/** Makes the document of an application. `inputOf` reads what a handler declares. */
export function documentOf(app: INestApplication, options: NestOpenApiOptions, inputOf: InputOf): OpenApiDocument {
  const { SwaggerModule, scan = {}, ...document } = options
  checkDocumentOptions({ ...document, routes: [] }, 'openapi')
  if (typeof read(SwaggerModule, 'createDocument') !== 'function') {
    throw new ConfigurationError(
      'openapi.SwaggerModule',
      `expected the class of @nestjs/swagger, got ${show(SwaggerModule)}`,
    )
  }
  if (!isObject(scan)) throw new ConfigurationError('openapi.scan', `expected an object, got ${show(scan)}`)
  const { contract, info, servers = [], security = {}, tags = [] } = document
  const handlers = handlersOf(app, inputOf)
  const wanted = (scan['operationIdFactory'] as OperationIdFactory | undefined) ?? operationIdOf
  // The operation id is all that the tool tells of the handler.
  const byId = new Map<string, { readonly id: string; readonly handler: string }>()
  const operationIdFactory: OperationIdFactory = (controller, method, version) => {
    const key = `operation${byId.size}`
    byId.set(key, {
      id: wanted(controller, method, version),
      handler: `${controller}.${method.replace(/\[\d+\]$/, '')}`,
    })
    return key
  }
  const schemes = Object.entries(security).map(([name, { scheme }]) => [name, scheme])
  const config = {
    openapi: '3.1.0',
    info,
    servers,
    tags,
    ...(schemes.length === 0 ? {} : { components: { securitySchemes: Object.fromEntries(schemes) } }),
  }
  const collected = SwaggerModule.createDocument(app, config, { ...scan, operationIdFactory }) as JsonObject
  const routes: DocumentedRoute[] = []
  const paths = operationsOf(collected, (method, url, operation) => {
    const [, key = '', suffix = ''] = /^(operation\d+)(.*)$/.exec(String(operation['operationId'])) ?? []
    const found = byId.get(key)
    const handler = found === undefined ? byExplicitId(String(operation['operationId'])) : `#${found.handler}`
    for (const description of handlers.get(handler) ?? []) routes.push({ method, url, description })
    return found === undefined ? operation : { ...operation, operationId: `${found.id}${suffix}` }
  })
  return documentErrors({ ...collected, paths }, { contract, security, routes })
}

/** The default of `@nestjs/swagger`. */
const operationIdOf: OperationIdFactory = (controller, method, version) =>
  version === undefined || version === '' ? `${controller}_${method}` : `${controller}_${method}_${version}`

const byExplicitId = (id: string): string => `@${id}`

type Handlers = ReadonlyMap<string, readonly RouteInput[]>

/** What the handlers of all controllers declare: by the names of class and method, and by an id that a decorator sets. */
function handlersOf(app: INestApplication, inputOf: InputOf): Handlers {
  const found = new Map<string, RouteInput[]>()
  const add = (key: string, input: RouteInput): void => {
    found.set(key, [...(found.get(key) ?? []), input])
  }
  const modules = app.get(ModulesContainer, { strict: false })
  const controllers = new Set([...modules.values()].flatMap(({ controllers }) => [...controllers.values()]))
  for (const { metatype } of controllers) {
    if (typeof metatype !== 'function') continue
    for (const name of methodsOf(metatype.prototype)) {
      const handler = read(metatype.prototype, name)
      if (typeof handler !== 'function') continue
      const input = inputOf(metatype, name)
      // Two classes can have one name. The tool takes the name of the function.
      add(`#${metatype.name}.${handler.name}`, input)
      for (const id of idsOf(handler)) add(byExplicitId(id), input)
    }
  }
  return found
}

/** The operation id of `@ApiOperation({ operationId })`. The tool does not make one then. */
function idsOf(handler: object): readonly string[] {
  const { getMetadata, getMetadataKeys } = Reflect as unknown as Metadata
  return getMetadataKeys(handler).flatMap((key) => {
    const id = read(getMetadata(key, handler), 'operationId')
    return typeof id === 'string' ? [id] : []
  })
}

/** The part of `reflect-metadata` that is used. Nest needs that package. */
interface Metadata {
  getMetadata(key: unknown, target: object): unknown
  getMetadataKeys(target: object): readonly unknown[]
}

function methodsOf(prototype: unknown): ReadonlySet<string> {
  const names = new Set<string>()
  for (let at = prototype; isObject(at) && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  }
  return names
}

type Change = (method: string, path: string, operation: JsonObject) => JsonObject

function operationsOf({ paths }: JsonObject, change: Change): JsonObject {
  const items = Object.entries(isObject(paths) ? paths : {}).map(([path, item]) => {
    const changed = Object.entries(isObject(item) ? item : {}).map(([name, value]) => [
      name,
      isMethod(name) && isObject(value) ? change(name, path, value) : value,
    ])
    return [path, Object.fromEntries(changed)]
  })
  return Object.fromEntries(items)
}
