// A server of Koa whose log lines can be read.
import type { Server } from 'node:http'
import Router from '@koa/router'
import Koa from 'koa'
import { afterEach } from 'vitest'
import { z } from 'zod'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { type EscudoOptions, escudo, frameworkPlugins } from '../../koa.ts'
import { type KeptLines, keptLines } from '../../test/kept-lines.ts'

export { get } from '../../test/get.ts'

export const Errors = defineErrors({
  ITEM_NOT_FOUND: { status: 404, message: "Item '{id}' not found.", context: z.object({ id: z.string() }) },
})

export interface TestServer extends Omit<KeptLines, 'logger'> {
  readonly app: Koa
  readonly server: Server
  readonly url: string
  readonly port: number
}

/** Returns a function that starts a server, which is closed after the test. The routes of `router` come last. */
export function serverPerTest(): (
  routes: (router: Router, app: Koa) => void,
  options?: Partial<EscudoOptions>,
) => Promise<TestServer> {
  let open: Server | undefined
  afterEach(() => {
    open?.close()
    open?.closeAllConnections()
    open = undefined
  })
  return async (routes, options) => {
    const { lines, logger, waitFor } = keptLines()
    const contract = createErrorContract({ service: 'potion-shop', errors: Errors, map: [...frameworkPlugins()] })
    const app = new Koa()
    const { attach } = escudo(app, { contract, logger, ...options })
    const router = new Router()
    routes(router, app)
    app.use(router.routes())
    const server = attach(app.listen(0, '127.0.0.1'))
    open = server
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    return { app, server, url: `http://127.0.0.1:${port}`, port, lines, waitFor }
  }
}
