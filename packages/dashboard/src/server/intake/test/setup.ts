import { type IncomingHttpHeaders, request, type Server } from 'node:http'
import { LogFiles } from '../../../journal/log-files.ts'
import { type Summary, summarize } from '../../../report/summary.ts'
import { freePort } from '../../../test/setup.ts'
import { createIntakeServer } from '../intake-server.ts'

/** An answer of the intake. */
export interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly json: Readonly<Record<string, unknown>>
}

/** A listening intake, and the files that it adds to. */
export class TestIntake {
  readonly files: LogFiles
  readonly port: number
  readonly #server: Server

  constructor(files: LogFiles, server: Server, port: number) {
    this.files = files
    this.#server = server
    this.port = port
  }

  get summary(): Summary {
    return summarize(this.files)
  }

  send(
    path: string,
    body: string | Buffer,
    headers: Readonly<Record<string, string>> = {},
    method = 'POST',
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port: this.port, path, method, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => {
          const json = JSON.parse(text) as Record<string, unknown>
          resolve({ status: response.statusCode, headers: response.headers, json })
        })
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  /** Sends lines, one object per line. */
  lines(...lines: readonly object[]): Promise<Answer> {
    return this.send('/lines', lines.map((line) => JSON.stringify(line)).join('\n'))
  }

  otlp(body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return this.send('/v1/logs', text, { 'content-type': 'application/json', ...headers })
  }

  async remove(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.files.end()
  }
}

/** Starts an intake on a free port. */
export async function startIntake(token?: string, host = '127.0.0.1'): Promise<TestIntake> {
  const port = await freePort()
  const files = new LogFiles([])
  const server = createIntakeServer(files.addIntake('intake'), { host, port, token })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return new TestIntake(files, server, port)
}
