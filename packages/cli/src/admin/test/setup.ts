// Setup: runs a command line in this process, against a real HTTP server of the test.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'
import type { Terminal } from '../../command.ts'
import { COMMANDS } from '../../commands.ts'
import { runCommandLine } from '../../run-command-line.ts'

/** A request that the server of the test has received. */
export interface Received {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

export type Answer = (response: ServerResponse, received: Received) => void

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** Starts a server that answers every request in the same way. It is closed after the test. */
export async function serve(answer: Answer): Promise<{ readonly url: string; readonly received: Received[] }> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const { method, url: path, headers } = request
    const one = { method, path, headers, body: text === '' ? undefined : JSON.parse(text) }
    received.push(one)
    answer(response, one)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

/** Answers with JSON. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  }
}

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command line, without a terminal unless there is one. */
export async function run(args: readonly string[], terminal?: Terminal): Promise<Ended> {
  let out = ''
  let err = ''
  const code = await runCommandLine(args, COMMANDS, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    terminal,
  })
  return { code, out, err }
}
