import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LogFiles } from '../../journal/log-files.ts'
import { UNDECLARED } from '../../lines/reader/line-reader.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../../verdict/thresholds.ts'
import { type Health, healthOf, type ServiceHealth } from '../health.ts'

/** The reader's clock at the start of these tests. */
export const NOW = Date.parse('2026-11-28T14:00:00.000Z')

/** The time of a line in the JSON API, by its age in seconds at the start of a test. */
export const at = (ago: number): string => new Date(NOW - ago * 1_000).toISOString()

/** A circuit breaker of the service opens. */
export const OPENED = {
  event: 'circuit_breaker.state_change',
  shield: 'inventory',
  policy: 'circuitBreaker',
  from: 'closed',
  to: 'open',
}

/** A line, with its age in seconds; negative for a time ahead of the clock. */
export type Line = Readonly<Record<string, unknown>> & { readonly ago: number }

/** Files of services, read by a clock that the test sets. */
export class TestSystem {
  now = NOW
  readonly files: LogFiles
  readonly #folder: string
  readonly #thresholds: Thresholds

  constructor(folder: string, services: readonly string[], thresholds: Thresholds) {
    this.#folder = folder
    this.#thresholds = thresholds
    this.files = new LogFiles(
      services.map((name) => this.path(name)),
      UNDECLARED,
      () => this.now,
    )
    this.files.judgeBy(thresholds)
  }

  path(service: string): string {
    return join(this.#folder, `${service}.jsonl`)
  }

  /** Appends lines to the file of a service and reads them. */
  async write(service: string, lines: readonly (Line | string)[]): Promise<void> {
    await appendFile(this.path(service), lines.map((line) => `${this.#textOf(service, line)}\n`).join(''))
    await this.files.poll()
  }

  health(): Health {
    return healthOf(this.files, this.now, this.#thresholds)
  }

  service(name: string): ServiceHealth {
    const found = this.health().services.find((service) => service.name === name)
    if (found === undefined) throw new Error(`no service ${name}`)
    return found
  }

  async remove(): Promise<void> {
    await this.files.end()
    await rm(this.#folder, { recursive: true })
  }

  #textOf(service: string, line: Line | string): string {
    if (typeof line === 'string') return line
    const { ago, ...fields } = line
    const timestamp = new Date(this.now - ago * 1_000).toISOString()
    return JSON.stringify({ timestamp, event: 'http.request', service, path: '/items', latency_ms: 5, ...fields })
  }
}

/** Creates a system of services, each with its own file. */
export async function createSystem(
  services: readonly string[],
  thresholds: Partial<Thresholds> = {},
): Promise<TestSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'escudo-health-'))
  return new TestSystem(folder, services, { ...DEFAULT_THRESHOLDS, ...thresholds })
}

/** Returns one line for each `step` seconds from `from` to `to` seconds ago. */
export function every(step: number, from: number, to: number, fields: Readonly<Record<string, unknown>> = {}): Line[] {
  const lines: Line[] = []
  for (let ago = from; ago >= to; ago -= step) lines.push({ ago, status_code: 200, ...fields })
  return lines
}
