import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LogFiles } from '../../journal/log-files.ts'
import { freePort } from '../../test/setup.ts'
import { createDashboard } from '../server.ts'

let folder: string
let log: string
let files: LogFiles
let server: Server
let port: number

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-dashboard-'))
  log = join(folder, '<b>&shop.jsonl')
  files = new LogFiles([log])
  port = await freePort()
  server = await createDashboard(files, port)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
})

afterEach(async () => {
  await files.end()
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true })
})

test('updates the summary as the log grows', async () => {
  await writeFile(log, line({ status_code: 200, latency_ms: 1 }) + line({ status_code: 503, latency_ms: 4 }))
  await files.poll()
  expect(await summary()).toMatchObject({
    requests: 2,
    client_errors: 0,
    server_errors: 1,
    latency_ms: { mean: 2.5 },
    by_status: { 200: 1, 503: 1 },
    by_service: { '<b>&shop': { requests: 2 } },
    lines: { read: 2, malformed: 0 },
  })
  await appendFile(log, `${line({ status_code: 404, latency_ms: 1 })}oops\n`)
  await files.poll()
  expect(await summary()).toMatchObject({ requests: 3, client_errors: 1, lines: { read: 4, malformed: 1 } })
})

test('reports no data as zero requests, no mean and a waiting file', async () => {
  expect(await summary()).toMatchObject({ requests: 0, latency_ms: { mean: null }, files: [{ state: 'waiting' }] })
})

test('answers once each file was read for the first time, so that no service is missing', async () => {
  const names = Array.from({ length: 60 }, (_, at) => `service-${at}`)
  for (const name of names)
    await writeFile(join(folder, `${name}.jsonl`), line({ service: name, status_code: 200, latency_ms: 1 }))
  await files.end()
  await new Promise((resolve) => server.close(resolve))
  files = new LogFiles([folder])
  server = await createDashboard(files, port)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const following = files.follow()
  const found = await Promise.all([get('/api/health'), summary()])
  expect(JSON.parse(found[0].body)).toMatchObject({ services: names.toSorted().map((name) => ({ name })) })
  expect(found[1]).toMatchObject({ requests: names.length })
  await files.end()
  await following
})

test('counts a service named __proto__ like any other', async () => {
  await writeFile(log, line({ service: '__proto__', status_code: 200, latency_ms: 1 }))
  await files.poll()
  expect((await get('/api/summary')).body).toContain('"__proto__":{"requests":1')
})

test('offers what the page shows as a report and as CSV', async () => {
  await writeFile(log, line({ service: '=1', status_code: 503, latency_ms: 4 }))
  await files.poll()
  const csv = await get('/api/services.csv?range=300')
  expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8')
  expect(csv.headers['content-disposition']).toBe('attachment; filename="escudo-services.csv"')
  expect(csv.body).toMatch(/^service,state,.*\r\n'=1,degraded,1,0,1,/)
  const report = await get('/api/report?range=300&lang=en')
  expect(report.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-.*frame-ancestors/)
  expect(report.body).toContain('<html lang="en">')
  expect((await get('/api/services.csv?range=7')).status).toBe(400)
  expect((await get('/api/constructor.csv')).status).toBe(404)
})

test('forbids inline script in every response, and the page has none', async () => {
  for (const path of ['/', '/api/summary', '/page.js', '/api/stream?range=7', '/nope']) {
    const { headers } = await get(path)
    expect(headers['content-security-policy']).toContain("script-src 'self'")
    expect(headers['x-content-type-options']).toBe('nosniff')
  }
  const { status, body } = await get('/')
  expect(status).toBe(200)
  expect(body).not.toMatch(/<script(?![^>]* src=)|\son\w+=|style="/)
})

test('rejects a Host header of another server', async () => {
  for (const host of ['evil.example', `evil.example:${port}`, 'localhost', `localhost:${port + 1}`]) {
    expect((await get('/api/summary', { host })).status).toBe(403)
  }
  expect((await get('/healthz', { host: `localhost:${port}` })).status).toBe(200)
  expect((await get('/healthz', { host: `127.0.0.1:${port}` })).status).toBe(200)
})

test('handles unknown paths, other methods and HEAD', async () => {
  expect((await get('/../etc/passwd')).status).toBe(404)
  expect((await get('//')).status).toBe(404)
  const post = await get('/', {}, 'POST')
  expect(post.status).toBe(405)
  expect(post.headers['allow']).toBe('GET, HEAD')
  const head = await get('/', {}, 'HEAD')
  expect(head).toMatchObject({ status: 200, body: '' })
  expect(Number(head.headers['content-length'])).toBeGreaterThan(500)
})

interface Got {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** Uses `node:http`, because `fetch` sends neither a custom Host header nor an unnormalized path. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

async function summary(): Promise<unknown> {
  return JSON.parse((await get('/api/summary')).body)
}

function line(fields: object): string {
  return `${JSON.stringify({ timestamp: '2026-11-23T03:10:11.123Z', path: '/', ...fields })}\n`
}
