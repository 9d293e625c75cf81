// A server of Koa whose log lines can be read.
import type { Server } from 'node:http'
import Router from '@koa/router'
import Koa from 'koa'
import { afterEach, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { createLogger } from '../../../telemetry/pino.ts'
import { type EscudoOptions, escudo, frameworkPlugins } from '../../koa.ts'

export const Errors = defineErrors({
  ITEM_NOT_FOUND: { status: 404, message: "Item '{id}' not found.", context: z.object({ id: z.string() }) },
})

export type Line = Readonly<Record<string, unknown>> & { readonly event: string }

export interface TestServer {
  readonly app: Koa
  readonly server: Server
  readonly url: string
  readonly port: number
  readonly lines: Line[]
  /** Waits until there is a line of an event, and returns the lines of this event. */
  waitFor(event: string): Promise<readonly Line[]>
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
    const lines: Line[] = []
    const sink = { write: (line: string) => lines.push(JSON.parse(line)) }
    const logger = createLogger({ service: 'potion-shop', level: 'debug', stdout: false, sink })
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
    const waitFor = async (event: string): Promise<readonly Line[]> => {
      const found = (): Line[] => lines.filter((line) => line.event === event)
      await vi.waitFor(() => expect(found().length).toBeGreaterThan(0), { timeout: 4_000, interval: 5 })
      return found()
    }
    return { app, server, url: `http://127.0.0.1:${port}`, port, lines, waitFor }
  }
}

/** Requests a path, and returns what tests look at. */
export async function get(
  url: string,
  init?: RequestInit,
): Promise<{ status: number; code: unknown; response: Response; text: string }> {
  const response = await fetch(url, init)
  const text = await response.text()
  const isJson = text !== '' && response.headers.get('content-type')?.includes('json') === true
  return { status: response.status, code: isJson ? JSON.parse(text).error_code : undefined, response, text }
}
