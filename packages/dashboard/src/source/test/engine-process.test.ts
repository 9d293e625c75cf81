import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'

const run = promisify(execFile)
const BIN = new URL('../../bin.ts', import.meta.url).pathname
const TOKEN = 'a-secret-token'

let server: Server | undefined
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)))
  server = undefined
})

/** Runs the dashboard for an engine, and returns how it ended. */
async function dashboard(
  url: string,
  ...flags: readonly string[]
): Promise<{ code?: number; stdout: string; stderr: string }> {
  const env = { ...process.env, ESCUDO_DASHBOARD_SOURCE_AUTHORIZATION: TOKEN }
  const args = [
    '--conditions=@escudo/source',
    BIN,
    '--no-open',
    '--port',
    '1',
    '--source',
    `victorialogs=${url}`,
    ...flags,
  ]
  return await run(process.execPath, args, { env }).catch(
    (error: { code: number; stdout: string; stderr: string }) => error,
  )
}

async function serve(
  status: number,
  body: string,
): Promise<{ readonly url: string; readonly seen: (string | undefined)[] }> {
  const seen: (string | undefined)[] = []
  server = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.writeHead(status).end(body)
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, seen }
}

it('ends with one line if another program answers', async () => {
  const { url } = await serve(404, 'nothing here')
  const other = await dashboard(url)
  expect(other).toMatchObject({
    code: 2,
    stdout: '',
    stderr: `dashboard: ${url} is not VictoriaLogs: it has no /select/logsql/query\n`,
  })
})

it('sends the credentials and never prints them', async () => {
  const { url, seen } = await serve(401, `bad token ${TOKEN}`)
  const refused = await dashboard(url)
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('refuses the credentials (401)') })
  expect(refused.stderr).not.toContain(TOKEN)
  expect(new Set(seen)).toEqual(new Set([`Bearer ${TOKEN}`]))
})
