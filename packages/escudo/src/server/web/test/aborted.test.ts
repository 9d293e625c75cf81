import { connect } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { afterEach, describe, expect, it } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { keptLines } from '../../test/kept-lines.ts'
import { escudo } from '../adapter.ts'

const contract = createErrorContract({ service: 'shop', errors: defineErrors({}) })
const servers: { close(): unknown }[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

function start(handle: (signal: AbortSignal) => Promise<never>) {
  const { lines, logger } = keptLines()
  const { handler, createServer } = escudo({ contract, logger })
  return { lines, createServer, fetch: handler((request) => handle(request.signal)) }
}

const errors = (lines: readonly Record<string, unknown>[]): unknown =>
  lines.filter(({ log_level }) => log_level === 'error').map((line) => line['error_message'])
const statuses = (lines: readonly Record<string, unknown>[]): unknown =>
  lines.filter(({ event }) => event === 'http.request').map((line) => line['status_code'])

describe('a handler that fails because its client has disconnected', () => {
  it.each([new Error('left'), 'left', undefined])('is no bug, with the reason %s', async (reason) => {
    const { fetch, lines } = start(aborted)
    const controller = new AbortController()
    const pending = fetch(new Request('http://shop/', { signal: controller.signal }))
    controller.abort(reason)
    await pending
    expect([errors(lines), statuses(lines)]).toEqual([[], [499]])
  })

  it('is one for another error', async () => {
    const { fetch, lines } = start((signal) =>
      aborted(signal).catch(() => {
        throw new TypeError('x is undefined')
      }),
    )
    const controller = new AbortController()
    const pending = fetch(new Request('http://shop/', { signal: controller.signal }))
    controller.abort()
    await pending
    expect([errors(lines), statuses(lines)]).toEqual([['x is undefined'], [499]])
  })

  it('is no bug on Node', async () => {
    let reached = (): void => {}
    const isReached = new Promise<void>((resolve) => {
      reached = resolve
    })
    const { fetch, lines, createServer } = start((signal) => {
      const pending = aborted(signal)
      reached()
      return pending
    })
    const server = createServer(getRequestListener(fetch, { overrideGlobalObjects: false }))
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
    await isReached
    socket.destroy()
    await expect.poll(() => statuses(lines)).toEqual([499])
    await new Promise((resolve) => setImmediate(resolve))
    expect(errors(lines)).toEqual([])
  })
})
