import { type Start, startExpress, startFastify, startKoa } from './setup.ts'
import { startNestOnExpress, startNestOnFastify } from './setup-nest.ts'
import { startHono, startWeb } from './setup-web.ts'

/** The same service on each framework. */
export const FRAMEWORKS: readonly { readonly name: string; readonly start: Start }[] = [
  { name: 'Fastify', start: startFastify },
  { name: 'Express', start: startExpress },
  { name: 'Koa', start: startKoa },
  { name: 'Nest on Express', start: startNestOnExpress },
  { name: 'Nest on Fastify', start: startNestOnFastify },
  { name: 'web standards', start: startWeb },
  { name: 'Hono', start: startHono },
]
