import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { LogFiles } from './log-files.ts'
import { renderPage } from './page.ts'
import { summarize } from './summary.ts'
import { languageOf } from './texts.ts'

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The dashboard's server; it is not listening yet. `port` is the one that it is going to have. */
export async function createDashboard(files: LogFiles, port: number): Promise<Server> {
  const script = await asset('page/live.js')
  const style = await asset('page/style.css')
  // A page of another site can reach a loopback server through a name of its own that resolves to 127.0.0.1; its Host
  // header gives it away.
  const hosts = new Set([`localhost:${port}`, `127.0.0.1:${port}`])

  const answer = (request: IncomingMessage): Answer => {
    if (!hosts.has(request.headers.host ?? '')) return text(403, 'unknown host')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return { ...text(405, 'method not allowed'), headers: { allow: 'GET, HEAD' } }
    }
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
    switch (path) {
      case '/': {
        const language = languageOf(new URLSearchParams(query), request.headers['accept-language'])
        const body = renderPage(summarize(files), language)
        return { status: 200, type: 'text/html', body, headers: { 'content-language': language } }
      }
      case '/api/summary':
        return { status: 200, type: 'application/json', body: JSON.stringify(summarize(files)) }
      case '/live.js':
        return { status: 200, type: 'text/javascript', body: script }
      case '/style.css':
        return { status: 200, type: 'text/css', body: style }
      case '/healthz':
        return { status: 200, type: 'application/json', body: '{"status":"ok"}' }
      default:
        return text(404, 'not found')
    }
  }
  return createServer((request, response) => send(request, response, answer(request)))
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain', body }
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    ...SECURITY_HEADERS,
    'content-type': `${answer.type}; charset=utf-8`,
    'content-length': Buffer.byteLength(answer.body),
    ...answer.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : answer.body)
}

function asset(path: string): Promise<string> {
  return readFile(new URL(path, import.meta.url), 'utf8')
}
